"""Links lead through this house and to nowhere else, every other byte of a mail stays, and the same claim gives the same."""

import re

import pytest

from tactful.events.responses import About
from tactful.messages import links
from tactful.messages.tracking import Tracking, tracked
from tactful.values import digest

KEYS = {1: bytes(range(64))}
ABOUT = About(digest("one"), "u:42", "welcome", "hello", "email", "first")
AT = 1_740_816_000_000_000
CLICKS = Tracking(clicks=True)
URL = "https://mail.shop.example"


def clicked(html: str, tracking: Tracking = CLICKS) -> str:
    return tracked(html, tracking, URL, KEYS, ABOUT, AT)


def target(html: str) -> str | None:
    """Where the one link of the HTML leads; None where it was left as it was."""
    match = re.search(rf"{URL}/v1/c/([\w-]+)", clicked(html))
    if match is None:
        assert clicked(html) == html
        return None
    found = links.unseal_click(KEYS, match[1])
    assert found is not None
    assert found.about == ABOUT
    assert found.sent_at == AT
    return found.target


@pytest.mark.parametrize(
    ("href", "leads"),
    [
        ('"https://shop.example/a?b=1&amp;c=2#d"', "https://shop.example/a?b=1&c=2#d"),
        ('"https://shop.example/?a=1&copy=2"', "https://shop.example/?a=1&copy=2"),
        ("'HTTP://Shop.Example'", "HTTP://Shop.Example"),
        ("https://shop.example/a", "https://shop.example/a"),
        ('" https://shop.example/a\n "', "https://shop.example/a"),
        ('"https://shop.example/a\n/b"', "https://shop.example/a/b"),
        ('"https://shop.example/%2F?q=a+b&amp;r=%20{x}|y"', "https://shop.example/%2F?q=a+b&r=%20{x}|y"),
        ('"https://shop.example/a b"', "https://shop.example/a%20b"),
        ('"https://shop.example/größe"', "https://shop.example/gr%C3%B6%C3%9Fe"),
        ('"https://müller.example/"', "https://xn--mller-kva.example/"),
        ('"https://shop.example:8443/a"', "https://shop.example:8443/a"),
        ('"https://shop.example/@someone"', "https://shop.example/@someone"),
        # What is left as it is.
        ('"mailto:a@shop.example"', None),
        ('"tel:+49301"', None),
        ('"#top"', None),
        ('"/cart"', None),
        ('""', None),
        ('"javascript:alert(1)"', None),
        ('"data:text/html,x"', None),
        ('"https:/shop.example"', None),
        ('"https:\\\\shop.example"', None),
        ('"https://user@shop.example/"', None),
        ('"https://shop.example\\@evil.example/"', None),
        ('"https://[::1]/"', None),
        ('"https://%65vil.example/"', None),
        (f'"{URL}/v1/unsubscribe/abc"', None),
        ('"https://shop.example/' + "x" * 4_000 + '"', None),
    ],
)
def test_where_a_link_leads(href: str, leads: str | None) -> None:
    assert target(f"<p><a href={href}>x</a></p>") == leads


def test_every_other_byte_stays() -> None:
    html = '<body>\n<!-- <a href="https://a.example"> --><A class=x HREF=\'https://a.example/?x&amp;y\' title="&gt;">ü</A ></body>'
    new = clicked(html)
    found = re.search(rf'"{URL}/v1/c/[\w-]+"', new)
    assert found is not None
    assert new.replace(found[0], "'https://a.example/?x&amp;y'") == html


def test_a_link_may_ask_not_to_be_tracked() -> None:
    assert clicked('<a data-track="no" href="https://a.example">x</a>') == '<a href="https://a.example">x</a>'
    assert clicked("<a href=https://a.example data-track=no>x</a>") == "<a href=https://a.example>x</a>"


def test_only_some_hosts() -> None:
    only = Tracking(clicks=True, hosts=("shop.example",))
    assert "/v1/c/" in clicked('<a href="https://www.shop.example/">', only)
    for host in ("evilshop.example", "shop.example.evil", "evil.example"):
        html = f'<a href="https://{host}/">'
        assert clicked(html, only) == html


@pytest.mark.parametrize(
    ("html", "before"),
    [
        ("<html><body><p>x</p></body></html>", "</body></html>"),
        ("<p>x</p>", ""),
        ("<html><p>x</p></html>", "</html>"),
        ("<body><!-- </body> --><p>x</p></BODY >", "</BODY >"),
    ],
)
def test_the_pixel_stands_at_the_end_of_the_body(html: str, before: str) -> None:
    new = clicked(html, Tracking(opens=True))
    match = re.search(rf'<img src="{URL}/v1/o/([\w-]+)\.gif"[^>]*>', new)
    assert match is not None
    assert links.unseal_open(KEYS, match[1]) == links.Open(ABOUT, AT)
    assert new == html.removesuffix(before) + match[0] + before


def test_the_trap_is_a_link_that_leads_nowhere() -> None:
    new = clicked("<body>x</body>", Tracking(clicks=True, trap=True))
    match = re.search(rf'<a href="{URL}/v1/c/([\w-]+)"[^>]*display:none[^>]*></a></body>', new)
    assert match is not None
    found = links.unseal_click(KEYS, match[1])
    assert found is not None
    assert found.target == ""


def test_the_same_mail_gives_the_same_bytes() -> None:
    html = '<a href="https://a.example">x</a><a href="https://b.example">y</a>'
    both = Tracking(clicks=True, opens=True, trap=True)
    assert clicked(html, both) == clicked(html, both)
    assert clicked(html, Tracking()) == html
