"""sequence() against a search through all choices of events, over every small history and many larger ones."""

import random
from collections.abc import Iterator
from itertools import permutations, product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates.sequence import Sequence
from tactful.aggregates.spec import CAP
from tests.aggregates.chains import Asked, Event, Names, check, fold, parts, recoded
from tests.tries import tries

# ---- every small history ---------------------------------------------------------------------------------------------

GRID = (0, 1, 3)
SHORT, LONG = 2, 3
OPTIONS = ((None, None), (SHORT, None), (None, LONG), (SHORT, LONG))


def patterns(size: int) -> Iterator[Names]:
    """Of every two that differ only in how events are called, one."""
    seen = set()
    for names in product("ABC", repeat=size):
        for absences in product(("", "-"), repeat=size - 1):
            steps = tuple(sign + name for sign, name in zip(("", *absences), names, strict=True))
            alike = (
                tuple(step.translate(str.maketrans("ABC", "".join(other))) for step in steps)
                for other in permutations("ABC")
            )
            first = min(alike)
            if first not in seen:
                seen.add(first)
                yield first


def asked_of(size: int) -> list[Asked]:
    return [Asked(steps, within, last) for steps in patterns(size) for within, last in OPTIONS]


HAPPENED = tuple(product("ABC", GRID))


def arrived(history: tuple[tuple[str, int], ...]) -> list[Event]:
    """In the order of arrival, each as soon as the times allow."""
    events, now = [], 0
    for ref, (name, at) in enumerate(history):
        now = max(now, at)
        events.append(Event(at, now - at, ref, name))
    return events


class Walk:
    """One question along the histories of a tree, each prefix once, in four ways: folded, folded with all that can go
    let go at once, and as the merge of two halves kept in these two ways."""

    def __init__(self, asked: Asked, keep: int = CAP) -> None:
        self.asked, self.chains, self.is_capped = asked, asked.chains(keep), keep < CAP

    def start(self) -> tuple[Sequence, ...]:
        return tuple(self.chains.new() for _ in range(4))

    def step(self, states: tuple[Sequence, ...], events: list[Event]) -> tuple[Sequence, ...]:
        event = events[-1]
        lazy, eager, *halves = (recoded(state) for state in states)
        fold(self.asked, self.chains, lazy, event, is_eager=False)
        fold(self.asked, self.chains, eager, event, is_eager=True)
        fold(self.asked, self.chains, halves[event.ref % 2], event, is_eager=event.ref % 4 < 2)
        for state in (lazy, eager, self.chains.merge(*halves)):
            check(self.asked, self.chains, state, events, event.received, is_capped=self.is_capped)
        return lazy, eager, *halves

    def all(self, depth: int) -> None:
        self._all(self.start(), (), depth)

    def _all(self, states: tuple[Sequence, ...], history: tuple[tuple[str, int], ...], depth: int) -> None:
        for one in HAPPENED:
            longer = (*history, one)
            after = self.step(states, arrived(longer))
            if depth > 1:
                self._all(after, longer, depth - 1)

    def one(self, history: tuple[tuple[str, int], ...]) -> None:
        states = self.start()
        events = arrived(history)
        for size in range(1, len(events) + 1):
            states = self.step(states, events[:size])


@pytest.mark.parametrize("size", [2, 3])
def test_every_history_of_few_events(size: int) -> None:
    for asked in asked_of(size):
        Walk(asked).all(3)


def drawn(number: int, size: int) -> tuple[random.Random, Asked, tuple[tuple[str, int], ...]]:
    """A question, and a history of events that it is about, at few times."""
    choose = random.Random(number)
    positive = choose.choices(["A", "B", "C", "AB", "ABC"], (4, 4, 4, 1, 1), k=4)
    steps = positive[:1] + [choose.choice(("", "", "-")) + step for step in positive[1 : choose.randint(2, 4)]]
    within, last = choose.choice((None, 1, 2, 3, 4, 5)), choose.choice((None, 2, 4, 6, 8, 12))
    times = range(choose.choice((3, 6, 10)))
    history = [(choose.choice(choose.choice(steps).strip("-")), choose.choice(times)) for _ in range(size)]
    if choose.random() < 0.6:  # Mostly as asked for, and some come late.
        positives, _ = parts(tuple(steps))
        history = [
            (choose.choice(positives[index % len(positives)]) if choose.random() < 0.7 else name, at)
            for index, (name, at) in enumerate(sorted(history, key=lambda one: one[1]))
        ]
        for _ in range(choose.randint(0, 2)):
            history.append(history.pop(choose.randrange(size)))
    return choose, Asked(tuple(steps), within, last), tuple(history)


def walk(numbers: range, size: int) -> None:
    for number in numbers:
        choose, asked, history = drawn(number, size)
        Walk(asked, choose.choice((CAP, CAP, 2, 3, 4, 6))).one(history)


def test_histories_of_seven_events() -> None:
    walk(range(4000), 7)


@pytest.mark.long
def test_many_more_histories() -> None:
    for asked in asked_of(2):
        Walk(asked).all(4)
    for asked in asked_of(4):
        Walk(asked).all(3)
    walk(range(-60_000, 0), 8)


# ---- larger ones -----------------------------------------------------------------------------------------------------

STEPS = st.sampled_from(["A", "B", "C", "AB", "BC", "-A", "-B", "-C", "-AB"])
ASKED = st.builds(
    lambda first, others, within, last: Asked((first, *others), within, last),
    st.sampled_from(["A", "B", "AB"]),
    st.lists(STEPS, min_size=1, max_size=4),
    st.one_of(st.none(), st.integers(1, 12)),
    st.one_of(st.none(), st.integers(1, 25)),
)


@st.composite
def histories(draw: st.DrawFn, max_size: int) -> list[Event]:
    """In the order of arrival; many come at once, or much later."""
    lag = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 40))
    some = draw(st.lists(st.tuples(st.integers(0, 40), lag, st.sampled_from("AABBC")), max_size=max_size))
    refs = draw(st.permutations(range(len(some))))
    events = [Event(at, lag, ref, name) for (at, lag, name), ref in zip(some, refs, strict=True)]
    return sorted(events, key=lambda event: event.received)


@settings(max_examples=tries(300), deadline=None)
@given(ASKED, histories(16), st.data())
def test_any_order_any_split_any_instant(asked: Asked, events: list[Event], data: st.DataObject) -> None:
    chains = asked.chains()
    choose = data.draw(st.randoms(use_true_random=False))
    fragments = [chains.new() for _ in range(3)]
    known: list[Event] = []
    for index, event in enumerate(events):
        until = events[index + 1].received if index + 1 < len(events) else event.received + 60
        known.append(event)
        own = choose.randrange(3)
        fold(asked, chains, fragments[own], event, is_eager=choose.random() < 0.5)
        fragments[own] = recoded(fragments[own])
        instant = choose.randint(event.received, until)
        if choose.random() < 0.3 and chains.let_go(fragments[own], instant):
            fragments[own] = chains.new()
        if instant < until or index + 1 == len(events):
            one, other, third = choose.sample(fragments, 3)
            before = msgspec.msgpack.encode(fragments)
            whole = chains.merge(chains.merge(one, other), third)
            assert msgspec.msgpack.encode(fragments) == before
            check(asked, chains, whole, known, instant)
    assert chains.holds(None, 0) is False and chains.next_change(None, 0) is None and chains.refs(None, 0) == []


@settings(max_examples=tries(300), deadline=None)
@given(ASKED, histories(24), st.data())
def test_a_run_over_what_is_held_gives_the_same(asked: Asked, events: list[Event], data: st.DataObject) -> None:
    """Which is why one more event in order is a few operations, and one out of order no more than a run."""
    chains, state = asked.chains(), asked.chains().new()
    for event in events:
        fold(asked, chains, state, event, is_eager=data.draw(st.booleans()))
        if not state.chain:
            again = msgspec.structs.replace(state, starts=chains._run(state.keys))
            for instant in (event.received, event.received + 5):
                assert chains.holds(state, instant) == chains.holds(again, instant)
                assert chains.next_change(state, instant) == chains.next_change(again, instant)


@settings(max_examples=tries(300), deadline=None)
@given(ASKED, histories(24), st.integers(2, 10), st.data())
def test_beyond_the_cap_only_false_is_coarse(asked: Asked, events: list[Event], cap: int, data: st.DataObject) -> None:
    chains = asked.chains(cap)
    halves = [chains.new(), chains.new()]
    known: list[Event] = []
    for event in events:
        known.append(event)
        fold(asked, chains, halves[data.draw(st.integers(0, 1))], event, is_eager=data.draw(st.booleans()))
        assert all(len(half.keys) <= cap for half in halves)
        whole = chains.merge(*halves)
        assert len(whole.keys) <= cap
        check(asked, chains, whole, known, event.received, is_capped=True)
