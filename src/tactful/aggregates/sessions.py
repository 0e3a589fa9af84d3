"""Sessions: longest runs of a person's events with less than `gap` from one to the next (LANGUAGE.md 6.3).

A session is its first and its last time; what lies between cannot change it. A late event makes one, stretches one, or
joins two, and so does the session of another half. A session is in a window when its first event is.

With last="D" or between=("D", ...), what began at now - D or earlier never counts again. So a session may be forgotten
that ended at now - D - gap or earlier: an event less than gap behind it is no younger than D, hence decides as much for
the session that it joins. Likewise an event of that age. What begins too late for want of either, still begins at
now - D or earlier.

18 bytes a session, 5 for the rest; CAP sessions at most, then the oldest go.
"""

from bisect import bisect_left, bisect_right

from msgspec import Struct

from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import Windowed, later
from tactful.values import Duration


class Sessions(Struct, array_like=True, tag=13):
    """Two lists of one length, both ascending."""

    begins: list[int]
    ends: list[int]
    gone: int | None = None
    """The last time of the newest session among what CAP has thinned."""


class SessionsOf(Windowed):
    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, cap)
        self.gap = spec.gap_us

    def new(self) -> Sessions:
        return Sessions([], [])

    def fold(self, state: Sessions, at: int, lag: int, ref: int, value: object, now: int) -> None:
        begins, ends, gap = state.begins, state.ends, self.gap
        if at <= now - self.older - gap:
            return
        # Of those less than gap away, and there are two at most, the event makes one.
        low = bisect_right(ends, at - gap) if ends and at - gap < ends[-1] else len(ends)
        high = bisect_left(begins, at + gap, low)
        if low == high:
            begins.insert(low, at)
            ends.insert(low, at)
            if len(begins) > self.cap:
                self._thin(state)
            return
        begins[low:high] = [min(at, begins[low])]
        ends[low:high] = [max(at, ends[high - 1])]

    def _thin(self, state: Sessions) -> None:
        count = len(state.begins) - self.cap
        state.gone = later(state.gone, state.ends[count - 1])
        del state.begins[:count], state.ends[:count]

    def let_go(self, state: Sessions, now: int) -> bool:
        horizon = now - self.older - self.gap
        if state.ends and state.ends[0] <= horizon:
            count = bisect_right(state.ends, horizon)
            del state.begins[:count], state.ends[:count]
        if state.gone is not None and state.gone <= horizon:
            state.gone = None
        return not state.begins and state.gone is None

    def merge(self, one: Sessions, other: Sessions) -> Sessions:
        merged = Sessions([], [], later(one.gone, other.gone))
        halves = (zip(half.begins, half.ends, strict=True) for half in (one, other))
        for begin, end in sorted(session for half in halves for session in half):
            if merged.ends and begin < merged.ends[-1] + self.gap:
                merged.ends[-1] = max(end, merged.ends[-1])
            else:
                merged.begins.append(begin)
                merged.ends.append(end)
        if len(merged.begins) > self.cap:
            self._thin(merged)
        return merged

    def count(self, state: Sessions | None, now: int) -> int:
        if state is None:
            return 0
        low, high = self.inside(state.begins, now)
        return high - low

    def newest_length(self, state: Sessions | None, now: int) -> Duration | None:
        """First to last event of the session that began last."""
        if state is None:
            return None
        low, high = self.inside(state.begins, now)
        return Duration(state.ends[high - 1] - state.begins[high - 1]) if low < high else None

    def avg_length(self, state: Sessions | None, now: int) -> Duration | None:
        """Cut to microseconds."""
        if state is None:
            return None
        low, high = self.inside(state.begins, now)
        if low == high:
            return None
        return Duration((sum(state.ends[low:high]) - sum(state.begins[low:high])) // (high - low))

    def next_change(self, state: Sessions | None, now: int) -> int | None:
        return None if state is None else self.next_edge(state.begins, now)

    def is_coarse(self, state: Sessions | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now - self.gap)
