"""A preview says what the engine itself would say, at the instant and on each day before it."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.sql.engines import write
from tactful.operations.evaluation import evaluate_live
from tactful.operations.evaluation.evaluate_lines import Answers, Question
from tactful.operations.history.opened import HAPPENED, Opened
from tactful.operations.history.terms import Terms
from tactful.operations.history.thinned import chosen, thinned
from tactful.operations.previews import previewing_history as module
from tactful.operations.previews.previewing_history import Preview, as_values, preview
from tactful.values import DAY_US, HOUR_US, format_time
from tests.previewing.opening import END_US, opened, wandering

LINES = wandering(60, 900)
CONDITIONS = [
    'any("Order Completed", last="3d")',
    'not any("Order Completed", last="3d")',
    'count("Product Viewed", where=category == "shoes", last="7d") >= 2',
    'sum("Order Completed", total) > 150 and country == "DE"',
    'time_since("*") > "1d"',
    'active_days("*", last="7d") >= 3',
    'sessions(last="7d") >= 2',
    'sequence("Product Viewed", not "Order Completed", within="2h", last="7d")',
    'local_hour() < 12 and any("Product Viewed", last="1d")',
    "country is None",
    'country == "DE"',
    'age > 30 or any("Order Completed", last="1d")',
]
INSTANTS = [END_US - back * DAY_US for back in range(6, -1, -1)]


@pytest.fixture(scope="module")
def history() -> Iterator[Opened]:
    with opened(LINES) as found:
        yield found


def asked(history: Opened, text: str, days: int = 6) -> Preview:
    return preview(history, check(text, "value"), END_US, days)


@cache
def lived(texts: tuple[str, ...]) -> Answers:
    """What the live engine says, of as many as may be at once: all the lines are read each time."""
    return evaluate_live.answers(Question({text: text for text in texts}), LINES, INSTANTS)


def told(text: str, at_us: int) -> list[object]:
    """By the live engine: the value for everybody who is known."""
    texts = tuple(CONDITIONS) if text in CONDITIONS else (text,)
    return [one.value for one in lived(texts)[at_us][text].values()]


@pytest.mark.parametrize("text", CONDITIONS)
def test_numbers_are_those_of_the_engine(history: Opened, text: str) -> None:
    found = asked(history, text)
    by_time = {one.at_us: one.people for one in found.points}
    assert list(by_time) == sorted(by_time)
    for at_us in INSTANTS:
        values = told(text, at_us)
        assert by_time[at_us] == values.count(True)
    assert found.everybody == len(told(text, END_US))
    assert found.people == by_time[END_US]
    assert found.step == 1
    assert len(found.sample) == min(found.people, module.SAMPLE)


IMPORTED = [
    json.dumps(
        {
            **call,
            "source": ("app", "shop")[number % 2],
            "timestamp": call["receivedAt"],
            "receivedAt": format_time(END_US + DAY_US),
        }
    ).encode()
    for number, call in enumerate(map(json.loads, LINES))
]
"""The same calls, of two sources, which all came in later."""


@pytest.fixture(scope="module")
def imported() -> Iterator[Opened]:
    with opened(IMPORTED) as found:
        yield found


@pytest.mark.parametrize("text", CONDITIONS)
def test_by_what_had_happened_it_does_not_matter_when_it_came_in(history: Opened, imported: Opened, text: str) -> None:
    found, known = preview(imported, check(text, "value"), END_US, 15, sees=HAPPENED), asked(history, text, 15)
    assert (found.everybody, found.people, found.spreads) == (known.everybody, known.people, known.spreads)
    assert found.points == known.points and len(found.points) == 16
    assert asked(imported, text).everybody == 0


@pytest.mark.parametrize("text", CONDITIONS[1::8])
@pytest.mark.parametrize("terms", [Terms(delay_us=2 * DAY_US), Terms(delays_us={"app": DAY_US}, delay_us=HOUR_US)])
def test_the_days_before_wait_for_late_sources_too(imported: Opened, text: str, terms: Terms) -> None:
    checked = check(text, "value")
    found = preview(imported, checked, END_US, 19, sees=HAPPENED, terms=terms)
    for one in found.points[::3]:
        alone = preview(imported, checked, one.at_us, sees=HAPPENED, terms=terms, is_brief=True)
        assert one.people == alone.people


def test_they_hold_for_some_and_change() -> None:
    """The table above is no list of zeros."""
    moved = 0
    for text in CONDITIONS:
        counts = {told(text, at_us).count(True) for at_us in INSTANTS}
        moved += len(counts) > 1
    assert moved >= 8


def test_the_sample_is_of_those_for_whom_it_holds(history: Opened) -> None:
    text = CONDITIONS[0]
    answers = lived(tuple(CONDITIONS))[END_US][text]
    holding = {key for key, one in answers.items() if one.value is True}
    sample = [one.key for one in asked(history, text).sample]
    assert {key.partition(":")[2] for key in sample} <= holding
    assert sample == [one.key for one in asked(history, text).sample]


def test_of_many_some_are_asked_and_the_interval_says_so(history: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = asked(history, CONDITIONS[0])
    monkeypatch.setattr(module, "MOST_PEOPLE", 20)
    some = asked(history, CONDITIONS[0])
    assert some.step > 1
    assert some.points[-1] == whole.points[-1]
    within = [one.low <= exact.people <= one.high for one, exact in zip(some.points, whole.points, strict=True)]
    assert sum(within) >= len(within) - 1
    assert any(one.people != exact.people for one, exact in zip(some.points, whole.points, strict=True))


# ---- values --------------------------------------------------------------------------------------------------------


def test_a_number_is_spread(history: Opened) -> None:
    text = 'sum("Order Completed", total, last="30d")'
    found, values = asked(history, text), [value for value in told(text, END_US) if isinstance(value, float | int)]
    (one,) = found.spreads
    assert found.kind == "value"
    assert (one.people, sum(one.bars)) == (len(values), len(values))
    assert (one.low, one.high) == (min(values), max(values))
    assert [step.value for step in one.steps] == list(one.edges)
    for place, step in enumerate(one.steps):
        assert step.people == sum(value >= step.value for value in values)
        assert step.bars == (place, len(one.edges))
    ordered = sorted(values)
    median = next(value for value in ordered if sum(each <= value for each in values) * 2 >= len(values))
    assert dict(one.percentiles)[50] == median


def test_what_is_compared_has_its_threshold(history: Opened) -> None:
    text = 'count("Product Viewed", last="7d") >= 2 and age > 30 and time_since("Order Completed") < "5d"'
    found = asked(history, text)
    views, age, since = found.spreads
    assert (views.op, views.threshold, age.op, age.threshold) == (">=", 2, ">", 30)
    assert (since.unit, since.threshold) == ("d", 5)
    for one, condition in ((views, 'count("Product Viewed", last="7d") >= 2'), (age, "age > 30")):
        assert one.beyond == told(condition, END_US).count(True)
        assert one.place is not None
        assert float(text[slice(*one.place)]) == one.threshold
    assert since.beyond == told('time_since("Order Completed") < "5d"', END_US).count(True)


@pytest.mark.parametrize("op", [">=", ">", "<", "<=", "==", "!="])
@pytest.mark.parametrize("threshold", ["47.5", "0", "100000"])
def test_a_threshold_moves_from_where_it_is(history: Opened, op: str, threshold: str) -> None:
    """It is one of the steps, wherever it lies between the bars or beyond them, and each says what its text would."""
    value = 'sum("Order Completed", total)'
    (one,) = asked(history, f"{value} {op} {threshold}").spreads
    assert {step.value for step in one.steps} == {*one.edges, float(threshold)}
    assert [step.value for step in one.steps] == sorted(step.value for step in one.steps)
    assert next(step.people for step in one.steps if step.value == float(threshold)) == one.beyond
    some = one.steps[:: len(one.steps) // 3]
    answers = lived(tuple(f"{value} {op} {step.value}" for step in some))[END_US]
    for step in some:
        said = answers[f"{value} {op} {step.value}"].values()
        assert step.people == sum(each.value is True for each in said)
        if step.value in one.edges and op in (">=", "<"):
            assert sum(one.bars[slice(*step.bars)]) == step.people


def test_a_constant_on_the_left_is_compared_as_well(history: Opened) -> None:
    (one,) = asked(history, '2 < count("Product Viewed", last="7d")').spreads
    assert (one.op, one.threshold) == (">", 2)
    assert one.beyond == told('count("Product Viewed", last="7d") > 2', END_US).count(True)


def test_other_than_a_value_is_who_has_none_too(history: Opened) -> None:
    for text in ("age != 30", "30 != age"):
        (one,) = asked(history, text).spreads
        assert (one.op, one.threshold) == ("!=", 30)
        assert (
            one.beyond == told(text, END_US).count(True) > one.people - sum(each == 30 for each in told("age", END_US))
        )
    (one,) = asked(history, "not (age == 30)").spreads
    assert one.op == "==", "what is compared stands so in the text"


@pytest.mark.parametrize(
    "text", ["country", "vip", 'latest("Product Viewed", category)', 'latest("Product Viewed", colour)']
)
def test_what_is_no_number_is_counted(history: Opened, text: str) -> None:
    found, values = asked(history, text), [value for value in told(text, END_US) if value is not None]
    assert dict(found.values) == Counter(values)
    assert found.people == len(values)
    assert [one.people for one in found.points[:-1]] == [
        sum(value is not None for value in told(text, one.at_us)) for one in found.points[:-1]
    ]


def test_a_trait_of_numbers_is_spread(history: Opened) -> None:
    (one,) = asked(history, "age").spreads
    assert one.people == sum(value is not None for value in told("age", END_US))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('sum("Order Completed", total, last="7d")', 1),
        ('max("Order Completed", total)', 1),
        ('time_since("Order Completed")', 86_400),
        ("age", 1),
    ],
)
def test_a_value_is_told_day_by_day(history: Opened, text: str, size: int) -> None:
    found = asked(history, text)
    by_time = {one.at_us: one for one in found.points}
    moved = set()
    for at_us in INSTANTS:
        values = sorted(value for value in told(text, at_us) if isinstance(value, float | int))
        assert by_time[at_us].people == len(values)
        least = [values[math.ceil(len(values) * percent / 100) - 1] / size for percent in module.TRACED]
        assert [value for _, value in by_time[at_us].percentiles] == pytest.approx(least)
        moved.add(tuple(least))
    assert len(moved) > 1


def test_of_texts_it_is_told_who_has_one(history: Opened) -> None:
    found = asked(history, "country")
    for at_us in INSTANTS:
        people = sum(value is not None for value in told("country", at_us))
        point = next(one for one in found.points if one.at_us == at_us)
        assert point == module.Point(at_us, people, people, people)


def test_it_is_json(history: Opened) -> None:
    values = as_values(asked(history, 'sum("Order Completed", total) > 100'))
    assert values["people"] == values["spreads"][0]["comparison"]["people"]
    assert [one["people"] for one in values["overTime"]][-1] == values["people"]


# ---- the copy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", CONDITIONS)
def test_the_copy_has_some_people_whole(history: Opened, text: str) -> None:
    """Also those who came under several identifiers."""
    written, asked = history.written({"it": check(text, "value").tree}, END_US)
    history.session.rows(f"CREATE OR REPLACE TEMP TABLE everybody AS {written}")
    copy = thinned(history.session, asked.query, history.layout, END_US, 3, None, "everybody")
    query = write(copy, "duckdb").given({"t": END_US})
    theirs = sorted(map(tuple, history.session.rows(f"SELECT person, v0 FROM ({written}) WHERE {chosen(3, 'person')}")))
    assert sorted(map(tuple, history.session.rows(f"SELECT person, v0 FROM ({query})"))) == theirs
    assert 5 < len(theirs) < 50


def test_what_a_segment_reads_is_in_the_copy(history: Opened) -> None:
    files = {"segments/buyers.yaml": f"when: {CONDITIONS[0]}\n"}
    vocabulary = vocabulary_of(read_project(files, is_strict=False), is_strict=False)
    found = preview(history, check('segment("buyers") and not vip', vocabulary=vocabulary), END_US, 3)
    plain = asked(history, f"({CONDITIONS[0]}) and not vip", 3)
    assert found.points == plain.points
    assert found.points[0].people > 0
