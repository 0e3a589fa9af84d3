"""Where expressions end: both engines answer the largest, and refuse with the same words what is larger."""

from collections.abc import Iterable
from typing import Any

import pytest

from tactful.errors import DefinitionError
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.sql.engines import write
from tactful.language.sql.layout import SHARED
from tactful.language.sql.query import ask
from tactful.operations.evaluation import evaluate_live, evaluate_sql
from tactful.operations.evaluation.evaluate_lines import Answer, Question
from tests.history.shop import FILES, NOON, call
from tests.queries import QUERIES


def answers(text: str, *events: str) -> list[Any]:
    """Of both engines."""
    lines = [call(f"01T10:{place // 60:02}:{place % 60:02}", name, {}) for place, name in enumerate(events)]
    asked = Question({"x": text}, FILES)
    live = evaluate_live.answers(asked, lines, [NOON], cut_after=1)
    sql = evaluate_sql.answers(asked, lines, [NOON], queries=QUERIES)
    return [found[NOON]["x"]["ada"].value for found in (live, sql)]


def refusals(text: str) -> set[str]:
    """What both engines say."""
    asked = Question({"x": text}, FILES)
    with pytest.raises(DefinitionError) as live:
        evaluate_live.answers(asked, [], [NOON])
    with pytest.raises(DefinitionError) as sql:
        evaluate_sql.answers(asked, [], [NOON], queries=QUERIES)
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


# Of a number, a text, a time, a duration and a condition: what makes more of the kind of it.
GROWING = {
    "k == 1": [
        "not X",
        "(X and b)",
        "(X == b)",
        "(b != X)",
        "(X in (a, b, True))",
        "(a in (X, b))",
        "(X in a)",
        "(X is None)",
        '(X in (a, b)) == (lower(c) in ("x", d))',
    ],
    "k * k": ["-X", "(X * a)", "(a / X)", "(X / a)", "(X - 1)"],
    "lower(k)": ["lower(X)"],
    "time(k)": ['(X + "1d")', '(X - "1d")', "(X - (X2 - time(a)))"],
    "now() - time(k)": ['(X + "1d")', "(X - (now() - time(b)))", "((now() + X) - time(a))"],
}


def size(text: str, **segments: str) -> int:
    """Characters of the SQL that is asked."""
    files = {f"segments/{name}.yaml": f"when: {when}\n" for name, when in segments.items()}
    vocabulary = vocabulary_of(read_project(files, is_strict=False), is_strict=False)
    tree = check(text, "value", vocabulary=vocabulary).tree
    return len(str(write(ask({"x": tree}, layout=SHARED).query, "duckdb")))


@pytest.mark.parametrize("scope", ["{}", 'distinct("A", {})', 'any("A", where=not ({}))'])
@pytest.mark.parametrize("start", GROWING)
def test_sql_grows_as_the_expression_does(start: str, scope: str) -> None:
    for grown in GROWING[start]:
        expressions = [start]
        for _ in range(12):
            expressions.append(grown.replace("X2", "now()").replace("X", expressions[-1]))
        try:
            sizes = [size(scope.format(expressions[depth])) for depth in (4, 8, 12)]
        except Mistake:
            continue
        assert sizes[2] - sizes[1] <= 1.1 * (sizes[1] - sizes[0]) + 100, (grown, sizes)


def test_sql_grows_as_segments_in_segments_do() -> None:
    segments = {"s0": "k == 1"}
    for depth in range(1, 13):
        segments[f"s{depth}"] = f"segment('s{depth - 1}') in (a, b)"
    sizes = [size(f"segment('s{depth}')", **segments) for depth in (4, 8, 12)]
    assert sizes[2] - sizes[1] <= 1.1 * (sizes[1] - sizes[0])


def test_one_of_several_values_that_are_worked_out() -> None:
    lines = [{"type": "identify", "userId": "ada", "receivedAt": "2025-03-01T08:00:00Z", "traits": TRAITS}]
    asked = Question({text: text for text in AMONG})
    expected = {text: {"ada": Answer(value)} for text, value in AMONG.items()}
    assert evaluate_live.answers(asked, lines, [NOON]) == {NOON: expected}
    assert evaluate_sql.answers(asked, lines, [NOON], queries=QUERIES) == {NOON: expected}


TRAITS = {"no": False, "yes": True, "n": 2, "zero": 0, "text": "A", "at": "2025-03-01", "huge": 1e300}
AMONG = {
    "(n == 2) in (no, yes)": True,
    "(n == 3) in (nowhere, no)": True,
    "(n == 3) in (nowhere, yes, n, text)": False,
    "(n == 3) in (nowhere, gone)": False,
    "(n * 2) in (nowhere, 4, text)": True,
    "-zero in (n, zero)": True,
    "-zero in (nowhere, text)": False,
    "(huge * huge) in (nowhere, huge, n)": False,
    "(nowhere * 2) in (nowhere, n)": False,
    'lower(text) in ("b", text, "a")': True,
    "lower(text) in (nowhere, text)": False,
    "lower(nowhere) in (nowhere, gone)": False,
    '(time(at) + "1d") in (nowhere, "2025-03-02")': True,
    '(time(at) + "1d") in (at, nowhere)': False,
    '(time(at) - time("2025-02-28")) in ("2d", "1d")': True,
    '(time(at) - time("2025-02-28")) in ("2d", "3d")': False,
    "not ((nowhere * 2) in (nowhere, n))": True,
}
