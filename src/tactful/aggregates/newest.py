"""Newest: did it happen at least n times in the window, how often, and when last?

Only the n newest matching events can decide it, so nothing else is kept; for a count as a value, and with between=, all
in the window are, up to CAP. "The n newest of a set" is commutative: late or reordered events cannot change the answer,
and merging two halves is folding one into the other. 14 bytes an event: its time and its ref, which says why.
"""

from bisect import bisect_left, bisect_right
from typing import Any

from msgspec import Struct

from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import FOREVER, Windowed, later
from tactful.values import Duration, Time


class Newest(Struct, array_like=True, tag=1):
    """Times (ascending) and refs (which event) of the newest matching events; two lists of one length."""

    times: list[int]
    refs: list[int]
    gone: int | None = None


class NewestOf(Windowed):
    """any(E), count(E), latest(E), time_since(E). A state has the spec.keep newest, which is all that at_least(n) of
    n <= keep and time() need; count() is that of all where keep is CAP, flagged where more were thinned."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.keep = cap if self.newer else min(spec.keep, cap)

    def new(self) -> Newest:
        return Newest([], [])

    def fold(self, state: Newest, at: int, lag: int, ref: int, value: Any, now: int) -> None:
        times, refs = state.times, state.refs
        horizon = now - self.older
        if at <= horizon:
            return
        if not times or at > times[-1] or (at == times[-1] and ref > refs[-1]):
            times.append(at)
            refs.append(ref)
        else:
            low = bisect_left(times, at)
            index = bisect_left(refs, ref, low, bisect_right(times, at, low))
            times.insert(index, at)
            refs.insert(index, ref)
        if times[0] <= horizon:
            self.let_go(state, now)
        if len(times) > self.keep:
            self._thin(state)

    def _thin(self, state: Newest) -> None:
        extra = len(state.times) - self.keep
        if self.keep == self.cap:
            state.gone = later(state.gone, state.times[extra - 1])
        del state.times[:extra], state.refs[:extra]

    def let_go(self, state: Newest, now: int) -> bool:
        count = bisect_right(state.times, now - self.older)
        del state.times[:count], state.refs[:count]
        return not state.times

    def merge(self, one: Newest, other: Newest) -> Newest:
        both = sorted([*zip(one.times, one.refs, strict=True), *zip(other.times, other.refs, strict=True)])
        merged = Newest([at for at, _ in both], [ref for _, ref in both], later(one.gone, other.gone))
        if len(both) > self.keep:
            self._thin(merged)
        return merged

    def count(self, state: Newest | None, now: int) -> int:
        if state is None:
            return 0
        low, high = self.inside(state.times, now)
        return high - low

    def at_least(self, state: Newest | None, n: int, now: int) -> bool:
        return self.count(state, now) >= n

    def time(self, state: Newest | None, now: int) -> Time | None:
        """Of the newest in the window."""
        if state is None:
            return None
        low, high = self.inside(state.times, now)
        return Time(state.times[high - 1]) if low < high else None

    def since(self, state: Newest | None, now: int) -> Duration | None:
        newest = self.time(state, now)
        return None if newest is None else Duration(now - newest)

    def next_change(self, state: Newest | None, now: int) -> int | None:
        """Of count(), hence early for the others."""
        return None if state is None else self.next_edge(state.times, now)

    def next_at_least(self, state: Newest | None, n: int, now: int) -> int | None:
        """Of at_least(n). With last= the n-th newest decides alone; fewer than n cannot become more by themselves."""
        if state is None or (not self.newer and self.older == FOREVER):
            return None
        if self.newer:
            return self.next_edge(state.times, now) if len(state.times) >= n else None
        return state.times[-n] + self.older if self.count(state, now) >= n else None

    def refs(self, state: Newest | None, now: int) -> list[int]:
        if state is None:
            return []
        low, high = self.inside(state.times, now)
        return state.refs[low:high]

    def is_coarse(self, state: Newest | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)
