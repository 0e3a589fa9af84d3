"""No state outgrows CAP, and what is thinned is flagged for as long as it could matter, never longer than the window."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates.kinds import build
from tactful.aggregates.newest import NewestOf
from tactful.aggregates.ordered import Ordered
from tactful.aggregates.spec import CAP, AggregateSpec
from tests.aggregates.plain import Case, Happened, cases
from tests.aggregates.test_kinds import copied, histories, instants
from tests.tries import tries

SECOND = 1_000_000
CASES = {case.name: case for case in cases()}
UNCAPPED = ("tally", "total of all time", "least of all time", "greatest of all time")
CAPPED = {name: case for name, case in CASES.items() if not name.startswith(UNCAPPED)}

ITEM = {
    "any of all time": 0,
    "any with last=": 0,
    "any with between=": 14,
    "three of all time": 0,
    "three with last=": 0,
    "three with between=": 14,
    "count of all time": 14,
    "count with last=": 14,
    "count with between=": 14,
    "tally of all time": 0,
    "days of all time": 0.25,
    "days with last=": 9,
    "days with between=": 18,
    "total of all time": 0,
    "total with last=": 14,
    "total with between=": 23,
    "least of all time": 0,
    "least with last=": 0,
    "least with between=": 21,
    "greatest of all time": 0,
    "greatest with last=": 12,
    "greatest with between=": 21,
    "distinct of all time": 4,
    "distinct with last=": 12,
    "distinct with between=": 21,
    "grouped of all time": 22,
    "grouped with last=": 22,
    "grouped with between=": 21,
    "two of one of all time": 22,
    "two of one with last=": 22,
    "two of one with between=": 21,
    "earliest of all time": 0,
    "earliest with last=": 20,
    "earliest with between=": 20,
    "latest of all time": 0,
    "latest with last=": 0,
    "latest with between=": 20,
    "kept of all time": 21,
    "kept with last=": 21,
    "kept with between=": 21,
}
"""Bytes of one more event: with a value of 3 bytes (an amount of 5) that falls and is never repeated, 5 ms late, one a
second (of days: a quarter of an hour). As the modules say it, plus that value."""


def small(case: Case, cap: int) -> Any:
    return type(build(case.spec))(case.spec, cap)  # type: ignore[call-arg]  # All that are bounded take it.


@pytest.mark.parametrize("case", CAPPED.values(), ids=CAPPED.keys())
@settings(max_examples=tries(60), deadline=None)
@given(data=st.data())
def test_what_is_not_flagged_is_exact(case: Case, data: st.DataObject) -> None:
    aggregate = small(case, 5)
    events = data.draw(histories(case, most=24))
    now = max((e.received for e in events), default=0)
    halves = [aggregate.new(), aggregate.new()]
    cut = data.draw(st.integers(0, len(events)))
    clock = min((e.received for e in events), default=0)
    for index, event in enumerate(events):
        clock = max(clock, event.received)
        aggregate.fold(halves[index < cut], *event, clock)
        if data.draw(st.booleans()):
            halves[index < cut] = copied(halves[index < cut])
    state = aggregate.merge(*halves)
    for later in instants(case, events, now)[::3]:
        inside = case.inside(events, later)
        if not aggregate.is_coarse(state, later):
            case.is_right(aggregate, state, events, later)
        elif not case.spec.is_between:
            assert weight(events) > 5
        if not inside and case.spec.older_us and not case.spec.is_between:
            assert not aggregate.is_coarse(state, later), "flagged beyond the window"


def weight(events: list[Happened]) -> int:
    """Items that an event could ask for at most."""
    return sum(max(1, len(e.value) if isinstance(e.value, list) else 1) + len(str(e.value)) // 100 for e in events)


def many(case: Case, count: int) -> tuple[Any, Any, int]:
    """An aggregate and its state in a window that holds them all, and an instant."""
    spec = case.spec
    if spec.older_us is not None:
        newer_us = 5 * SECOND if spec.is_between else 0
        spec = msgspec.structs.replace(spec, older_us=100_000_000 * SECOND, newer_us=newer_us)
    step = 900 * SECOND if spec.kind == "days" else SECOND
    aggregate = build(spec)
    state = aggregate.new()
    start = 1_700_000_100 * SECOND
    for index in range(count):
        value = 2000 - index % 500 if spec.kind == "total" else 60_000 - index
        at = start + index * step
        aggregate.fold(state, at, 5_000, 1 << 31 | index, [value] if spec.kind == "kept" else value, at + 5_000)
    return aggregate, state, start + count * step


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bytes_of_an_item(case: Case) -> None:
    less, more = (len(msgspec.msgpack.encode(many(case, count)[1])) for count in (100, 500))
    assert (more - less) / 400 == pytest.approx(ITEM[case.name], abs=0.03)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_ten_thousand_events_stay_bounded(case: Case) -> None:
    aggregate, state, now = many(case, 10_000)
    body = msgspec.msgpack.encode(state)
    assert len(body) <= 2_600 + CAP * ITEM[case.name] * 9 / 8, (len(body), len(body) / CAP)
    assert aggregate.is_coarse(state, now) == (ITEM[case.name] >= 1)
    for reader in case.readers:
        reader.read(aggregate, state, now)
    merged = aggregate.merge(state, aggregate.new())
    assert len(msgspec.msgpack.encode(merged)) <= len(body)


def test_heavy_values_weigh_more() -> None:
    aggregate: Any = build(AggregateSpec("earliest", ("E",), value="x", older_us=100_000))
    state = aggregate.new()
    for at in range(3_000):
        aggregate.fold(state, at, 0, at, {"text": "x" * 10_000, "more": [1, 2, {"y": "z" * 1_000}]}, at)
    assert len(msgspec.msgpack.encode(state)) < 600_000
    assert aggregate.is_coarse(state, 3_000)
    assert aggregate.time(state, 3_000) == state.gone + 1
    assert aggregate.let_go(state, 200_000)
    assert state == Ordered([], [], [], [], gone=state.gone)


def test_a_flag_ends_with_the_window() -> None:
    spec = AggregateSpec("newest", ("E",), older_us=100)
    aggregate = NewestOf(spec, cap=3)
    state = aggregate.new()
    for at in (1, 2, 2, 3, 4):
        aggregate.fold(state, at, 0, at, None, at)
    assert (state.times, state.gone) == ([2, 3, 4], 2)
    assert aggregate.is_coarse(state, 101)
    assert not aggregate.is_coarse(state, 102)
    assert aggregate.count(state, 102) == 2
