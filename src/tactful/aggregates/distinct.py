"""Distinct: how many different scalar values (LANGUAGE.md 6: 1 = 1.0, 1 != "1", 1 != true).

In a window a value counts while its newest event does, so one time per value is kept, the values in the order of these
times: those that have left are the first ones. All time: the values alone. An item takes the value (a text: its length
and one or two bytes) and 9 bytes for the time, or 1; between=: 18 bytes an event and its values. CAP values; a new one
beyond that takes the place of the oldest.
"""

from itertools import chain, islice
from typing import Any

from msgspec import Struct

from tactful.aggregates.ordered import SKIPPED, Ordered, Timeline
from tactful.aggregates.scalars import Key, keys
from tactful.aggregates.window import FOREVER, Windowed, later


class Distinct(Struct, array_like=True, tag=7):
    newest: dict[Key, int]
    """The time of the newest event with each value, ascending; all time: zeros."""
    gone: int | None = None


class DistinctOf(Windowed):
    """distinct(E, V), without a window or with last=."""

    def new(self) -> Distinct:
        return Distinct({})

    def fold(self, state: Distinct, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        horizon = now - self.older
        if at <= horizon:
            return False
        newest = state.newest
        if self.older == FOREVER:
            before = len(newest)
            for key in keys(value):
                self._know(state, key, at)
            return len(newest) != before
        last = newest[next(reversed(newest))] if newest else at
        is_another = False
        for key in keys(value):
            known = newest.pop(key, horizon)
            newest[key] = max(known, at)
            if known <= horizon:
                is_another = True
            elif known > last:
                last = known
        if at < last:
            state.newest = newest = _sorted(newest)
        if newest and newest[next(iter(newest))] <= horizon:
            self.let_go(state, now)
        if len(newest) > self.cap:
            self._thin(state)
        return is_another

    def _know(self, state: Distinct, key: Key, at: int) -> None:
        """All time: which are kept beyond CAP does not matter to their number."""
        if len(state.newest) < self.cap or key in state.newest:
            state.newest[key] = 0
        else:
            state.gone = later(state.gone, at)

    def _thin(self, state: Distinct) -> None:
        for key in [*islice(state.newest, len(state.newest) - self.cap)]:
            state.gone = later(state.gone, state.newest.pop(key))

    def let_go(self, state: Distinct, now: int) -> bool:
        for key in [*islice(state.newest, self._left(state, now))]:
            del state.newest[key]
        return not state.newest

    def _left(self, state: Distinct, now: int) -> int:
        """How many values have left the window: the first ones."""
        if self.older == FOREVER:
            return 0
        horizon, count = now - self.older, 0
        for at in state.newest.values():
            if at > horizon:
                break
            count += 1
        return count

    def merge(self, one: Distinct, other: Distinct) -> Distinct:
        newest = dict(one.newest)
        for key, at in other.newest.items():
            newest[key] = max(at, newest.get(key, at))
        merged = Distinct(_sorted(newest), later(one.gone, other.gone))
        if len(newest) > self.cap:
            self._thin(merged)
        return merged

    def count(self, state: Distinct | None, now: int) -> int:
        return 0 if state is None else len(state.newest) - self._left(state, now)

    def next_change(self, state: Distinct | None, now: int) -> int | None:
        """When the first of those in the window leaves."""
        if state is None or self.older == FOREVER:
            return None
        horizon = now - self.older
        return next((at + self.older for at in state.newest.values() if at > horizon), None)

    def is_coarse(self, state: Distinct | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)


def _sorted(newest: dict[Key, int]) -> dict[Key, int]:
    return dict(sorted(newest.items(), key=lambda item: item[1]))


class BetweenDistinct(Timeline):
    """distinct(E, V) with between=."""

    def take(self, value: Any) -> Any:
        return keys(value) or SKIPPED

    def count(self, state: Ordered | None, now: int) -> int:
        return len(set(chain.from_iterable(self.values(state, now))))
