"""Total: sum and average, exact to a millionth (LANGUAGE.md 6.1).

Amounts are whole millionths from the start, so that no order of addition and no subtraction of what leaves a window can
be seen in the result. A sum may outgrow the 64 bits of the encoding, hence two numbers. All time: 5 to 29 bytes; with
last= 14 bytes an amount (its time and itself), and the sum of all of them, so that reading does not add them up again;
between= 18 bytes an event and its amounts.
"""

from bisect import bisect_left, bisect_right
from itertools import chain
from typing import Any

from msgspec import Struct

from tactful.aggregates.ordered import SKIPPED, Ordered, Timeline
from tactful.aggregates.scalars import amounts
from tactful.aggregates.window import AllTime, Windowed, later

TRILLION = 10**18
"""10^12 in millionths."""


def _sum(total: int) -> float:
    return float(total) / 1e6


def _average(total: int, count: int) -> float | None:
    return _sum(total) / count if count else None


class Total(Struct, array_like=True, tag=3):
    """The sum is trillions * 10^12 + millionths / 10^6."""

    count: int = 0
    trillions: int = 0
    millionths: int = 0


class TotalOf(AllTime):
    """sum(E, V) and avg(E, V) of all time."""

    def new(self) -> Total:
        return Total()

    def fold(self, state: Total, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        found = amounts(value)
        for amount in found:
            state.count += 1
            carried, state.millionths = divmod(state.millionths + amount, TRILLION)
            state.trillions += carried
        return bool(found)

    def merge(self, one: Total, other: Total) -> Total:
        carried, millionths = divmod(one.millionths + other.millionths, TRILLION)
        return Total(one.count + other.count, one.trillions + other.trillions + carried, millionths)

    def sum(self, state: Total | None, now: int) -> float:
        return 0.0 if state is None else _sum(state.trillions * TRILLION + state.millionths)

    def avg(self, state: Total | None, now: int) -> float | None:
        return None if state is None else _average(state.trillions * TRILLION + state.millionths, state.count)


class WindowTotal(Struct, array_like=True, tag=4):
    """Times (ascending; equal ones by amount) and amounts, and their sum as in Total."""

    times: list[int]
    amounts: list[int]
    trillions: int = 0
    millionths: int = 0
    gone: int | None = None


class WindowTotalOf(Windowed):
    """sum(E, V) and avg(E, V) with last=: of all that are kept, less those that have left since."""

    def new(self) -> WindowTotal:
        return WindowTotal([], [])

    def fold(self, state: WindowTotal, at: int, lag: int, ref: int, value: Any, now: int) -> None:
        if at <= now - self.older:
            return
        times = state.times
        for amount in amounts(value):
            if not times or at > times[-1]:
                times.append(at)
                state.amounts.append(amount)
            else:
                low = bisect_left(times, at)
                index = bisect_left(state.amounts, amount, low, bisect_right(times, at, low))
                times.insert(index, at)
                state.amounts.insert(index, amount)
            _add(state, amount)
        if times and times[0] <= now - self.older:
            self.let_go(state, now)
        if len(times) > self.cap:
            self._thin(state)

    def _thin(self, state: WindowTotal) -> None:
        extra = len(state.times) - self.cap
        state.gone = later(state.gone, state.times[extra - 1])
        _drop(state, extra)

    def let_go(self, state: WindowTotal, now: int) -> bool:
        _drop(state, bisect_right(state.times, now - self.older))
        return not state.times

    def merge(self, one: WindowTotal, other: WindowTotal) -> WindowTotal:
        both = sorted([*zip(one.times, one.amounts, strict=True), *zip(other.times, other.amounts, strict=True)])
        merged = WindowTotal([at for at, _ in both], [amount for _, amount in both], gone=later(one.gone, other.gone))
        _add(merged, sum(merged.amounts))
        if len(both) > self.cap:
            self._thin(merged)
        return merged

    def _read(self, state: WindowTotal | None, now: int) -> tuple[int, int]:
        """(sum in millionths, how many)."""
        if state is None:
            return 0, 0
        low, high = self.inside(state.times, now)
        total = state.trillions * TRILLION + state.millionths
        return total - sum(state.amounts[:low]) if low else total, high - low

    def sum(self, state: WindowTotal | None, now: int) -> float:
        return _sum(self._read(state, now)[0])

    def avg(self, state: WindowTotal | None, now: int) -> float | None:
        return _average(*self._read(state, now))

    def next_change(self, state: WindowTotal | None, now: int) -> int | None:
        return None if state is None else self.next_edge(state.times, now)

    def is_coarse(self, state: WindowTotal | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)


def _add(state: WindowTotal, amount: int) -> None:
    carried, state.millionths = divmod(state.millionths + amount, TRILLION)
    state.trillions += carried


def _drop(state: WindowTotal, count: int) -> None:
    """The `count` oldest."""
    if count:
        _add(state, -sum(state.amounts[:count]))
        del state.times[:count], state.amounts[:count]


class BetweenTotal(Timeline):
    """sum(E, V) and avg(E, V) with between=."""

    def take(self, value: Any) -> Any:
        return amounts(value) or SKIPPED

    def sum(self, state: Ordered | None, now: int) -> float:
        return _sum(sum(chain.from_iterable(self.values(state, now))))

    def avg(self, state: Ordered | None, now: int) -> float | None:
        found = [*chain.from_iterable(self.values(state, now))]
        return _average(sum(found), len(found))
