"""Zones: local time anywhere, from the pinned `tzdata` package and from nothing else.

The system's own zones differ between machines and change under a running engine (zoneinfo looks there first); the same
log must give the same bytes. Instants and offsets are microseconds.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection
from datetime import date
from functools import cache
from pkgutil import get_data

from tactful.events.tzif import EPOCH_DAY, Listed, Rule, first_of, parse
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US

_YEAR_US = 31_556_952 * SECOND_US
"""On average; an instant is at most a year off."""


class Zone:
    """Made by zone() alone; one for each name."""

    def __init__(self, name: str, listed: Listed) -> None:
        self.name = name
        self._starts = [start * SECOND_US for start in listed.starts]
        self._offsets = [offset * SECOND_US for offset in listed.offsets]
        self._rule = listed.rule
        self._ruled_from = -(1 << 62) if listed.ruled_from is None else listed.ruled_from * SECOND_US
        self._years = _years(listed.rule)

    def span(self, at: int) -> tuple[int, int | None]:
        """The offset at `at`, and the instant at which it changes; None: never."""
        starts, offsets = self._starts, self._offsets
        if self._rule is not None and at >= self._ruled_from:
            year = 1970 + at // _YEAR_US
            starts, offsets = self._years.get(year) or self._by_rule(year)
        index = bisect_right(starts, at)
        if index < len(starts):
            return offsets[index], starts[index]
        if self._rule is None:
            return offsets[index], None
        ruled, until = self.span(self._ruled_from)
        return offsets[index], until if ruled == offsets[index] else self._ruled_from

    def _by_rule(self, about: int) -> tuple[list[int], list[int]]:
        """Starts and offsets as listed ones, around a year."""
        assert self._rule is not None
        changes = [change for year in range(about - 2, about + 3) for change in self._rule.changes(year)]
        starts = [at * SECOND_US for at, _ in changes]
        offsets = [offset * SECOND_US for _, offset in changes]
        self._years[about] = starts, [offsets[1], *offsets]
        return self._years[about]


@cache
def _years(rule: Rule | None) -> dict[int, tuple[list[int], list[int]]]:
    """What was made by a rule, for all zones that have it: hundreds share a few."""
    return {}


@cache
def names() -> frozenset[str]:
    return frozenset(_read("zones").decode("ascii").split())


def zone(name: str) -> Zone | None:
    """By its exact IANA name; None where there is none."""
    return known(name) if name in names() else None


@cache
def known(name: str) -> Zone:
    """Of one of names(): there are some hundreds, and what anybody else makes up is not remembered."""
    return Zone(name, parse(_read(f"zoneinfo/{name}")))


def _read(path: str) -> bytes:
    body = get_data("tzdata", path)
    assert body is not None, path
    return body


def offset_us(zone: Zone, at: int) -> int:
    return zone.span(at)[0]


def local_date(zone: Zone, at: int) -> int:
    """Days since 1970."""
    return (at + zone.span(at)[0]) // DAY_US


def local_hour(zone: Zone, at: int) -> int:
    """0 to 23."""
    return (at + zone.span(at)[0]) // HOUR_US % 24


def local_weekday(zone: Zone, at: int) -> int:
    """Monday is 1, Sunday 7."""
    return (local_date(zone, at) + 3) % 7 + 1


def local_month(zone: Zone, at: int) -> int:
    return _month(local_date(zone, at))[1]


def next_local_hour(zone: Zone, at: int) -> int:
    """First instant > at with another local hour: a full hour, or a change of the offset."""
    return _next(zone, at, lambda local: local // HOUR_US, lambda local: (local // HOUR_US + 1) * HOUR_US)


def next_midnight(zone: Zone, at: int) -> int:
    """First instant > at with another local date."""
    return _next(zone, at, lambda local: local // DAY_US, lambda local: (local // DAY_US + 1) * DAY_US)


def next_month(zone: Zone, at: int) -> int:
    """First instant > at with another local month."""

    def after(local: int) -> int:
        year, month = _month(local // DAY_US)
        return first_of(year, month + 1) * DAY_US

    return _next(zone, at, lambda local: _month(local // DAY_US), after)


def next_time(zone: Zone, at: int, minute: int, weekdays: Collection[int] = (), day_of_month: int = 0) -> int:
    """First instant >= at at which the clock shows this minute of the day (0 to 1439), on one of these days of the week
    (Monday is 1; none: on any) or on this day of the month (0: any; in shorter months the last). A time that the clock
    skips is when it has skipped; of one that it shows twice, the first."""
    day = local_date(zone, at) - 2  # The clock may have gone back over a date line.
    while True:
        if _is_on(day, weekdays, day_of_month):
            found = _shows(zone, day, minute)
            if found >= at:
                return found
        day += 1


def _is_on(day: int, weekdays: Collection[int], day_of_month: int) -> bool:
    if day_of_month:
        year, month = _month(day)
        return day == min(first_of(year, month) + day_of_month, first_of(year, month + 1)) - 1
    return not weekdays or (day + 3) % 7 + 1 in weekdays


def _shows(zone: Zone, day: int, minute: int) -> int:
    """First instant at which the clock shows this time of this day, or has passed it."""
    wanted = day * DAY_US + minute * MINUTE_US
    at = wanted - 2 * DAY_US  # Before it in every zone.
    while True:
        offset, until = zone.span(at)
        if at + offset >= wanted:
            return at
        found = wanted - offset
        if until is None or found < until:
            return found
        at = until


def _next(zone: Zone, at: int, part: Callable[[int], object], boundary: Callable[[int], int]) -> int:
    """First instant > at with another part of the local time; without a change of the offset it is at the boundary."""
    offset, until = zone.span(at)
    now = part(at + offset)
    while True:
        found = boundary(at + offset) - offset
        if until is None or found < until:
            return found
        at = until
        offset, until = zone.span(at)
        if part(at + offset) != now:
            return at


def _month(day: int) -> tuple[int, int]:
    """(year, month) of a day since 1970."""
    found = date.fromordinal(day + EPOCH_DAY)
    return found.year, found.month


def transitions(name: str, from_us: int, to_us: int) -> list[tuple[int, int]]:
    """(from when on, offset) from `from_us`, the first, to `to_us`; for a name that is there."""
    place = zone(name)
    assert place is not None, name
    found: list[tuple[int, int]] = []
    at: int | None = from_us
    while at is not None and at <= to_us:
        offset, until = place.span(at)
        found.append((at, offset))
        at = until
    return found
