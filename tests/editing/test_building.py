"""The builder: every condition can be opened, and what is written from its rows has the same tree."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.errors import DefinitionError
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.vocabulary import EMPTY, Vocabulary
from tactful.operations.definitions.building import Constant, Group, Row, Step, Words, words
from tactful.operations.definitions.building_reading import plain, read
from tactful.operations.definitions.building_text import shown, typed, write
from tactful.operations.definitions.project import load
from tactful.operations.evaluation import cases
from tests.parity.expressions import Writer
from tests.parity.histories import PURPOSES, SCORES
from tests.parity.projects import files, project


def there_and_back(text: str, vocabulary: Vocabulary = EMPTY) -> Group:
    """The rows of a text, which write the same meaning; read again, they are the same rows."""
    rows = read(text, vocabulary)
    written = write(rows)
    before, after = (plain(check(one, vocabulary=vocabulary).tree) for one in (text, written))
    assert after == before, (text, written)
    assert write(read(written, vocabulary)) == written
    return rows


def specs() -> Iterator[tuple[str, Vocabulary]]:
    for path in sorted(Path("specs").glob("*.json")):
        if path.name != "journeys.json":  # Of another form.
            for case in cases.read_cases(path.read_bytes(), path.name):
                yield case.expr, vocabulary_of(read_project(case.files, is_strict=False), is_strict=False)


def test_every_condition_of_the_specs() -> None:
    seen, whole = 0, 0
    for text, vocabulary in specs():
        if not is_condition(text, vocabulary):
            continue
        seen += 1
        whole += not words(there_and_back(text, vocabulary))
    assert seen > 150
    assert whole / seen > 0.8, "the builder shows most of the language"


def test_every_condition_of_the_shop() -> None:
    definitions = read_project(load(Path("examples/shop")), is_strict=False)
    vocabulary = vocabulary_of(definitions, is_strict=False)
    texts = [segment.when.text for segment in definitions.segments.values()]
    texts += [one.text for journey in definitions.journeys.values() for one in journey.expressions()]
    conditions = [text for text in texts if is_condition(text, vocabulary)]
    for text in conditions:
        there_and_back(text, vocabulary)
    assert len(conditions) > 20


def is_condition(text: str, vocabulary: Vocabulary) -> bool:
    """Not a value, and over a person."""
    try:
        check(text, vocabulary=vocabulary)
    except Mistake:
        return False
    return True


@pytest.mark.parametrize("seed", range(12))
def test_random_conditions(seed: int) -> None:
    random, seen = Random(seed), 0
    while not seen:
        drawn = project(random)
        try:
            vocabulary = vocabulary_of(read_project(files(drawn), is_strict=False), is_strict=False)
        except DefinitionError:
            continue  # The draw gave a project with a mistake.
        writer = Writer(random, drawn, SCORES, PURPOSES)
        for _ in range(60):
            text = writer.expression()
            if is_condition(text, vocabulary):
                there_and_back(text, vocabulary)
                seen += 1


VIEWED = ("Product Viewed",)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('any("Product Viewed")', Row(quantity="any", events=VIEWED)),
        ('not any("Product Viewed", last="7d")', Row(quantity="any", events=VIEWED, last="7d", comparison="false")),
        (
            'count("Product Viewed", where=category == "shoes", last="7d") >= 3',
            Row(
                quantity="count",
                events=VIEWED,
                where=Group("all", (Row(quantity="field", name="category", comparison="==", values=("shoes",)),)),
                last="7d",
                comparison=">=",
                values=(3,),
            ),
        ),
        (
            'sum(["A", "B"], total, between=("60d", "30d")) < 1.5',
            Row(
                quantity="sum",
                events=("A", "B"),
                name="total",
                last="60d",
                until="30d",
                comparison="<",
                values=(1.5,),
            ),
        ),
        ('count("A", same=sku) > 1', Row(quantity="count", events=("A",), name="sku", comparison=">", values=(1,))),
        ('country in ("DE", "AT")', Row(quantity="field", name="country", comparison="in", values=("DE", "AT"))),
        ('country in ("DE",)', Row(quantity="field", name="country", comparison="in", values=("DE",))),
        ("is_vip", Row(quantity="field", name="is_vip")),
        ("not is_vip", Row(quantity="field", name="is_vip", comparison="false")),
        ("vip == True", Row(quantity="field", name="vip", comparison="==", values=(True,))),
        ("city is not None", Row(quantity="field", name="city", comparison="there")),
        ("len(tags) >= 3", Row(quantity="field", name="len(tags)", comparison=">=", values=(3,))),
        ('"shoes" in tags', Row(quantity="field", name="tags", comparison="has", values=("shoes",))),
        (
            'contains(lower(city), "burg")',
            Row(quantity="field", name="lower(city)", comparison="contains", values=("burg",)),
        ),
        ('time(since) > now() - "48h"', Row(quantity="field", name="time(since)", comparison="newer", values=("48h",))),
        ("9 <= local_hour()", Row(quantity="local_hour", comparison="<=", values=(9,), is_turned=True)),
        ('consents("email")', Row(quantity="consents", name="email")),
        ('score("churn") > 0.8', Row(quantity="score", name="churn", comparison=">", values=(0.8,))),
        ('sessions(last="30d") >= 5', Row(quantity="sessions", last="30d", comparison=">=", values=(5,))),
        (
            'sequence("A", not "B", event("C", where=x == 1), within="2h", last="7d")',
            Row(
                quantity="sequence",
                steps=(
                    Step(("A",)),
                    Step(("B",), is_absent=True),
                    Step(
                        ("C",),
                        where=Group("all", (Row(quantity="field", name="x", comparison="==", values=(1,)),)),
                    ),
                ),
                within="2h",
                last="7d",
            ),
        ),
    ],
)
def test_one_row(text: str, row: Row) -> None:
    assert read(text) == Group("all", (row,))
    assert write(Group("all", (row,))) == text


def test_groups_within_groups() -> None:
    rows = there_and_back('a == 1 and (b == 2 or not (c < 3 or any("A"))) and not d > 4')
    assert rows.how == "all"
    inner = rows.parts[1]
    assert isinstance(inner, Group)
    assert inner.how == "any"
    assert isinstance(inner.parts[1], Group)
    assert inner.parts[1].how == "none"
    assert isinstance(rows.parts[2], Group)  # not d > 4 holds where d is missing, d <= 4 does not.


def test_what_no_row_shows_stays_text() -> None:
    rows = there_and_back('country == "DE" and count("A") > count("B")')
    assert rows.parts[1] == Words('count("A") > count("B")')
    assert words(rows) == ['count("A") > count("B")']


def test_a_mistake_is_told_as_everywhere() -> None:
    with pytest.raises(Mistake, match="no function"):
        read('cuont("A") > 1')


def test_long_conditions_have_a_line_for_each_part() -> None:
    text = " and ".join(f'any("Something Rather Long Happened {number}")' for number in range(4))
    assert write(read(text)).count("\n") == 3


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["True", "12", "-1.5", "a, b", '"', "\\", " x", "", ",", "1e5", "inf"]),
)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_values_are_typed_as_they_are_shown(values: list[Constant]) -> None:
    back = typed(shown(values))
    assert [(type(one), one) for one in back] == [(type(one), one) for one in values]


@given(VALUES)
def test_a_value_alone_may_have_commas(value: Constant) -> None:
    (back,) = typed(shown([value], is_list=False), is_list=False)
    assert (type(back), back) == (type(value), value)


def test_texts_are_shown_without_quotes_where_they_can() -> None:
    assert shown(["DE", "AT", 3, "3", "a, b"]) == 'DE, AT, 3, "3", "a, b"'
    assert typed("DE , AT,3") == ("DE", "AT", 3)
