"""Days: on how many different local dates something happened; active_days(E).

The dates are those of the person's zone as of T (LANGUAGE.md 8), so no date is kept, only in which quarters of an hour
something happened: every zone's offset is whole quarters today, and dates are defined by the beginning of the quarter.
In a window the newest time in each quarter, 9 bytes, says when the quarter leaves. All time needs no times: per half
day one bit for each quarter, 4 to 12 bytes. between=: 18 bytes an event.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tactful.aggregates.ordered import Ordered, Timeline
from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import AllTime, Windowed, later
from tactful.events.zones import Zone, zone
from tactful.values import DAY_US, HOUR_US, MINUTE_US

QUARTER_US = 15 * MINUTE_US
HALF_DAY_US = 12 * HOUR_US


def _dates(times: Sequence[int], name: str) -> int:
    """How many local dates the quarters of these times (ascending) begin on: from one to the next date."""
    place = zone(name)
    assert place is not None, name
    dates, index = set(), 0
    while index < len(times):
        start = times[index] - times[index] % QUARTER_US
        offset, until = place.span(start)
        date = (start + offset) // DAY_US
        dates.add(date)
        end = (date + 1) * DAY_US - offset
        index = max(index + 1, bisect_left(times, end if until is None else min(end, until), index))
    return len(dates)


class Days(Struct, array_like=True, tag=10):
    times: list[int]
    """The newest of each quarter that has any, ascending."""
    gone: int | None = None


class DaysOf(Windowed):
    """active_days(E) with last=."""

    def new(self) -> Days:
        return Days([])

    def fold(self, state: Days, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        times, horizon = state.times, now - self.older
        if at <= horizon:
            return False
        if times and times[-1] <= at and times[-1] // QUARTER_US == at // QUARTER_US and times[-1] > horizon:
            times[-1] = at
            return False
        _insert(times, at)
        if times[0] <= horizon:
            self.let_go(state, now)
        if len(times) > self.cap:
            self._thin(state)
        return True

    def _thin(self, state: Days) -> None:
        extra = len(state.times) - self.cap
        state.gone = later(state.gone, state.times[extra - 1])
        del state.times[:extra]

    def let_go(self, state: Days, now: int) -> bool:
        del state.times[: bisect_right(state.times, now - self.older)]
        return not state.times

    def merge(self, one: Days, other: Days) -> Days:
        merged = Days([*one.times], later(one.gone, other.gone))
        for at in other.times:
            _insert(merged.times, at)
        if len(merged.times) > self.cap:
            self._thin(merged)
        return merged

    def count(self, state: Days | None, now: int, zone: str) -> int:
        if state is None:
            return 0
        low, high = self.inside(state.times, now)
        return _dates(state.times[low:high], zone)

    def next_change(self, state: Days | None, now: int) -> int | None:
        """When a quarter leaves; early where its day has others."""
        return None if state is None else self.next_edge(state.times, now)

    def is_coarse(self, state: Days | None, now: int) -> bool:
        return state is not None and self.may_miss(state.gone, now)


def _insert(times: list[int], at: int) -> None:
    quarter = at // QUARTER_US
    index = len(times) if not times or at > times[-1] else bisect_left(times, at)
    if index < len(times) and times[index] // QUARTER_US == quarter:
        return  # One as new is there.
    if index and times[index - 1] // QUARTER_US == quarter:
        times[index - 1] = at
    else:
        times.insert(index, at)


class AllDays(Struct, array_like=True, tag=11):
    halves: dict[int, int]
    """By the number of the half day since 1970: a bit for each quarter."""
    is_thinned: bool = False


class AllDaysOf(AllTime):
    """active_days(E) of all time."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec)
        self.cap = cap

    def new(self) -> AllDays:
        return AllDays({})

    def fold(self, state: AllDays, at: int, lag: int, ref: int, value: Any, now: int) -> None:
        half, within = divmod(at, HALF_DAY_US)
        state.halves[half] = state.halves.get(half, 0) | 1 << within // QUARTER_US
        if len(state.halves) > self.cap:
            self._thin(state)

    def _thin(self, state: AllDays) -> None:
        state.is_thinned = True
        for half in sorted(state.halves)[: len(state.halves) - self.cap]:
            del state.halves[half]

    def merge(self, one: AllDays, other: AllDays) -> AllDays:
        halves = dict(one.halves)
        for half, quarters in other.halves.items():
            halves[half] = halves.get(half, 0) | quarters
        merged = AllDays(halves, one.is_thinned or other.is_thinned)
        if len(halves) > self.cap:
            self._thin(merged)
        return merged

    def count(self, state: AllDays | None, now: int, zone: str) -> int:
        return 0 if state is None else _dates_of_halves(state.halves, zone)

    def is_coarse(self, state: AllDays | None, now: int) -> bool:
        return state is not None and state.is_thinned


def _dates_of_halves(halves: dict[int, int], name: str) -> int:
    place = zone(name)
    assert place is not None, name
    dates: set[int] = set()
    for half, quarters in halves.items():
        start = half * HALF_DAY_US
        offset, until = place.span(start)
        if until is not None and until < start + HALF_DAY_US:
            dates.update(_dates_across(place, start, quarters))
            continue
        first, into = divmod(start + offset, DAY_US)
        before_midnight = (1 << -(-(DAY_US - into) // QUARTER_US)) - 1
        if quarters & before_midnight:
            dates.add(first)
        if quarters & ~before_midnight:
            dates.add(first + 1)
    return len(dates)


def _dates_across(place: Zone, start: int, quarters: int) -> list[int]:
    """Where the offset changes within the half day."""
    begins = [start + index * QUARTER_US for index in range(quarters.bit_length()) if quarters >> index & 1]
    return [(at + place.span(at)[0]) // DAY_US for at in begins]


class BetweenDays(Timeline):
    """active_days(E) with between=: which time of a quarter is old enough matters, so all are kept."""

    def take(self, value: Any) -> Any:
        return None

    def count(self, state: Ordered | None, now: int, zone: str) -> int:
        if state is None:
            return 0
        low, high = self.inside(state.times, now)
        return _dates(state.times[low:high], zone)
