"""Live evaluation equals the naive meaning, at every instant, whatever the order in which events come (I5, I6)."""

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates.newest import AggregateSpec
from tactful.language.check import check
from tactful.language.compile import compile_condition, compile_test, compile_value
from tests.language.naive import (
    DAY,
    SECOND,
    WINDOWS,
    Happening,
    Said,
    World,
    bags,
    conditions,
    counts,
    happenings,
    names,
    operands,
    same_events,
    states,
    thresholds,
)


class Numbers(dict[AggregateSpec, int]):
    def __call__(self, spec: AggregateSpec) -> int:
        return self.setdefault(spec, len(self) + 1)


def _visible(events: tuple[Happening, ...], now: int) -> tuple[Happening, ...]:
    return tuple(event for event in events if event.timestamp <= now)


instants = st.one_of(st.integers(0, 8).map(lambda n: n * SECOND), st.integers(0, 3 * DAY))


def agrees(said: Said, events: tuple[Happening, ...], traits: dict[str, Any], now: int, random: Random) -> None:
    """At `now`, and after it for ever: also at each instant at which an event leaves some window."""
    condition = compile_condition(check(said.text), Numbers())
    events = _visible(events, now)
    shuffled = list(events)
    random.shuffle(shuffled)
    newest = states(condition.aggregates, events)
    assert states(condition.aggregates, tuple(shuffled)) == newest
    leaving = {event.timestamp + window for event in events for window in WINDOWS.values()}
    instants = sorted({now, now + 400 * DAY, *(at for edge in leaving for at in (edge - 1, edge) if at > now)})
    answer, following = False, None
    for at in instants:
        if at == now or (following is not None and following <= at):
            answer = condition.holds(newest, traits, at)
            following = condition.next_change(newest, at)
            assert following is None or following > at
        assert condition.holds(newest, traits, at) is answer, (said.text, at, "changed unannounced")
        assert (said.means(World(events, traits, at)) is True) is answer, (said.text, at)


randoms = st.randoms(use_true_random=False)


@settings(max_examples=400, deadline=None)
@given(said=conditions("person"), events=happenings(), traits=bags, now=instants, random=randoms)
def test_holds_is_the_naive_meaning_and_changes_only_when_announced(
    said: Said, events: tuple[Happening, ...], traits: dict[str, Any], now: int, random: Random
) -> None:
    agrees(said, events, traits, now, random)


@settings(max_examples=300, deadline=None)
@given(said=thresholds(), events=same_events, now=st.integers(0, 16).map(lambda n: n * SECOND // 4), random=randoms)
def test_thresholds_that_share_a_state_and_windows_that_take_turns(
    said: Said, events: tuple[Happening, ...], now: int, random: Random
) -> None:
    agrees(said, events, {}, now, random)


@settings(max_examples=200, deadline=None)
@given(
    said=st.one_of(operands("person"), counts(), conditions("person")), events=happenings(), traits=bags, now=instants
)
def test_a_value_is_the_naive_value(
    said: Said, events: tuple[Happening, ...], traits: dict[str, Any], now: int
) -> None:
    valued = compile_value(check(said.text, wanted="value"), Numbers())
    events = _visible(events, now)
    newest = states(valued.aggregates, events)
    found, meant = valued.value(newest, traits, now), said.means(World(events, traits, now))
    assert found == meant and type(found) in (type(meant), int, float), said.text
    following = valued.next_change(newest, now)
    before = (following or now + 400 * DAY) - 1
    assert said.means(World(events, traits, before)) == meant


@settings(max_examples=200, deadline=None)
@given(said=conditions("event"), events=happenings(at_most=3))
def test_where_is_the_naive_meaning(said: Said, events: tuple[Happening, ...]) -> None:
    test = compile_test(check(said.text, scope="event"))
    for event in events:
        assert test.holds(event.properties, event.context) is (said.means(event) is True), said.text


@settings(max_examples=150, deadline=None)
@given(said=conditions("person"), events=happenings(), traits=bags, now=instants)
def test_canonical_text_means_the_same_and_is_its_own(
    said: Said, events: tuple[Happening, ...], traits: dict[str, Any], now: int
) -> None:
    checked = check(said.text)
    again = check(checked.canonical)
    assert again.canonical == checked.canonical
    condition = compile_condition(again, Numbers())
    newest = states(condition.aggregates, _visible(events, now))
    assert condition.holds(newest, traits, now) is (said.means(World(_visible(events, now), traits, now)) is True)


@settings(max_examples=150, deadline=None)
@given(said=conditions("person"), events=happenings(), traits=bags, now=instants)
def test_because_tells_of_each_leaf_what_it_is_by_itself(
    said: Said, events: tuple[Happening, ...], traits: dict[str, Any], now: int
) -> None:
    condition = compile_condition(check(said.text), Numbers())
    events = _visible(events, now)
    for reading in condition.because(states(condition.aggregates, events), traits, now):
        said_again = compile_value(check(reading.text, wanted="value"), Numbers())
        value = said_again.value(states(said_again.aggregates, events), traits, now)
        assert reading.value == (msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value)
        order = [next((event.timestamp, event.ref) for event in events if event.ref == ref) for ref in reading.refs]
        assert order == sorted(order)


@given(said=names("person"), traits=bags)
def test_negation_is_two_valued(said: Said, traits: dict[str, Any]) -> None:
    for op, opposite in (("==", "!="), ("in", "not in")):
        right = '"a"' if op == "==" else '("a", 1)'
        one = compile_condition(check(f"{said.text} {op} {right}"), Numbers())
        other = compile_condition(check(f"{said.text} {opposite} {right}"), Numbers())
        assert one.holds({}, traits, 0) is not other.holds({}, traits, 0)
