"""Tags as a browser finds them: what is in comments and scripts is none, and attributes are read by the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.messages.html_tags import decoded, tags


def found(text: str) -> list[tuple[str, dict[str, str]]]:
    return [(tag.name, {one.name: one.value for one in tag.attributes}) for tag in tags(text) if not tag.is_end]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a href="x">y</a>', [("a", {"href": "x"})]),
        ("<A  HREF = 'a\"b' data-track=no >", [("a", {"href": 'a"b', "data-track": "no"})]),
        ('<a title=">" href=q>', [("a", {"title": ">", "href": "q"})]),
        ('<a href="x"class="y">', [("a", {"href": "x", "class": "y"})]),
        ('<a href="first" href="second">', [("a", {"href": "first"})]),
        ("<a href=a/b/c>", [("a", {"href": "a/b/c"})]),
        ("<a href= >", [("a", {"href": ""})]),
        ("<br/><i a b=1 />", [("br", {}), ("i", {"a": "", "b": "1"})]),
        ('<!-- <a href="x"> --><p>', [("p", {})]),
        ("<!--><b>", [("b", {})]),
        ("<!---><b>", [("b", {})]),
        ("<!-- a --!><b>", [("b", {})]),
        ('<!--[if mso]><a href="x"><![endif]--><b>', [("b", {})]),
        ('<!--[if !mso]><!--><a href="x"><!--<![endif]-->', [("a", {"href": "x"})]),
        ('<style>a > b {}<a href="x"></style><i>', [("style", {}), ("i", {})]),
        ("<script>if (a</b/.exec('<a href=x>')) {}</script><i>", [("script", {}), ("i", {})]),
        ("<textarea><a href=x></textareas></textarea><i>", [("textarea", {}), ("i", {})]),
        ("<!doctype html><?xml <a> ?></ a><b>", [("b", {})]),
        ("1 < 2 <b>", [("b", {})]),
        ('<b><a href="never ends', [("b", {})]),
        ("<b><!-- never ends <a href=x>", [("b", {})]),
        ("<script><a href=x>", [("script", {})]),
    ],
)
def test_tags(text: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert found(text) == expected


def test_an_attribute_knows_where_it_stands() -> None:
    text = "<p>é <a class=c href = 'x y' id=i>"
    tag = list(tags(text))[1]
    href = tag.get("href")
    assert href is not None
    assert text[href.value_start : href.end] == "'x y'"
    assert text[href.start : href.end] == " href = 'x y'"
    assert text[tag.start : tag.end] == "<a class=c href = 'x y' id=i>"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&b=2", "?a=1&b=2"),
        ("?a=1&copy=2&reg=3&section=4&lt5", "?a=1&copy=2&reg=3&section=4&lt5"),
        ("?x&copy;&#38;&#x26;&amp", "?x©&&&"),
        ("&notit; &notin; &not", "&notit; ∉ ¬"),
        ("&unknown; & &;&#;", "&unknown; & &;&#;"),
    ],
)
def test_a_query_is_no_entity(raw: str, value: str) -> None:
    assert decoded(raw) == value


def test_hostile_texts_cost_little() -> None:
    """Each is large and would take for ever if anything went back and forth over it."""
    for text in (
        "<a " * 50_000,
        "<a x=" * 50_000,
        "<!--" * 50_000,
        "<!--x--!>" * 50_000,
        "<!--x--" * 50_000,
        "<!--!>" * 50_000,
        "<" * 200_000,
        '<a "' * 50_000,
        "<a" + " " * 200_000,
    ):
        assert list(tags(text)) is not None
        assert list(tags(text, frozenset({"b"}))) == []
    assert len(decoded("&" * 100_000)) == 100_000


_PIECES = st.lists(
    st.sampled_from(
        [
            "<", ">", "/", "a", "A", "area", "body", "script", "style", "b", "</", "<!--", "-->", "<!", "<?", "=", '"', "'",
            " ", "\n", "href", "x", "&amp;", "<a ", "</a>", "<script>", "</script>", "<p class='", '<a href="x">', "title",
            "plaintext", "<br/>", "é", "--!>",
        ]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(_PIECES)
def test_only_some_names_are_the_same_tags(text: str) -> None:
    """Passing over the others at once is quicker, and nothing else."""
    for names in (frozenset({"a", "area", "body", "html"}), frozenset({"p"}), frozenset[str]()):
        assert list(tags(text, names)) == [tag for tag in tags(text) if tag.name in names]
