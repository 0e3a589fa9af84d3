"""Ordered: events in event order, each with a value. What first() and latest() need, kept.py, and every between=.

Event order is (timestamp, lag, ref) (spec.py), so equal timestamps have one order too, and a fold in any order ends in
the same lists. A heavy value weighs more than one item, so that CAP bounds bytes as well. 17 bytes an event and its
value.
"""

from bisect import bisect_left, bisect_right
from typing import Any

from msgspec import Struct

from tactful.aggregates.scalars import pack, size, unpack
from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import FOREVER, Windowed, later
from tactful.values import Time

UNIT = 128
"""Bytes of value that weigh as much as one item more."""
SKIPPED = object()


class Ordered(Struct, array_like=True, tag=9):
    """Four lists of one length, in event order."""

    times: list[int]
    lags: list[int]
    refs: list[int]
    values: list[Any]
    extra: int = 0
    """What the values weigh beyond one each."""
    gone: int | None = None


class Timeline(Windowed):
    """All events in the window, up to CAP; what is asked of them is the subclass's."""

    def new(self) -> Ordered:
        return Ordered([], [], [], [])

    def take(self, value: Any) -> Any:
        """The value as it is kept, or SKIPPED where the event does not count."""
        return pack(value)

    def fold(self, state: Ordered, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        horizon = now - self.older
        if at <= horizon:
            return False
        item = self.take(value)
        if item is SKIPPED:
            return False
        times = state.times
        index = len(times) if not times or at > times[-1] else _place(state, at, lag, ref)
        times.insert(index, at)
        state.lags.insert(index, lag)
        state.refs.insert(index, ref)
        state.values.insert(index, item)
        state.extra += size(item) // UNIT
        if times[0] <= horizon:
            self.let_go(state, now)
        if len(times) + state.extra > self.cap:
            self._thin(state)
        return True

    def _thin(self, state: Ordered) -> None:
        """Drop the oldest, but never the newest."""
        count, weight = 0, len(state.times) + state.extra
        while weight > self.cap and count < len(state.times) - 1:
            weight -= 1 + size(state.values[count]) // UNIT
            count += 1
        if count:
            state.gone = later(state.gone, state.times[count - 1])
            _drop(state, count)

    def let_go(self, state: Ordered, now: int) -> bool:
        _drop(state, bisect_right(state.times, now - self.older))
        return not state.times

    def merge(self, one: Ordered, other: Ordered) -> Ordered:
        merged = Ordered(
            one.times + other.times,
            one.lags + other.lags,
            one.refs + other.refs,
            one.values + other.values,
            one.extra + other.extra,
            later(one.gone, other.gone),
        )
        order = sorted(range(len(merged.times)), key=lambda i: (merged.times[i], merged.lags[i], merged.refs[i]))
        for column in (merged.times, merged.lags, merged.refs, merged.values):
            column[:] = [column[i] for i in order]
        if len(order) + merged.extra > self.cap:
            self._thin(merged)
        return merged

    def next_change(self, state: Ordered | None, now: int) -> int | None:
        """When an event enters or leaves; early where that does not change what is asked."""
        return None if state is None else self.next_edge(state.times, now)

    def refs(self, state: Ordered | None, now: int) -> list[int]:
        if state is None:
            return []
        low, high = self.inside(state.times, now)
        return state.refs[low:high]

    def is_coarse(self, state: Ordered | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)

    def values(self, state: Ordered | None, now: int) -> list[Any]:
        """In the window, in event order, as they are kept."""
        if state is None:
            return []
        low, high = self.inside(state.times, now)
        return state.values[low:high]


def _place(state: Ordered, at: int, lag: int, ref: int) -> int:
    low = bisect_left(state.times, at)
    ties = range(low, bisect_right(state.times, at, low))
    return low + bisect_left(ties, (lag, ref), key=lambda i: (state.lags[i], state.refs[i]))


def _drop(state: Ordered, count: int) -> None:
    """The `count` oldest."""
    if not count:
        return
    if state.extra:
        state.extra -= sum(size(value) // UNIT for value in state.values[:count])
    del state.times[:count], state.lags[:count], state.refs[:count], state.values[:count]


class _End(Timeline):
    """first() or latest(): one event of the window, its time or its value. Where no other can take its place by itself
    (`keeps_one`), it alone is kept."""

    keeps_one: bool

    def _deciding(self, state: Ordered | None, now: int) -> int | None:
        """The index of the event that first() or latest() means."""
        raise NotImplementedError

    def _is_kept(self, state: Ordered, order: tuple[int, int, int]) -> bool:
        """Whether the one that is kept stays, against another with this order."""
        raise NotImplementedError

    def fold(self, state: Ordered, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        if not self.keeps_one:
            return super().fold(state, at, lag, ref, value, now)
        if at <= now - self.older or (state.times and self._is_kept(state, (at, lag, ref))):
            return False
        state.times, state.lags, state.refs, state.values = [at], [lag], [ref], [pack(value)]
        return True

    def merge(self, one: Ordered, other: Ordered) -> Ordered:
        if not self.keeps_one:
            return super().merge(one, other)
        kept = one
        if other.times and not (one.times and self._is_kept(one, (other.times[0], other.lags[0], other.refs[0]))):
            kept = other
        return Ordered([*kept.times], [*kept.lags], [*kept.refs], [*kept.values])

    def time(self, state: Ordered | None, now: int) -> Time | None:
        index = self._deciding(state, now)
        return None if state is None or index is None else Time(state.times[index])

    def value(self, state: Ordered | None, now: int) -> Any:
        index = self._deciding(state, now)
        return None if state is None or index is None else unpack(state.values[index])

    def refs(self, state: Ordered | None, now: int) -> list[int]:
        index = self._deciding(state, now)
        return [] if state is None or index is None else [state.refs[index]]


class Earliest(_End):
    """first(). In a window all are kept, since each becomes the first when those before it have left."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.keeps_one = self.older == FOREVER

    def _deciding(self, state: Ordered | None, now: int) -> int | None:
        if state is None:
            return None
        low, high = self.inside(state.times, now)
        return low if low < high else None

    def _is_kept(self, state: Ordered, order: tuple[int, int, int]) -> bool:
        return (state.times[0], state.lags[0], state.refs[0]) < order

    def next_change(self, state: Ordered | None, now: int) -> int | None:
        if state is None or self.keeps_one:
            return None
        index = self._deciding(state, now)
        return self.next_edge(state.times, now) if index is None else state.times[index] + self.older


class Latest(_End):
    """latest(). With between= all are kept, since a newer one takes its place when it has become old enough."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.keeps_one = not self.newer

    def _deciding(self, state: Ordered | None, now: int) -> int | None:
        if state is None:
            return None
        low, high = self.inside(state.times, now)
        return high - 1 if low < high else None

    def _is_kept(self, state: Ordered, order: tuple[int, int, int]) -> bool:
        return (state.times[0], state.lags[0], state.refs[0]) > order

    def next_change(self, state: Ordered | None, now: int) -> int | None:
        """The newest in the window leaves last, or makes way for one that enters."""
        if state is None or (self.keeps_one and self.older == FOREVER):
            return None
        low, high = self.inside(state.times, now)
        leaves = state.times[high - 1] + self.older if low < high else None
        if high == len(state.times):
            return leaves
        enters = state.times[high] + self.newer
        return enters if leaves is None else min(enters, leaves)
