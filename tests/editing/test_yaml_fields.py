"""One field of a file is changed, and nothing else of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.operations.definitions.yaml_fields import value, with_value

FILE = """\
# Of the summer.
description: Bought lately   # for the newsletter

when: any("Order Completed", last="30d")
purpose: profiling
"""


def test_the_rest_stays() -> None:
    assert with_value(FILE, "when", "country == 'DE'") == FILE.replace(
        'any("Order Completed", last="30d")', "country == 'DE'"
    )


@pytest.mark.parametrize(
    ("new", "written"),
    [
        ("vip", "when: vip\n"),
        ('a == "x: y"', "when: 'a == \"x: y\"'\n"),
        ('"a" in tags', "when: '\"a\" in tags'\n"),
        ("a == 1\nand b == 2", "when: |-\n  a == 1\n  and b == 2\n"),
    ],
)
def test_quotes_only_where_they_are_needed(new: str, written: str) -> None:
    assert with_value("when: any\n", "when", new) in (
        written,
        written.replace("|-\n  ", "").replace("\n  and", "\nand"),
    )


def test_a_block_becomes_a_line_and_the_other_way_round() -> None:
    text = "when: |\n  a == 1\n  and b == 2\n# end\npurpose: profiling\n"
    line = with_value(text, "when", "c == 3")
    assert line == "when: c == 3\n# end\npurpose: profiling\n"
    assert value(with_value(line, "when", 'a == "#"\nor b == 2') or "", "when") == 'a == "#"\nor b == 2'


def test_what_is_not_there_is_added_and_what_is_empty_taken_away() -> None:
    assert with_value("when: vip\n", "description", "All: of them") == "when: vip\ndescription: 'All: of them'\n"
    assert with_value("description: x\nwhen: vip\n", "description", "") == "when: vip\n"
    assert with_value("when: vip\n", "description", "~") == "when: vip\ndescription: '~'\n"
    assert with_value("", "when", "vip") == "when: vip\n"


def test_a_file_that_cannot_be_read_is_left_alone() -> None:
    assert with_value("when: [\n", "when", "vip") is None
    assert with_value("- a\n- b\n", "when", "vip") is None


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff"), min_size=1).filter(
    lambda text: text.strip() == text
)


@given(TEXTS)
def test_any_text_can_be_a_description(text: str) -> None:
    written = with_value(FILE, "description", text)
    if written is None:  # Control characters, which no YAML holds even where JSON's notation would.
        assert not text.isprintable()
        return
    assert (value(written, "description") or "").strip() == text
    assert value(written, "when") == value(FILE, "when")


@pytest.mark.parametrize("path", sorted(Path("examples/shop/segments").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_segment_of_the_shop(path: Path) -> None:
    text = path.read_text()
    when = value(text, "when")
    assert when
    assert value(with_value(text, "when", "vip") or "", "when") == "vip"
    assert value(with_value(with_value(text, "when", "vip") or "", "when", when.strip()) or "", "when") == when.strip()
    assert value(with_value(text, "when", "vip") or "", "description") == value(text, "description")
