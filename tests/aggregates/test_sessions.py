"""Sessions against cutting the sorted times where a gap is."""

import random
from itertools import pairwise, permutations
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates.sessions import Sessions, SessionsOf
from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.values import Duration
from tests.tries import tries


class Seen(NamedTuple):
    at: int
    received: int


class Asked(NamedTuple):
    gap: int
    older: int | None = None
    newer: int = 0

    def kind(self, cap: int = CAP) -> SessionsOf:
        return SessionsOf(
            AggregateSpec("sessions", ("*",), older_us=self.older, newer_us=self.newer, gap_us=self.gap), cap
        )


def sessions(asked: Asked, times: list[int], now: int) -> list[tuple[int, int]]:
    """Begin and end of those that begin in the window."""
    ordered = sorted(times)
    cuts = [0, *(n for n, (one, two) in enumerate(pairwise(ordered), 1) if two - one >= asked.gap), len(ordered)]
    runs = [ordered[low:high] for low, high in pairwise(cuts) if low < high]
    older = asked.older if asked.older is not None else 10**9
    return [(run[0], run[-1]) for run in runs if now - older < run[0] <= now - asked.newer]


def check(asked: Asked, kind: SessionsOf, state: Sessions | None, times: list[int], now: int) -> None:
    found = sessions(asked, times, now)
    lengths = [end - begin for begin, end in found]
    assert kind.count(state, now) == len(found)
    newest, avg = kind.newest_length(state, now), kind.avg_length(state, now)
    assert newest == (lengths[-1] if lengths else None)
    assert avg == (sum(lengths) // len(lengths) if lengths else None)
    assert newest is None or (type(newest) is Duration and type(avg) is Duration)
    assert not kind.is_coarse(state, now)
    edges = sorted(
        {
            begin + span
            for begin, _ in sessions(Asked(asked.gap), times, now)
            for span in (asked.older, asked.newer)
            if span
        }
    )
    changes = [at for at in edges if at > now and sessions(asked, times, at) != found]
    assert kind.next_change(state, now) == next(iter(changes), None)


_decoder = msgspec.msgpack.Decoder(Sessions)


def recoded(state: Sessions) -> Sessions:
    return _decoder.decode(msgspec.msgpack.encode(state))


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    gap, newer, older = draw(st.integers(1, 6)), draw(st.integers(1, 8)), draw(st.integers(1, 20))
    return draw(st.sampled_from([Asked(gap), Asked(gap, older), Asked(gap, newer + older, newer)]))


@st.composite
def histories(draw: st.DrawFn) -> list[Seen]:
    lag = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 60))
    some = draw(st.lists(st.tuples(st.integers(0, 60), lag), max_size=25))
    return sorted((Seen(at, at + lag) for at, lag in some), key=lambda seen: seen.received)


@settings(max_examples=tries(600), deadline=None)
@given(questions(), histories(), st.randoms(use_true_random=False))
def test_any_order_any_split_any_instant(asked: Asked, history: list[Seen], choose: random.Random) -> None:
    kind = asked.kind()
    fragments = [kind.new() for _ in range(3)]
    known: list[int] = []
    for index, seen in enumerate(history):
        own = choose.randrange(3)
        known.append(seen.at)
        kind.fold(fragments[own], seen.at, seen.received - seen.at, index, None, seen.received)
        fragments[own] = recoded(fragments[own])
        until = history[index + 1].received if index + 1 < len(history) else seen.received + 40
        instant = choose.randint(seen.received, until)
        other = choose.randrange(3)
        if choose.random() < 0.5 and kind.let_go(fragments[other], instant):
            assert fragments[other] == kind.new()
        if instant < until or index + 1 == len(history):
            one, two, three = choose.sample(fragments, 3)
            before = msgspec.msgpack.encode(fragments)
            check(asked, kind, kind.merge(kind.merge(one, two), three), known, instant)
            assert msgspec.msgpack.encode(fragments) == before
    check(asked, kind, None, [], 0)


@pytest.mark.parametrize(
    "asked", [Asked(3), Asked(3, 6), Asked(2, 4), Asked(1, 3), Asked(3, 8, 2), Asked(2, 6, 3)], ids=str
)
def test_every_order_of_few_events(asked: Asked) -> None:
    """Each known as soon as possible; looked at around every edge."""
    kind = asked.kind()
    for times in ((0, 1, 2, 3, 4), (0, 2, 4, 6, 8), (0, 3, 6, 9, 10), (0, 3, 5, 8, 11), (0, 2, 5, 7, 7)):
        for order in permutations(times):
            state, now = kind.new(), 0
            for number, at in enumerate(order):
                now = max(now, at)
                kind.fold(state, at, now - at, number, None, now)
                check(asked, kind, state, list(order[: number + 1]), now)
            for later in range(now, now + 20):
                kind.let_go(state, later)
                check(asked, kind, state, list(order), later)


def test_beyond_the_cap_the_oldest_go_and_it_is_coarse_as_long_as_they_matter() -> None:
    asked = Asked(2, 30)
    kind = asked.kind(4)
    state = kind.new()
    for at in range(0, 25, 5):
        assert not kind.is_coarse(state, at)
        kind.fold(state, at, 0, at, None, at)
    assert state == Sessions([5, 10, 15, 20], [5, 10, 15, 20], 0)
    assert [kind.is_coarse(state, now) for now in (20, 31, 32)] == [True, True, False]
    assert not kind.let_go(state, 32) and state.gone is None
    assert kind.let_go(state, 52)
    halves = [kind.new(), kind.new()]
    for at in range(0, 25, 5):
        kind.fold(halves[at % 2], at, 0, at, None, at)
    assert kind.merge(*halves).gone == 0


def test_a_long_session_outlives_the_window() -> None:
    kind = Asked(4, 10).kind()
    state = kind.new()
    times = [0, 4, 7, 10, 13, 16, 19, 22]
    for at in times:
        kind.fold(state, at, 0, at, None, at)
    assert not kind.let_go(state, 22) and state.begins == [4]
    kind.fold(state, 25, 0, 25, None, 25)
    check(Asked(4, 10), kind, state, [*times, 25], 25)


def test_what_is_thinned_counts_to_its_end() -> None:
    kind = Asked(4, 10).kind(1)
    state = kind.new()
    for at in (0, 3, 6, 10):
        kind.fold(state, at, 0, at, None, at)
    assert state.gone == 6


def test_a_bot_is_one_session_and_a_session_takes_few_bytes() -> None:
    second, begin = 10**6, 1_750_000_000 * 10**6
    kind = Asked(1800 * second).kind()
    state = kind.new()
    for index in range(2000):
        kind.fold(state, begin + index * second, 0, index, None, begin + index * second)
    assert len(msgspec.msgpack.encode(state)) == 5 + 18
    for index in range(10_000):
        at = begin + index * 3600 * second
        kind.fold(state, at, 0, index, None, at)
    assert len(state.begins) == CAP
    assert kind.is_coarse(state, begin + 10**15)
