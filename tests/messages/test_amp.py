"""AMP for Email: our own rules agree with the validator on what mailboxes refuse, and the parts stand in their order."""

from email import message_from_bytes, policy

import pytest

from tactful.messages import amp
from tactful.messages.mail import compose
from tactful.messages.render import render
from tactful.messages.source import MessageSource
from tests.messages.amphtml import validate
from tests.messages.scene import NOW

GOOD = """<!doctype html>
<html ⚡4email data-css-strict>
<head>
<meta charset="utf-8">
<script async src="https://cdn.ampproject.org/v0.js"></script>
<script async custom-element="amp-carousel" src="https://cdn.ampproject.org/v0/amp-carousel-0.2.js"></script>
<style amp4email-boilerplate>body{visibility:hidden}</style>
<style amp-custom>h1 { color: red; }</style>
</head>
<body>
<h1>Hello {{ profile.name }}</h1>
<amp-carousel width="300" height="200" layout="fixed" type="slides">
{% for item in cart.items %}<amp-img src="https://shop.example/{{ item | url_encode }}.png" width="300" height="200" alt="{{ item }}"></amp-img>{% endfor %}
</amp-carousel>
</body></html>
"""
BROKEN = {
    "no doctype": ("<!doctype html>\n", ""),
    "no amp": ("⚡4email ", ""),
    "no charset": ('<meta charset="utf-8">\n', ""),
    "no runtime": ('<script async src="https://cdn.ampproject.org/v0.js"></script>\n', ""),
    "no boilerplate": ("<style amp4email-boilerplate>body{visibility:hidden}</style>\n", ""),
    "two styles": ("</head>", "<style amp-custom>p { color: red; }</style></head>"),
    "large styles": ("color: red;", "color: red;" * 8000),
    "dark mode": ("</style>\n</head>", "@media (prefers-color-scheme: dark) { h1 { color: red; } }</style>\n</head>"),
    "height": ("</style>\n</head>", "@media screen and (min-height: 5px) { h1 { color: red; } }</style>\n</head>"),
    "important": ("color: red;", "color: red !important;"),
    "a picture": ("<h1>", '<img src="https://x.example/a.png" alt="x"><h1>'),
    "a script": ("</body>", "<script>alert(1)</script></body>"),
    "a frame": ("<h1>", '<iframe src="https://x.example"></iframe><h1>'),
    "a handler": ("<h1>", '<h1 onclick="x()">'),
    "a form": ("<h1>", '<form method="post" action="https://x.example"></form><h1>'),
    "an object": ("<h1>", "<object></object><h1>"),
}
NAMES = tuple(BROKEN)


def filled(document: str) -> str:
    values = {"profile": {"name": "<Ada>"}, "seen": {"cart": {"items": ["lamp", 'a"b']}}}
    return render(MessageSource("m", "s", "<p>x</p>", amp=document), values, NOW).amp


def broken(name: str) -> str:
    good = filled(GOOD)
    was, now = BROKEN[name]
    assert was in good
    return good.replace(was, now, 1)


@pytest.fixture(scope="module")
def validated() -> dict[str, list[str]]:
    """What the validator says of each document, by name."""
    return validate({"good": filled(GOOD), **{name: broken(name) for name in NAMES}})


@pytest.mark.external
def test_the_validator_passes_what_is_rendered(validated: dict[str, list[str]]) -> None:
    assert validated["good"] == []


@pytest.mark.external
@pytest.mark.parametrize("name", NAMES)
def test_what_our_rules_refuse_the_validator_refuses(validated: dict[str, list[str]], name: str) -> None:
    assert validated[name] != [], "our rule would refuse what is right"


@pytest.mark.parametrize("name", NAMES)
def test_our_rules(name: str) -> None:
    assert list(amp.mistakes(filled(GOOD))) == []
    assert list(amp.mistakes(broken(name))) != []


def test_what_is_wrong_is_said_once() -> None:
    twice = filled(GOOD).replace("<h1>", "<img src='https://x.example/a'><img src='https://x.example/b'><h1>")
    assert list(amp.mistakes(twice)) == ["<img> is not allowed; in its place stands amp-img"]


@pytest.mark.parametrize("bomb", ["<html " * 20_000, "<style amp-custom>" * 5000, "<!--" * 20_000, "<a '" * 20_000])
def test_a_bomb_is_looked_at_once(bomb: str) -> None:
    assert list(amp.mistakes(bomb)) != []


def test_the_parts_stand_from_the_plainest_to_the_best_known() -> None:
    rendered = render(MessageSource("m", "s", "<p>x</p>", amp=GOOD), {}, NOW)
    body = compose(rendered, "Shop <a@shop.example>", "b@people.example", "0123", NOW)
    mail = message_from_bytes(body, policy=policy.default)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative", "text/plain", "text/x-amp-html", "text/html",
    ]  # fmt: skip
    assert [
        one.get_content().startswith(start)
        for one, start in zip(mail.iter_parts(), ("x", "<!doctype", "<p>"), strict=True)
    ] == [True] * 3
