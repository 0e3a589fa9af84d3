"""Grouped: most events that share one value, and which value that is; count(E, same=V).

All time: per value a number and its newest event; 19 bytes and the value. With last=: per value the times of its (at
most spec.keep) newest events; 9 bytes a time, 10 and itself a value. With between=: all events in event order; 18 bytes
an event and its values.

Whose newest event comes later in event order wins a tie, then the lesser value: booleans, numbers, texts.
"""

from bisect import bisect_right, insort
from collections import Counter
from itertools import chain
from typing import Any

from msgspec import Struct

from tactful.aggregates.ordered import SKIPPED, Ordered, Timeline
from tactful.aggregates.scalars import Key, keys, rank, scalar
from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import FOREVER, AllTime, Windowed, later

Scalar = bool | str | int | float
Order = tuple[int, int, int]


def _winner(ties: list[tuple[Order, Key]]) -> Scalar | None:
    if not ties:
        return None
    newest = max(order for order, _ in ties)
    return scalar(min((key for order, key in ties if order == newest), key=rank))


class Tallied(Struct, array_like=True):
    """How often, and the newest event."""

    total: int
    at: int
    lag: int
    ref: int

    def order(self) -> Order:
        return self.at, self.lag, self.ref


class Tallies(Struct, array_like=True, tag=15):
    values: dict[Key, Tallied]
    most: int = 0
    is_thinned: bool = False


class TalliesOf(AllTime):
    """count(E, same=V) of all time; spec.keep plays no part. A new value beyond CAP takes the place of the one that was
    longest not seen."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec)
        self.cap = cap

    def new(self) -> Tallies:
        return Tallies({})

    def fold(self, state: Tallies, at: int, lag: int, ref: int, value: Any, now: int) -> None:
        for key in keys(value):
            self._add(state, key, Tallied(1, at, lag, ref))
        if len(state.values) > self.cap:
            self._thin(state)

    def _add(self, state: Tallies, key: Key, more: Tallied) -> None:
        known = state.values.pop(key, None)
        if known is not None:
            newest = max(known, more, key=Tallied.order)
            more = Tallied(known.total + more.total, *newest.order())
        state.values[key] = more
        state.most = max(state.most, more.total)

    def _thin(self, state: Tallies) -> None:
        state.is_thinned = True
        for key in [*state.values][: len(state.values) - self.cap]:
            del state.values[key]

    def merge(self, one: Tallies, other: Tallies) -> Tallies:
        merged = Tallies(dict(one.values), one.most, one.is_thinned or other.is_thinned)
        for key, tallied in other.values.items():
            self._add(merged, key, tallied)
        merged.values = dict(sorted(merged.values.items(), key=lambda item: item[1].order()))
        if len(merged.values) > self.cap:
            self._thin(merged)
        return merged

    def count(self, state: Tallies | None, now: int) -> int:
        return 0 if state is None else state.most

    def at_least(self, state: Tallies | None, n: int, now: int) -> bool:
        return self.count(state, now) >= n

    def next_at_least(self, state: Tallies | None, n: int, now: int) -> int | None:
        return None

    def key(self, state: Tallies | None, now: int) -> Scalar | None:
        if state is None:
            return None
        return _winner([(known.order(), key) for key, known in state.values.items() if known.total == state.most])

    def is_coarse(self, state: Tallies | None, now: int) -> bool:
        return state is not None and state.is_thinned


class Group(Struct, array_like=True):
    """Times of events with one value, ascending; lag and ref of the newest."""

    times: list[int]
    lag: int
    ref: int

    def newest(self) -> Order:
        return self.times[-1], self.lag, self.ref


class Grouped(Struct, array_like=True, tag=8):
    groups: dict[Key, Group]
    """In the order of their newest event, but for what came late: those that have left the window come first."""
    total: int = 0
    """How many times in all."""
    top: Key | None = None
    """None has more times than this one; so it most often has the answer at once."""
    gone: int | None = None


class GroupedOf(Windowed):
    """count(E, same=V) with last=. Exact for at_least(n) up to n = spec.keep; counts and `key` go as far as that."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.keep = spec.keep if spec.keep < cap else FOREVER  # Then only the total is bounded, and flagged.

    def new(self) -> Grouped:
        return Grouped({})

    def fold(self, state: Grouped, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        horizon = now - self.older
        if at <= horizon:
            return False
        # Where less than CAP is kept, only thresholds are asked, and a value that has reached the highest decides all.
        had = state.groups[state.top].times if state.top is not None and self.keep < self.cap else []
        is_decided = len(had) >= self.keep and had[0] > horizon
        groups = state.groups
        for key in keys(value):
            known = groups.get(key)
            if known is None or at <= known.times[-1]:
                self._add(state, key, Group([at], lag, ref))
            else:
                groups[key] = groups.pop(key)
                known.times.append(at)
                known.lag, known.ref = lag, ref
                self._added(state, key, known, 1)
            times = groups[key].times
            if times[len(times) // 2] <= horizon:
                self._tidy(state, key, horizon)
        while groups and groups[first := next(iter(groups))].times[-1] <= horizon:
            self._forget(state, first)
        if state.total > self.cap + self.cap // 8:
            self._thin(state)
        return not is_decided

    def _add(self, state: Grouped, key: Key, more: Group) -> None:
        """The last of the groups, where it has become the newest."""
        known = state.groups.get(key)
        if known is None:
            state.groups[key] = known = Group([*more.times], more.lag, more.ref)
        elif known.newest() < more.newest():
            known = state.groups.pop(key)
            known.lag, known.ref = more.lag, more.ref
            if known.times[-1] <= more.times[0]:
                known.times += more.times
            else:
                known.times = sorted(known.times + more.times)
            state.groups[key] = known
        else:
            for at in more.times:
                insort(known.times, at)
        self._added(state, key, known, len(more.times))

    def _added(self, state: Grouped, key: Key, known: Group, count: int) -> None:
        state.total += count
        extra = len(known.times) - self.keep
        if extra > 0:
            del known.times[:extra]
            state.total -= extra
        if state.top is None or len(known.times) >= len(state.groups[state.top].times):
            state.top = key

    def _tidy(self, state: Grouped, key: Key, horizon: int) -> None:
        """Of the value just met: what has left, where that is half of it, so that it is seldom done."""
        times = state.groups[key].times
        count = bisect_right(times, horizon)
        del times[:count]
        state.total -= count
        if key == state.top:
            _settle(state)

    def _forget(self, state: Grouped, key: Key) -> None:
        state.total -= len(state.groups.pop(key).times)
        if key == state.top:
            _settle(state)

    def _thin(self, state: Grouped) -> None:
        """Down to CAP, the oldest first; in one go now and then, since it looks at everything."""
        excess = state.total - self.cap
        oldest = sorted((at, index) for index, group in enumerate(state.groups.values()) for at in group.times)[:excess]
        drops = Counter(index for _, index in oldest)
        for index, group in enumerate(state.groups.values()):
            del group.times[: drops[index]]
        state.gone = later(state.gone, oldest[-1][0])
        _settle(state)

    def let_go(self, state: Grouped, now: int) -> bool:
        horizon = now - self.older
        for group in state.groups.values():
            if group.times[0] <= horizon:
                del group.times[: bisect_right(group.times, horizon)]
        _settle(state)
        return not state.groups

    def merge(self, one: Grouped, other: Grouped) -> Grouped:
        merged = Grouped({}, gone=later(one.gone, other.gone))
        for half in (one, other):
            for key, group in half.groups.items():
                self._add(merged, key, group)
        merged.groups = dict(sorted(merged.groups.items(), key=lambda item: item[1].newest()))
        if merged.total > self.cap:
            self._thin(merged)
        return merged

    def _inside(self, group: Group, now: int) -> int:
        low, high = self.inside(group.times, now)
        return high - low

    def _best(self, state: Grouped, now: int) -> tuple[int, Key | None]:
        """The greatest count, and one of the values that have it."""
        if state.top is None:
            return 0, None
        top = state.groups[state.top]
        best, found = self._inside(top, now), state.top
        if best < len(top.times):
            for key, group in reversed(state.groups.items()):
                if len(group.times) > best and (count := self._inside(group, now)) > best:
                    best, found = count, key
        return best, found

    def count(self, state: Grouped | None, now: int) -> int:
        return 0 if state is None else self._best(state, now)[0]

    def at_least(self, state: Grouped | None, n: int, now: int) -> bool:
        if state is None or state.top is None:
            return False
        times = state.groups[state.top].times
        return len(times) >= n and (times[-n] > now - self.older or self._best(state, now)[0] >= n)

    def key(self, state: Grouped | None, now: int) -> Scalar | None:
        best = self.count(state, now)
        if state is None or not best:
            return None
        return _winner(
            [(group.newest(), key) for key, group in state.groups.items() if self._inside(group, now) == best]
        )

    def next_change(self, state: Grouped | None, now: int) -> int | None:
        """Of count(), not of `key`: not before a value that has the greatest loses its first."""
        return None if state is None else self._until(state, self._best(state, now)[0], now)

    def next_at_least(self, state: Grouped | None, n: int, now: int) -> int | None:
        """Of at_least(n): not before a value that has n has fewer; never where none has."""
        return None if state is None else self._until(state, n, now)

    def _until(self, state: Grouped, n: int, now: int) -> int | None:
        best, found = self._best(state, now)
        if found is None or not n or best < n:
            return None
        return state.groups[found].times[-n] + self.older

    def is_coarse(self, state: Grouped | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)


def _settle(state: Grouped) -> None:
    """After times have gone: what is empty goes too."""
    for key in [key for key, group in state.groups.items() if not group.times]:
        del state.groups[key]
    sizes = {key: len(group.times) for key, group in state.groups.items()}
    state.total = sum(sizes.values())
    state.top = max(sizes, key=sizes.__getitem__, default=None)


class BetweenGrouped(Timeline):
    """count(E, same=V) with between=."""

    def take(self, value: Any) -> Any:
        return keys(value) or SKIPPED

    def count(self, state: Ordered | None, now: int) -> int:
        return max(Counter(chain.from_iterable(self.values(state, now))).values(), default=0)

    def at_least(self, state: Ordered | None, n: int, now: int) -> bool:
        return self.count(state, now) >= n

    def next_at_least(self, state: Ordered | None, n: int, now: int) -> int | None:
        return self.next_change(state, now)

    def key(self, state: Ordered | None, now: int) -> Scalar | None:
        if state is None:
            return None
        counts: Counter[Key] = Counter()
        newest: dict[Key, Order] = {}
        for index in range(*self.inside(state.times, now)):
            order = state.times[index], state.lags[index], state.refs[index]
            for key in state.values[index]:
                counts[key] += 1
                newest[key] = order
        best = max(counts.values(), default=0)
        return _winner([(newest[key], key) for key, count in counts.items() if count == best])
