"""What is made once for mails of one shape is what the long way makes for each."""

from collections.abc import Callable
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import letter
from tactful.events.responses import About
from tactful.messages import mjml_body, render, shapes
from tactful.messages.mail import Rendered
from tactful.messages.plain import plain_text
from tactful.messages.shapes import Made
from tactful.messages.source import MessageSource, source_of
from tactful.messages.template import TemplateError
from tactful.messages.tracking import Tracking, tracked
from tests.messages.letters import CART, PERSON, definitions
from tests.tries import tries

NOW = 1_740_816_000_000_000
BASE = "https://shop.example/de/"
ABOUT = About("0" * 32, "u:1", "cart", "reminder", "email", "")
KEYS = {1: bytes(range(64))}

IN_MJML = """<mjml><mj-head><mj-style>.phidden { color: red }</mj-style></mj-head><mj-body>
<mj-section><mj-column>{% for v in vs %}
%s
{% endfor %}</mj-column></mj-section></mj-body></mjml>"""
PIECES = [
    "<mj-text>Hello {{ v }}, how {{ v }}?</mj-text>",
    '<mj-button href="https://shop.example/{{ v }}?a=1">{{ v }}</mj-button>',
    '<mj-button href="{{ v }}">Go</mj-button>',
    '<mj-image src="{{ v }}" alt="{{ v }}" href="/p/{{ v }}" />',
    '<mj-text css-class="p{{ v }}">x</mj-text>',
    '<mj-text align="{{ v }}">x</mj-text>',
    "<mj-raw><!-- {{ v }} --></mj-raw>",
    '<mj-raw><!--[if mso]><a href="{{ v }}">{{ v }}</a><![endif]--></mj-raw>',
    '<mj-social><mj-social-element name="facebook" href="{{ v }}">{{ v }}</mj-social-element></mj-social>',
    '<mj-table><tr><td>{{ v }}</td><td><a href="{{ v }}">{{ v }}</a></td></tr></mj-table>',
    "<mj-text>{% if v == 'Ada' %}<b>{{ v }}</b>{% else %}{{ v | upcase }}{% endif %}</mj-text>",
    "<mj-text>{% capture c %}<i>{{ v }}</i>{% endcapture %}{{ c }} {{ c | size }}</mj-text>",
]
IN_HTML = [
    "<p>{{ vs[0] }}</p>",
    "<style>p { color: {{ vs[0] }} }</style><p>{{ vs[1] }}</p>",
    '<style>a[href^="https"] { color: red }</style><a href="{{ vs[0] }}">x</a>',
    "<style>p { color: red }</style><p title={{ vs[0] }}>{{ vs[1] }}</p>",
    "<a href='{{ vs[0] }}' data-track=\"{{ vs[1] }}\">{{ vs[0] }}</a>",
    '<a href="mailto:{{ vs[0] }}">{{ vs[0] }}</a><a href="{{ vs[0] }}{{ vs[1] }}">x</a>',
    '<textarea>{{ vs[0] }}</textarea><script>"{{ vs[1] }}"</script>{{ vs[0] }}',
    '<a href="https://{{ vs[0] }}">{{ vs[1] }}</a><!-- {{ vs[0] }} --><div {{ vs[1] }}>x</div>',
    '<a href="{{ vs[0] }}">{{ vs[0] | remove: "https://" }}</a><img src="x" alt="{{ vs[1] }}">',
    "<table><tr>{{ vs[0] }}<td>{{ vs[1] }}</table>{{ vs[0] | newline_to_br }}",
    '<a href="{{ vs[0] }}">shop.example/a</a><a href="{{ vs[1] }}"><b>x</b>.example</a>',
    "zqv0000x https://zqw0001x {{ vs[0] }}",
]
PLAIN = ["Ada", "Kettle No. 3", "19.90", "Zoë", "https://shop.example/p?id=3&b=4", "http://x.example", "hidden", "a b"]
ODD = [
    "", " ", " Ada", "Ada ", "a  b", "O'Brien & Co", "<b>x</b>", '"', "javascript:alert(1)", "/cart", "../x", "a--b",
    "-->", "tel:1", "x.example", "zqv0000x", "https://zqw0001x", "https://shop.example/p?href=1&copy=2", "]", "é\u0301",
    "https://x.example/?alt=media", "Fish & Chips", "1.234,50\xa0€", "$5", "&amp;", "&copy", "<br />x", "https://shop.example/a", "\u200b", "a\nb", "https://shop.example/v1/x", "Ada.", "1/2", "10:30", "#a",
]  # fmt: skip
VALUES = st.one_of(st.sampled_from(PLAIN), st.sampled_from(PLAIN), st.sampled_from(ODD), st.text(max_size=8))


@pytest.fixture(autouse=True)
def fresh() -> None:
    shapes.forget()


def the_long_way(make: Callable[[str, str], Made], text: str, *others: Any, is_told: bool) -> Made:
    preheader = str(others[1])
    return make(text, preheader)


def both(source: MessageSource, values: dict[str, Any]) -> tuple[Rendered | str, Rendered | str]:
    """As it is made, and as it is made the long way; how it failed."""

    def made() -> Rendered | str:
        try:
            return render.render(source, values, NOW, "https://t.example/u", BASE)
        except TemplateError as error:
            return str(error)

    here = made()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "made", the_long_way)
        return here, made()


def assert_the_same(source: MessageSource, values: dict[str, Any]) -> None:
    one, other = both(source, values)
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert (one.html, one.text, one.subject) == (other.html, other.text, other.subject)
    tracking = Tracking(clicks=True, opens=True, trap=True)
    assert tracked(one.html, tracking, "https://t.example", KEYS, ABOUT, NOW, one.tags) == tracked(
        other.html, tracking, "https://t.example", KEYS, ABOUT, NOW
    )


@settings(max_examples=tries(100), deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6))
@pytest.mark.parametrize("piece", PIECES)
def test_mjml_of_one_shape(piece: str, people: list[tuple[str, str]]) -> None:
    source = MessageSource("m", "s", mjml=IN_MJML.replace("%s", piece), preheader="For {{ vs[0] }}")
    for vs in (*[("Ada", "Eva")] * 2, *people):
        assert_the_same(source, {"vs": list(vs)})


@settings(max_examples=tries(100), deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6))
@pytest.mark.parametrize("html", IN_HTML)
def test_html_of_one_shape(html: str, people: list[tuple[str, str]]) -> None:
    source = MessageSource("m", "s", html=html)
    for vs in (*[("https://shop.example/a", "Eva")] * 2, *people):
        assert_the_same(source, {"vs": list(vs)})


def test_what_stands_in_a_comment_is_of_the_shape() -> None:
    """Outlook reads it, and links are made whole there as well: one word is a relative link, another is none."""
    source = MessageSource("m", "s", html='<!--[if mso]><a href="{{ v }}">x</a><![endif]--><p>{{ v }}</p>')
    for v in ("Ada", "Eva", "Li", "tel:1", "sms:1", "x:1"):
        assert_the_same(source, {"v": v})


def test_a_letter_of_one_shape_is_compiled_three_times() -> None:
    """The first time, and the second time for itself and for the shape; then no more."""
    source = MessageSource("m", letter.SOURCE.subject, mjml=letter.MJML, preheader="For {{ profile.firstName }}")
    mjml_body.compile_mjml.cache_clear()
    for number in range(50):
        assert render.render(source, letter.values(number), NOW, "https://t.example/u", BASE).tags is None or number > 1
    assert mjml_body.compile_mjml.cache_info().misses == 3
    for number in range(40, 60):
        assert_the_same(source, letter.values(number))


def test_a_shape_that_gives_something_else_is_never_used() -> None:
    def make(text: str, preheader: str) -> Made:
        return Made(text.replace("Ada", "Eva") + preheader, "")

    for number, name in enumerate(("Ada", "Ada", "Eva", "Ada")):
        made = shapes.made(make, f"<p>{name}</p>", [(3, 6)], "", "", is_told=False)
        assert made == make(f"<p>{name}</p>", ""), number


def test_a_preheader_is_put_in_as_it_stands_in_the_mail() -> None:
    def make(text: str, preheader: str) -> Made:
        return Made(f"<div>{escape(preheader)}</div>{text}", text)

    for said in ("a", "b", "<c>", "d & e"):
        made = shapes.made(make, "<p>Ada</p>", [(3, 6)], said, escape(said), is_told=True)
        assert made[:2] == make("<p>Ada</p>", said)[:2]


SHOP = {name: source_of(message) for name, message in definitions().messages.items()}


@pytest.mark.parametrize("name", SHOP)
def test_every_letter_of_the_shop(name: str) -> None:
    for number, first in enumerate(["Ada", "Zoë", "O'Neil", "Eva", "Li"] * 3):
        cart = [{**CART[0], "name": f"Lamp {number}", "price": 10.5 + number}, *CART][: number % 4]
        seen = {"cart": {"items": cart, "lines": len(cart), "value": 10.5 * number}}
        values = {**PERSON, "profile": {"firstName": first}, "seen": seen, "coupon": {"code": f"FJORD-{number}"}}
        assert_the_same(SHOP[name], values)
        assert_the_same(SHOP[name], {**values, "locale": "de"})


def test_what_stands_in_a_value_is_no_attribute() -> None:
    assert plain_text('<img src="https://x.example/?alt=media" alt="Lamp">') == "Lamp\n"
    assert plain_text('<p title="a hidden gem">Lamp</p>') == "Lamp\n"
    assert plain_text('<p style="overflow:hidden ">Lamp</p>') == "Lamp\n"
    assert plain_text('<p aria-hidden="true">x</p><p hidden>x</p><p style="DISPLAY : none">x</p>y') == "y\n"
