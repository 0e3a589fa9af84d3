"""What becomes of the HTML: MJML, inlined styles, dark mode, links, escaping; and of notes. Never harm, never hours."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.messages import markup, mjml_body
from tactful.messages.finishing import finish
from tactful.messages.markup import MarkupError, harmful, leading, led, relative
from tactful.messages.mjml_body import compile_mjml
from tactful.messages.note import Note, compose, decode
from tactful.messages.plain import plain_text
from tactful.messages.render import AMP_BYTES, render, render_note
from tactful.messages.source import MessageSource
from tactful.messages.template import TemplateError
from tests.messages.scene import NOW
from tests.tries import tries

BODY = "<mjml><mj-body>{}</mj-body></mjml>"
TEXT = BODY.format("<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>")


def html_of(html: str, base: str = "", **values: Any) -> str:
    return render(MessageSource("m", "s", html, "x"), values, NOW, "", base).html


def mjml_of(mjml: str, **values: Any) -> str:
    return render(MessageSource("m", "s", mjml=mjml), values, NOW).html


# ---- MJML ------------------------------------------------------------------------------------------------------------


def test_mjml_becomes_html_with_a_text_part() -> None:
    made = render(
        MessageSource("m", "s", mjml=TEXT.format("Hello <b>{{ profile.name }}</b>")),
        {"profile": {"name": "<Ada>"}},
        NOW,
    )
    assert made.html.startswith("<!doctype html>")
    assert "Hello <b>&lt;Ada&gt;</b>" in made.html
    assert made.text == "Hello <Ada>\n"


def test_conditions_stand_around_components_and_columns() -> None:
    column = "<mj-column><mj-text>x</mj-text></mj-column>"
    text = BODY.format(f"<mj-section>{column}{{% if two %}}{column}{{% endif %}}</mj-section>")
    assert "mj-column-per-100" in mjml_of(text)
    assert "mj-column-per-50" in mjml_of(text, two=True)
    loop = BODY.format(
        "{% for n in list %}<mj-section><mj-column><mj-text>[{{ n }}]</mj-text></mj-column></mj-section>{% endfor %}"
    )
    assert re.findall(r"\[.\]", mjml_of(loop, list=["a", "<"])) == ["[a]"]
    assert "[&lt;]" in mjml_of(loop, list=["<"])


@pytest.mark.parametrize("where", ["<mj-text>{}</mj-text>", '<mj-image src="{}" alt="{}"/>', '<mj-button href="{}">{}</mj-button>', '<mj-raw><p title="{}">{}</p></mj-raw>'])  # fmt: skip
def test_no_value_breaks_out_of_mjml(where: str) -> None:
    evil = "\"'><script>alert(1)</script><mj-raw onx='"
    inner = where.replace("{}", "{{ v }}")
    made = mjml_of(BODY.format(f"<mj-section><mj-column>{inner}</mj-column></mj-section>"), v=evil)
    assert "<script" not in made
    assert "<mj-raw" not in made


def test_mistakes_in_mjml_say_where() -> None:
    with pytest.raises(TemplateError, match=r"^mjml: MJML: line 3: "):
        mjml_of("<mjml>\n<mj-body>\n</mj-section></mj-body></mjml>")
    with pytest.raises(TemplateError, match="reads files"):
        mjml_of(BODY.format('<mj-include path="/etc/passwd"/>'))
    with pytest.raises(TemplateError, match="begins with <mjml>"):
        mjml_of("hello")


def test_no_fonts_are_asked_of_others() -> None:
    head = '<mj-head><mj-attributes><mj-all font-family="Roboto"/></mj-attributes></mj-head>'
    assert "googleapis" not in compile_mjml(TEXT.format("x").replace("<mj-body>", f"{head}<mj-body>"))


@pytest.mark.parametrize(
    "bomb",
    [
        TEXT.format("<b>" * 20_000 + "</b>" * 20_000),
        TEXT.format("<b>" * 20_000),
        TEXT.format("<ж>" * 20_000 + "</ж>" * 20_000),
        TEXT.format("<!-- <b>" + "-->" + "<b>" * 20_000 + "</b>" * 20_000),
        BODY.format("<mj-wrapper>" * 20_000 + "</mj-wrapper>" * 20_000),
        BODY.format("<mj-section/>" * 50_000),
        TEXT.format("x" * mjml_body.SOURCE_CHARS),
        "<" * 200_000,
        "<mjml " + "a='" * 100_000,
    ],
)
def test_a_bomb_of_mjml_ends_in_an_error(bomb: str) -> None:
    with pytest.raises(MarkupError):
        compile_mjml(bomb)


# ---- styles ----------------------------------------------------------------------------------------------------------

STYLED = """<html><head><style>p{color:red} a:hover{color:blue}
@media (prefers-color-scheme: dark){p{color:white !important}}</style></head><body><p>x</p></body></html>"""


def test_styles_are_inlined_and_what_cannot_be_stays() -> None:
    made = finish(STYLED)
    assert '<p style="color: red;">x</p>' in made
    assert "a:hover" in made
    assert "prefers-color-scheme: dark" in made
    assert "p{color:red}" not in made.replace(" ", "")


def test_dark_mode_is_declared_once() -> None:
    made = finish(STYLED)
    assert made.count('name="color-scheme"') == 1
    assert finish(made).count('name="color-scheme"') == 1
    assert "color-scheme" not in finish("<html><head><style>p{color:red}</style></head><body><p>x</p></body></html>")


def test_a_fragment_stays_one() -> None:
    assert finish("<p>x</p>\n") == "<p>x</p>\n"


def test_mjml_styles_are_inlined_where_the_author_has_some() -> None:
    head = "<mj-head><mj-style>.a b{color:red}</mj-style></mj-head>"
    text = (
        TEXT.format("<b>x</b>").replace("<mj-text>", '<mj-text css-class="a">').replace("<mj-body>", head + "<mj-body>")
    )
    assert '<b style="color: red;">x</b>' in mjml_of(text)


@pytest.mark.parametrize(
    "bomb",
    [
        "<style>p{color:red}</style>" + "<div>" * 50_000,
        "<style>" + "".join(f"p:nth-child({n}n){{color:red}}" for n in range(8000)) + "</style>" + "<p>x</p>" * 20_000,
    ],
)
def test_a_bomb_of_styles_ends_in_an_error(bomb: str) -> None:
    with pytest.raises(MarkupError):
        finish(bomb)


def test_styles_that_cannot_be_read_do_not_keep_a_mail_from_leaving() -> None:
    assert "<p" in html_of("<style>p{color:red}</style><p style='{{ v }}'>x</p>", v="}{ ;;; x")


def test_the_language_of_the_reader_is_said() -> None:
    made = render(MessageSource("m", "s", mjml=TEXT.format("x")), {"profile": {"locale": "de-AT"}}, NOW).html
    assert 'lang="de-AT"' in made
    assert 'lang="und"' not in made


# ---- links -----------------------------------------------------------------------------------------------------------

HARM = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "\x01javascript:x",
    "vbscript:x", "data:text/html,<script>", "file:///etc/passwd", "java\u200bscript:x", "blob:x",
]  # fmt: skip


@pytest.mark.parametrize("address", HARM)
@pytest.mark.parametrize(
    "where", ['<a href="{{ v }}">x</a>', "<a title='>' HREF = '{{ v }}'>x</a>", "<form action={{ v }}>"]
)
def test_a_link_that_does_something_leads_nowhere(where: str, address: str) -> None:
    if "={" in where:
        address = "".join(address.split())  # What has no quotes ends at a blank.
    made = html_of(where, v=address)
    assert harmful(address)
    assert "script" not in made.lower()
    assert "passwd" not in made


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("/cart?a=1&b=2", "https://shop.example/cart?a=1&b=2"),
        ("cart", "https://shop.example/de/cart"),
        ("https://other.example/x", "https://other.example/x"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("#top", "#top"),
        ("cid:logo", "cid:logo"),
        ("", ""),
    ],
)
def test_links_are_made_whole(address: str, whole: str) -> None:
    made = html_of('<a href="{{ v }}"><img src="{{ v }}" alt=""></a>', "https://shop.example/de/", v=address)
    assert made == f'<a href="{whole}"><img src="{whole}" alt=""></a>'.replace("&", "&amp;")


def test_text_about_links_stays_text() -> None:
    said = '<p>Write &lt;a href="/x"&gt; or src="y" and action = z</p>'
    assert finish(said, base="https://shop.example") == said
    assert led('<p data-href="/x" xhref="/y">', leading("https://shop.example")) == '<p data-href="/x" xhref="/y">'


def test_a_tag_within_a_value_hides_no_link() -> None:
    assert led('<a title="<b>" href="javascript:x">', leading("")) == '<a title="<b>" href="#">'
    assert led("<a title='<<<' href='javascript:x'>", leading("")) == "<a title='<<<' href=\"#\">"


def test_what_looks_like_a_link_hides_none() -> None:
    """A value of a person may end in the middle of what would be an attribute, were it one."""
    behind = '<p>src="</p><a href="javascript:x">'
    assert led(behind, leading("")) == '<p>src="</p><a href="#">'
    said = '<img alt="see src=/x and href=javascript:y" src="/z">'
    assert led(said, leading("https://shop.example")) == said.replace('"/z"', '"https://shop.example/z"')
    assert led('<button FormAction = "/x">', leading("https://shop.example")) == (
        '<button FormAction = "https://shop.example/x">'
    )


def test_looking_for_links_takes_no_time_however_many_there_seem_to_be() -> None:
    for text in ("href=", 'href="', "href='", "href=src=", "href ", "background-", "formaction=x "):
        assert led(text * 50_000, leading("https://shop.example")) == text * 50_000


@settings(max_examples=tries(300), deadline=None)
@given(st.text(alphabet="<>\"'=/ abhrefsc:jvipt#&-!İ", max_size=80))
def test_looking_at_links_changes_nothing_else_and_ends(text: str) -> None:
    assert led(text, lambda name, address: address) == text
    made = led(text, leading(""))
    assert led(made, leading("")) == made
    plain_text(text)


@pytest.mark.parametrize(
    "bomb",
    ["<a " * 100_000, "<a '" * 100_000, "<a href=" * 60_000, '<a b="' + "<a" * 100_000, "<a href='x' " * 50_000, "<!--" * 50_000]
)  # fmt: skip
def test_markup_that_never_ends_is_looked_at_once(bomb: str) -> None:
    """By counting what the pattern of a tag would do, were it to go back: these take hours if it does."""
    assert len(led(bomb, leading(""))) <= len(bomb) * 2
    plain_text(bomb)
    markup.TAG.findall(bomb)


def test_relative() -> None:
    assert [one for one in ("/a", "a", "a/b:c", "?x", "//h/a", "#a", "", "http://a", "tel:1") if relative(one)] == [
        "/a", "a", "a/b:c", "?x",
    ]  # fmt: skip


# ---- the text part ---------------------------------------------------------------------------------------------------


def test_lists_tables_and_links_as_text() -> None:
    html = (
        "<h1>Hi</h1><ul><li>Lamp<ul><li>red</li></ul></li><li>Mug</li></ul><ol start=3><li>a<li>b</ol>"
        "<table><tr><th>Thing</th><th>Price</th></tr><tr><td>Lamp</td><td>5</td></tr></table>"
        "<table role='presentation'><tr><td>Left</td><td>Right</td></tr></table><hr>"
        "<a href='/go'><img src=x alt='Go'></a> <a href='https://x.example'>x.example</a><br>end &amp; over&zwnj;&nbsp;"
    )
    assert plain_text(html, "https://shop.example/") == (
        "Hi\n\n- Lamp\n  - red\n- Mug\n\n3. a\n4. b\n\nThing | Price\nLamp | 5\n\nLeft\nRight\n\n"
        f"{'-' * 40}\n\nGo (https://shop.example/go) x.example\nend & over\n"
    )


# ---- AMP and notes ---------------------------------------------------------------------------------------------------


def test_amp_that_is_too_large_is_left_out() -> None:
    source = MessageSource("m", "s", "<p>x</p>", amp="<p>{{ v }}</p>")
    assert render(source, {"v": "<"}, NOW).amp == "<p>&lt;</p>"
    assert render(source, {"v": "x" * AMP_BYTES}, NOW).amp == ""


def test_a_note() -> None:
    source = MessageSource(
        "m", "", channel="push", title="Hi {{ name }}\n", text=" Your {{ thing }} ", url="https://x.example/{{ thing }}", icon="javascript:x"
    )  # fmt: skip
    note = render_note(source, {"name": "<Ada>\r\n", "thing": "lamp"}, NOW)
    assert note == Note("Your lamp", "Hi <Ada>", "https://x.example/lamp", "")
    assert decode(compose(note)) == note
    assert compose(note) == b'{"text":"Your lamp","title":"Hi <Ada>","url":"https://x.example/lamp"}'
    with pytest.raises(TemplateError, match="the message is empty"):
        render_note(MessageSource("m", "", channel="sms", text="{{ nothing }}"), {}, NOW)


# ---- what templates see ----------------------------------------------------------------------------------------------


def test_what_templates_see() -> None:
    values = {
        "profile": {"name": "Ada"}, "key": "u:1", "journey": "j", "workspace": {"name": "Shop"},
        "seen": {"cart": {"items": [{"name": "Lamp"}], "value": 5}, "metric": {"spent": 7}, "profile": {"name": "no"}},
        "segments": ["regulars"], "coupon": {"code": "C"}, "fetched": {"stock": {"left": 3}, "event": "no"},
        "event": {"name": "E", "timestamp": NOW, "properties": {"x": 1}},
    }  # fmt: skip
    text = (
        "{{ profile.name }} {{ traits.name }} {{ key }} {{ journey }} {{ message }} {{ workspace.name }} {{ cart.items[0].name }} "
        "{{ cart.value }} {{ metric.spent }} {{ segment.regulars }} {{ segment.others }}{{ segments }} {{ coupon.code }} "
        "{{ stock.left }} {{ event.properties.x }} {{ event.timestamp }} {{ unsubscribe_url }}"
    )
    made = render(MessageSource("m", "s", text=text), values, NOW, "https://u.example").text
    assert made == "Ada Ada u:1 j m Shop Lamp 5 7 true regulars C 3 1 2025-03-01T08:00:00.000Z https://u.example"


def test_the_same_claim_gives_the_same_mail() -> None:
    source = MessageSource("m", "s", mjml=TEXT.format("{% for x in list %}{{ x }}{% endfor %}"), preheader="p")
    once = render(source, {"list": [1, 2]}, NOW)
    compile_mjml.cache_clear()
    assert render(source, {"list": [1, 2]}, NOW) == once
