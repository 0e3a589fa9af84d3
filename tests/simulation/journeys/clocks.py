"""Local times, by trying (docs/journeys.md, "Local times"): no arithmetic with offsets that could be wrong in the same
way as the engine's."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.simulation.journeys.reading import Schedule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def local(at: int, zone: ZoneInfo) -> datetime:
    """What the clock shows."""
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone).replace(tzinfo=None)


@lru_cache(100_000)
def shows(day: date, minute: int, zone: ZoneInfo) -> int:
    """The instant at which the clock shows the time on that day: of two the first; of none, the end of the gap."""
    shown = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=UTC)
    middle, wanted = (shown - EPOCH) // TICK, shown.replace(tzinfo=None)
    early, late = middle - 40 * 3_600_000_000, middle + 40 * 3_600_000_000
    # Whether the clock has shown `wanted` or more is asked of every quarter of an hour, since it may go back.
    quarter = 900 * 1_000_000
    begin = next(at for at in range(early, late, quarter) if local(at + quarter, zone) >= wanted)
    early, late = begin, begin + quarter
    while late - early > 1:
        half = (early + late) // 2
        if local(half, zone) >= wanted:
            late = half
        else:
            early = half
    return late


def until(moment: int, minute: int, days: frozenset[int], zone: ZoneInfo) -> int:
    """The first instant, not before the moment, at which the clock shows the time on one of the days."""
    day = local(moment, zone).date() - timedelta(days=2)
    while True:
        if not days or day.isoweekday() in days:
            at = shows(day, minute, zone)
            if at >= moment:
                return at
        day += timedelta(days=1)


def scheduled(schedule: Schedule, after: int, up_to: int, zone: ZoneInfo) -> list[int]:
    """The schedule's instants, after < at <= up_to."""
    found = []
    day = local(after, zone).date() - timedelta(days=2)
    while day <= local(up_to, zone).date() + timedelta(days=2):
        if is_on(schedule, day):
            at = shows(day, schedule.minute, zone)
            if after < at <= up_to:
                found.append(at)
        day += timedelta(days=1)
    return found


def is_on(schedule: Schedule, day: date) -> bool:
    if schedule.of_month:
        is_last = (day + timedelta(days=1)).day == 1
        return day.day == schedule.of_month or (is_last and day.day < schedule.of_month)
    return not schedule.days or day.isoweekday() in schedule.days
