"""Window: T - older < timestamp <= T - newer over ascending times (LANGUAGE.md 5). All time is one without an end."""

from bisect import bisect_right
from typing import Any

from tactful.aggregates.spec import CAP, AggregateSpec

FOREVER = 1 << 62
"""Microseconds; longer than from the first to the last time that there is."""


class Windowed:
    """What all kinds with a window share. `gone` of a state is the newest time among what CAP has thinned."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        self.older = FOREVER if spec.older_us is None else spec.older_us
        self.newer = spec.newer_us
        self.cap = cap

    def inside(self, times: list[int], now: int) -> tuple[int, int]:
        """The slice of times in the window."""
        horizon = now - self.older
        low = 0 if not times or times[0] > horizon else bisect_right(times, horizon)
        if self.newer:
            return low, bisect_right(times, now - self.newer, low)
        return low, len(times)

    def next_edge(self, times: list[int], now: int) -> int | None:
        """First instant > now at which a time enters or leaves."""
        low, high = self.inside(times, now)
        leaves = times[low] + self.older if low < high and self.older < FOREVER else None
        if high == len(times):
            return leaves
        enters = times[high] + self.newer
        return enters if leaves is None else min(enters, leaves)

    def may_miss(self, gone: int | None, now: int) -> bool:
        return gone is not None and gone > now - self.older

    def refs(self, state: Any, now: int) -> list[int]:
        """Most kinds do not know which events they have counted."""
        return []


class AllTime:
    """What kinds share that keep no times: nothing leaves, nothing changes by itself, nothing is thinned."""

    def __init__(self, spec: AggregateSpec) -> None:
        assert spec.older_us is None

    def let_go(self, state: Any, now: int) -> bool:
        return False

    def next_change(self, state: Any, now: int) -> int | None:
        return None

    def refs(self, state: Any, now: int) -> list[int]:
        return []

    def is_coarse(self, state: Any, now: int) -> bool:
        return False


def later(one: int | None, other: int | None) -> int | None:
    """Of two `gone`."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
