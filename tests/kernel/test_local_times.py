"""Local times against the system of reference: every quarter of an hour is looked at with zoneinfo, and nothing else."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tactful.events import zones
from tactful.values import DAY_US, HOUR_US, MINUTE_US

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
)
QUARTER = 15 * MINUTE_US


def us(*parts: int) -> int:
    return (datetime(*parts, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # type: ignore[misc,arg-type]  # parts of a date


def local(at: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone).replace(tzinfo=None)


def first(at: int, minute: int, weekdays: frozenset[int], zone: ZoneInfo) -> int:
    """By trying; minutes are quarters, and clocks change at quarters."""
    best = None
    day = local(at, zone).date() - timedelta(days=2)
    while best is None:
        wanted = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001  (of a clock on a wall)
        begin = (wanted.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) - 40 * HOUR_US
        shown = next(one for one in range(begin, begin + 80 * HOUR_US, QUARTER) if local(one, zone) >= wanted)
        if shown >= at and (not weekdays or day.isoweekday() in weekdays):
            best = shown
        day += timedelta(days=1)
    return best


@pytest.mark.parametrize("name", NAMES)
def test_the_first_instant_at_which_the_clock_shows_it(name: str) -> None:
    rng, zone = Random(name), ZoneInfo(name)
    place = zones.known(name)
    for _ in range(60):
        at = us(rng.choice((2011, 2024, 2025)), rng.randint(1, 12), rng.randint(1, 28)) + rng.randrange(96) * QUARTER
        minute = rng.randrange(96) * 15
        weekdays = frozenset(rng.sample(range(1, 8), rng.choice((0, 0, 1, 3))))
        assert zones.next_time(place, at, minute, weekdays) == first(at, minute, weekdays, zone), (at, minute, weekdays)


def test_of_a_time_that_the_clock_shows_twice_the_first_and_of_a_skipped_one_the_jump() -> None:
    berlin = zones.known("Europe/Berlin")
    autumn, spring = us(2025, 10, 26), us(2025, 3, 30)
    assert zones.next_time(berlin, autumn, 150) == autumn + 30 * MINUTE_US
    assert zones.next_time(berlin, autumn + 30 * MINUTE_US + 1, 150) == autumn + DAY_US + 90 * MINUTE_US
    assert zones.next_time(berlin, spring, 150) == spring + HOUR_US
    assert zones.next_time(berlin, spring + HOUR_US, 150) == spring + HOUR_US
    assert zones.next_time(berlin, spring + HOUR_US + 1, 150) == spring + DAY_US + 30 * MINUTE_US


def test_a_day_that_a_zone_skipped_altogether() -> None:
    """Samoa had no 30 December 2011, a Friday."""
    apia, jump = zones.known("Pacific/Apia"), us(2011, 12, 30, 10)
    assert zones.next_time(apia, jump - HOUR_US, 540, {5}) == jump
    assert zones.next_time(apia, jump - HOUR_US, 540) == jump
    assert zones.next_time(apia, jump + 1, 540, {5}) == us(2012, 1, 5, 19)


def test_days_of_the_month_are_the_last_in_shorter_ones() -> None:
    utc = zones.known("UTC")
    found, at = [], us(2024, 1, 1)
    for _ in range(5):
        at = zones.next_time(utc, at + 1, 60, day_of_month=31)
        found.append(at)
    assert found == [us(2024, month, day, 1) for month, day in ((1, 31), (2, 29), (3, 31), (4, 30), (5, 31))]
    assert zones.next_time(utc, us(2025, 2, 1), 0, day_of_month=30) == us(2025, 2, 28)
