"""Every kind, for all time, with last= and with between=: no order, split, merge, encoding or forgetting can be seen."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates.kinds import State, build
from tests.aggregates.plain import NEWER, OLDER, Case, Happened, cases
from tests.tries import tries

CASES = {case.name: case for case in cases()}
BASES = (0, 1_289_093_460_000_000 - 60_000_000, 1_325_239_200_000_000, 1_700_000_000_000_000)
"""Around 1970; clocks set back in Newfoundland a minute after midnight; a day left out in Samoa; any."""
decoder = msgspec.msgpack.Decoder(State)

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def copied(state: Any) -> Any:
    body = msgspec.msgpack.encode(state)
    again = decoder.decode(body)
    assert msgspec.msgpack.encode(again) == body
    return again


@st.composite
def histories(draw: st.DrawFn, case: Case, most: int = 14) -> list[Happened]:
    """In the order of their folding: any."""
    base = draw(st.sampled_from(BASES))
    last = draw(st.sampled_from((1, 6, 24)))  # Few different times make many ties.
    times = st.integers(last // -6, last).map(lambda step: base + step * case.unit)
    drawn = draw(st.lists(st.tuples(times, st.integers(0, 3), case.values), max_size=most))
    refs = draw(st.permutations(range(len(drawn))))
    found = [Happened(at, lag * case.unit, ref, value) for (at, lag, value), ref in zip(drawn, refs, strict=True)]
    return sorted(found, key=lambda event: event.received) if draw(st.booleans()) else found


def instants(case: Case, events: list[Happened], after: int) -> list[int]:
    """Where something may change, and next to it."""
    edges = [e.at + shift * case.unit for e in events for shift in (0, NEWER, OLDER)]
    return sorted({now for edge in edges for now in (edge - 1, edge, edge + 1) if now >= after} | {after, after + 1})


def folded(draw: Callable[[st.SearchStrategy[Any]], Any], aggregate: Any, events: list[Happened], now: int) -> Any:
    """One state of events in this order, encoded and pruned now and then; the clock goes on to `now`."""
    state = aggregate.new()
    clock = min((e.received for e in events), default=now)
    for event in events:
        clock = max(clock, event.received)
        aggregate.fold(state, *event, clock)
        if draw(st.booleans()):
            state = copied(state)
        if draw(st.booleans()):
            clock = draw(st.integers(clock, now))
            if aggregate.let_go(state, clock):
                state = aggregate.new()
    return state


@every_case
@settings(max_examples=tries(50), deadline=None)
@given(data=st.data())
def test_any_order_and_split_says_what_a_plain_list_says(case: Case, data: st.DataObject) -> None:
    aggregate: Any = build(case.spec)
    events = data.draw(histories(case))
    now = max((e.received for e in events), default=0)
    cut = data.draw(st.integers(0, len(events)))
    one, other = (folded(data.draw, aggregate, half, now) for half in (events[:cut], events[cut:]))
    before = msgspec.msgpack.encode([one, other])
    state = aggregate.merge(one, other)
    case.is_right(aggregate, state, events, now)
    assert msgspec.msgpack.encode([one, other]) == before, "merge changed a half"
    for later in data.draw(st.lists(st.sampled_from(instants(case, events, now)), max_size=6).map(sorted)):
        before = msgspec.msgpack.encode(state)
        case.is_right(aggregate, state, events, later)
        assert msgspec.msgpack.encode(state) == before, "a reader changed the state"
        if data.draw(st.booleans()):
            case.is_right(aggregate, state := copied(state), events, later)
        if aggregate.let_go(state, later):
            state = None
            case.is_right(aggregate, state, events, later)
            break


@every_case
@settings(max_examples=tries(30), deadline=None)
@given(data=st.data())
def test_nothing_changes_before_the_next_change(case: Case, data: st.DataObject) -> None:
    aggregate: Any = build(case.spec)
    events = data.draw(histories(case))
    now = max((e.received for e in events), default=0)
    state = folded(data.draw, aggregate, events, now)
    questions = [(aggregate.next_change(state, now), reader) for reader in case.readers if reader.name != "key"]
    thresholds = [reader for reader in case.readers if reader.name == "at_least"]
    questions += [(aggregate.next_at_least(state, *reader.extra, now), reader) for reader in thresholds]
    for found, reader in questions:
        assert found is None or found > now
        value = reader.answer(case.inside(events, now))
        for later in instants(case, events, now):
            assert reader.read(aggregate, state, later) == reader.answer(case.inside(events, later))
            if found is None or later < found:
                assert reader.answer(case.inside(events, later)) == value, (reader.name, later)
    found, reader = questions[0]
    if case.is_exact and case.spec.older_us and found is not None:
        assert reader.answer(case.inside(events, found)) != reader.answer(case.inside(events, now))


@every_case
@settings(max_examples=tries(30), deadline=None)
@given(data=st.data())
def test_merging_has_no_sides(case: Case, data: st.DataObject) -> None:
    aggregate: Any = build(case.spec)
    events = data.draw(histories(case))
    now = max((e.received for e in events), default=0)
    thirds = [folded(data.draw, aggregate, events[index::3], now) for index in range(3)]
    left = aggregate.merge(aggregate.merge(thirds[0], thirds[1]), thirds[2])
    right = aggregate.merge(thirds[2], aggregate.merge(thirds[1], thirds[0]))
    for later in instants(case, events, now)[::7]:
        case.is_right(aggregate, left, events, later)
        case.is_right(aggregate, right, events, later)


@every_case
def test_nobody_has_done_nothing(case: Case) -> None:
    aggregate: Any = build(case.spec)
    for state in (None, aggregate.new(), aggregate.merge(aggregate.new(), aggregate.new())):
        case.is_right(aggregate, state, [], 5)
        assert aggregate.next_change(state, 5) is None
        assert aggregate.refs(state, 5) == []
        assert not aggregate.is_coarse(state, 5)


@every_case
@settings(max_examples=tries(30), deadline=None)
@given(data=st.data())
def test_refs_are_those_of_the_window(case: Case, data: st.DataObject) -> None:
    aggregate: Any = build(case.spec)
    events = data.draw(histories(case))
    now = max((e.received for e in events), default=0)
    refs = aggregate.refs(folded(data.draw, aggregate, events, now), now)
    inside = [e.ref for e in case.inside(events, now)]
    assert refs == [ref for ref in inside if ref in refs] or case.spec.kind == "newest"
    if case.name.startswith(("count", "kept")):
        assert sorted(refs) == sorted(inside)
    if case.spec.kind in {"earliest", "latest"}:
        assert refs == (inside[:1] if case.spec.kind == "earliest" else inside[-1:])
