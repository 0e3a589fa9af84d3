"""Where expressions end: both engines answer the largest, and refuse with the same words what is larger."""

from collections.abc import Iterable
from typing import Any

import pytest

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.errors import DefinitionError
from tactful.operations import evaluate_live, evaluate_sql
from tactful.operations.evaluate_lines import Question
from tests.history.shop import FILES, NOON, call


def answers(text: str, *events: str) -> list[Any]:
    """Of both engines."""
    lines = [call(f"01T10:{place // 60:02}:{place % 60:02}", name, {}) for place, name in enumerate(events)]
    asked = Question({"x": text}, FILES)
    live = evaluate_live.answers(asked, lines, [NOON], cut_after=1)
    sql = evaluate_sql.answers(asked, lines, [NOON], queries=DuckDBQueries(threads=1))
    return [found[NOON]["x"]["ada"].value for found in (live, sql)]


def refusals(text: str) -> set[str]:
    """What both engines say."""
    asked = Question({"x": text}, FILES)
    with pytest.raises(DefinitionError) as live:
        evaluate_live.answers(asked, [], [NOON])
    with pytest.raises(DefinitionError) as sql:
        evaluate_sql.answers(asked, [], [NOON], queries=DuckDBQueries(threads=1))
    return {str(live.value), str(sql.value)}


def sequence(steps: Iterable[str]) -> str:
    return f"sequence({', '.join(steps)})"


def test_the_longest_sequence() -> None:
    names = [f"A{step}" for step in range(64)]
    different = sequence(f'"{name}"' for name in names)
    assert answers(different, *names) == [True, True]
    assert answers(different, *names[1:], names[0]) == [False, False]
    same = sequence(['"A"'] * 64)
    assert answers(same, *["A"] * 64) == [True, True]
    assert answers(same, *["A"] * 63) == [False, False]
    absent = sequence("not " * (place % 2) + f'"{name}"' for place, name in enumerate(names))
    assert answers(absent, *names[::2]) == [True, True]
    assert answers(absent, *names[::2], names[63]) == [False, False]
    assert len(refusals(sequence(['"A"'] * 65))) == 1


@pytest.mark.parametrize("path", ["tags[0].a", "tags[0][1]", "tags.a[0].b", "tags[0].a[1]"])
def test_within_an_element_of_what_all_items_hold(path: str) -> None:
    (said,) = refusals(f"cart.items.{path} is None")
    assert "what all items of cart hold has no parts within its elements" in said
    assert f"cart.items[0].tags{path.removeprefix('tags').replace('[0]', '', 1)}" in said
    assert answers(f"cart.items[0].{path} is None", "A") == [True, True]
