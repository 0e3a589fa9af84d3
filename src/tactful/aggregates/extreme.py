"""Extreme: the least or greatest number.

All time: the number. In a window a number that is beaten by one as new or newer will never be the answer again, so
those that are left get lesser (greater, for the least) as they get newer: a monotone queue, the answer at its head,
whatever the order of arrival. 10 to 18 bytes an item (its time and the number), few items for most people; CAP items at
most, since numbers could come in the worst order. between=: 18 bytes an event and the number.
"""

from bisect import bisect_left, bisect_right
from itertools import chain
from typing import Any

from msgspec import Struct

from tactful.aggregates.ordered import SKIPPED, Ordered, Timeline
from tactful.aggregates.scalars import numbers
from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import AllTime, Windowed, later

Number = int | float


class Extreme(Struct, array_like=True, tag=5):
    value: Number | None = None


class ExtremeOf(AllTime):
    """min(E, V) or max(E, V) of all time."""

    def __init__(self, spec: AggregateSpec) -> None:
        super().__init__(spec)
        self.best = min if spec.kind == "least" else max

    def new(self) -> Extreme:
        return Extreme()

    def fold(self, state: Extreme, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        before = state.value
        if found := numbers(value):
            state.value = self.best(found) if before is None else self.best(before, *found)
        return state.value != before

    def merge(self, one: Extreme, other: Extreme) -> Extreme:
        found = [state.value for state in (one, other) if state.value is not None]
        return Extreme(self.best(found) if found else None)

    def value(self, state: Extreme | None, now: int) -> Number | None:
        return None if state is None else state.value


class WindowExtreme(Struct, array_like=True, tag=6):
    """Times ascending, ranks descending; a rank is the value, or minus the value where the least is asked."""

    times: list[int]
    ranks: list[Number]
    gone: int | None = None


class WindowExtremeOf(Windowed):
    """min(E, V) or max(E, V) with last=."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.sign = -1 if spec.kind == "least" else 1

    def new(self) -> WindowExtreme:
        return WindowExtreme([], [])

    def fold(self, state: WindowExtreme, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        horizon = now - self.older
        if at <= horizon:
            return False
        before = state.times[:1], state.ranks[:1]
        found = numbers(value)
        if found:
            _insert(state, at, max(self.sign * number for number in found))
        if state.times and state.times[0] <= horizon:
            self.let_go(state, now)
        if len(state.times) > self.cap:
            self._thin(state)
        return (state.times[:1], state.ranks[:1]) != before

    def _thin(self, state: WindowExtreme) -> None:
        extra = len(state.times) - self.cap
        state.gone = later(state.gone, state.times[extra - 1])
        del state.times[:extra], state.ranks[:extra]

    def let_go(self, state: WindowExtreme, now: int) -> bool:
        count = bisect_right(state.times, now - self.older)
        del state.times[:count], state.ranks[:count]
        return not state.times

    def merge(self, one: WindowExtreme, other: WindowExtreme) -> WindowExtreme:
        merged = WindowExtreme([*one.times], [*one.ranks], later(one.gone, other.gone))
        for at, rank in zip(other.times, other.ranks, strict=True):
            _insert(merged, at, rank)
        if len(merged.times) > self.cap:
            self._thin(merged)
        return merged

    def value(self, state: WindowExtreme | None, now: int) -> Number | None:
        if state is None:
            return None
        low, high = self.inside(state.times, now)
        return self.sign * state.ranks[low] if low < high else None

    def next_change(self, state: WindowExtreme | None, now: int) -> int | None:
        """When the head leaves."""
        return None if state is None else self.next_edge(state.times, now)

    def is_coarse(self, state: WindowExtreme | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)


def _insert(state: WindowExtreme, at: int, rank: Number) -> None:
    """Into the queue, unless one as new or newer is as great; those as old or older that are not greater go."""
    times, ranks = state.times, state.ranks
    newer = bisect_left(times, at)
    if newer < len(times) and ranks[newer] >= rank:
        return
    end = bisect_right(times, at, newer)
    start = bisect_left(ranks, -rank, 0, end, key=lambda other: -other)
    times[start:end] = [at]
    ranks[start:end] = [rank]


class BetweenExtreme(Timeline):
    """min(E, V) or max(E, V) with between=: what is beaten by a newer one is not yet, while that is too new."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.best = min if spec.kind == "least" else max

    def take(self, value: Any) -> Any:
        found = numbers(value)
        return [self.best(found)] if found else SKIPPED

    def value(self, state: Ordered | None, now: int) -> Number | None:
        return self.best(chain.from_iterable(self.values(state, now)), default=None)
