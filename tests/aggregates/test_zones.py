"""Local time as zoneinfo has it from the same package, over all zones and 1970-2100, and exact at every change."""

import gc
import io
import sys
import weakref
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tactful.events import zones
from tactful.events.tzif import Listed, Rule, day_of, parse, parse_footer
from tactful.events.zones import Zone

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALL = sorted(zones.names())
TRICKY = (
    "America/New_York",
    "America/St_Johns",  # a minute after midnight, back to yesterday
    "America/Nuuk",  # changes at -1:00
    "America/Havana",
    "America/Santiago",  # south; changes at 24:00
    "Africa/Casablanca",  # by the moon, listed to 2087
    "Africa/Cairo",
    "Africa/Monrovia",  # -0:44:30 until 1972
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Australia/Lord_Howe",  # half an hour
    "Europe/Dublin",  # winter time is the exception
    "Europe/Berlin",
    "Pacific/Apia",  # a day left out
    "Pacific/Kwajalein",
    "Pacific/Chatham",
    "UTC",
)


@cache
def theirs(name: str) -> ZoneInfo:
    with (resources.files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def there(name: str) -> Zone:
    found = zones.zone(name)
    assert found is not None
    return found


def local(name: str, at: int) -> datetime:
    return (EPOCH + timedelta(microseconds=at)).astimezone(theirs(name))


def same(name: str, at: int) -> None:
    zone, clock = there(name), local(name, at)
    offset = clock.utcoffset()
    assert offset is not None
    assert zones.offset_us(zone, at) == offset / timedelta(microseconds=1), (name, at)
    assert zones.local_hour(zone, at) == clock.hour
    assert zones.local_weekday(zone, at) == clock.isoweekday()
    assert zones.local_month(zone, at) == clock.month
    assert zones.local_date(zone, at) == (clock.date() - EPOCH.date()).days


def instant(year: int, month: int = 1, day: int = 1, hour: int = 0, minute: int = 0) -> int:
    return (datetime(year, month, day, hour, minute, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("name", ALL)
def test_any_zone_at_any_time(name: str) -> None:
    random = Random(name)
    for _ in range(40):
        same(name, random.randrange(instant(1970), instant(2100)))
    for year in (1850, 1901, 1999, 2037, 2038, 2399, 4000, 9990):
        same(name, instant(year) + random.randrange(365 * DAY))


@pytest.mark.parametrize("name", [*TRICKY, *ALL[::40]])
def test_at_every_change(name: str) -> None:
    changes = zones.transitions(name, instant(1900), instant(2110))
    assert all(one[1] != other[1] for one, other in pairwise(changes))
    for at, _ in changes[1:]:
        for near in (at - 1, at, at + 1, at + HOUR, at - HOUR):
            same(name, near)


@pytest.mark.parametrize("name", TRICKY)
def test_no_change_is_missed(name: str) -> None:
    """Looked for in zoneinfo, six hours at a time."""
    known = [at for at, _ in zones.transitions(name, instant(2005), instant(2045))][1:]
    found = []
    before = local(name, instant(2005)).utcoffset()
    for at in range(instant(2005), instant(2045), 6 * HOUR):
        offset = local(name, at).utcoffset()
        if offset != before:
            found.append(at)
            before = offset
    assert len(known) == len(found)
    assert all(at <= seen < at + 6 * HOUR for at, seen in zip(known, found, strict=True))


def change(name: str, at: int, part: Callable[[datetime], object], step: int) -> int:
    """First instant after `at` at which the part differs, to a second, found by going there."""
    now = part(local(name, at))
    low, high = at, at + step
    while part(local(name, high)) == now:
        low, high = high, high + step
    while high - low > SECOND // 2:
        middle = (low + high) // 2
        low, high = (middle, high) if part(local(name, middle)) == now else (low, middle)
    return high


@pytest.mark.parametrize("name", TRICKY)
def test_the_next_hour_midnight_and_month(name: str) -> None:
    random = Random(name)
    changes = [at for at, _ in zones.transitions(name, instant(1995), instant(2040))][1:]
    near = [at + random.randrange(-3 * HOUR, 3 * HOUR) for at in changes for _ in range(3)]
    days = [at + random.randrange(-40 * HOUR, 2 * HOUR) for at in changes]
    anywhere = [random.randrange(instant(1970), instant(2100)) for _ in range(30)]
    zone = there(name)
    minute = 60 * SECOND
    # The last day of summer came for a minute, and once more an hour later.
    fine = minute // 2 if name == "America/St_Johns" else 10 * minute
    for at in (*near, *anywhere):
        found = zones.next_local_hour(zone, at)
        wanted = change(name, at, lambda clock: clock.hour, fine)
        assert found > at
        assert abs(found - wanted) <= SECOND
    for at in (*near, *days, *anywhere):
        found = zones.next_midnight(zone, at)
        assert found > at
        assert abs(found - change(name, at, lambda clock: clock.date(), fine)) <= SECOND
    for at in anywhere:
        found = zones.next_month(zone, at)
        assert abs(found - change(name, at, lambda clock: clock.month, 12 * HOUR)) <= SECOND


def test_known_instants() -> None:
    berlin = there("Europe/Berlin")
    twice = instant(2024, 10, 27, 0, 30)  # 02:30 the first time; the hour lasts until 01:00 + 1 h
    assert zones.local_hour(berlin, twice) == 2
    assert zones.next_local_hour(berlin, twice) == instant(2024, 10, 27, 2)
    skipped = instant(2024, 3, 31, 0, 30)  # 01:30; 03:00 is next
    assert zones.next_local_hour(berlin, skipped) == instant(2024, 3, 31, 1)
    assert zones.local_hour(berlin, instant(2024, 3, 31, 1)) == 3
    assert zones.next_midnight(berlin, skipped) == instant(2024, 3, 31, 22)
    assert zones.next_month(berlin, instant(2024, 12, 5)) == instant(2024, 12, 31, 23)
    apia = there("Pacific/Apia")
    assert zones.next_midnight(apia, instant(2011, 12, 30, 1)) == instant(2011, 12, 30, 10)
    assert zones.local_weekday(apia, instant(2011, 12, 30, 1)) == 4
    assert zones.local_weekday(apia, instant(2011, 12, 30, 10)) == 6


@pytest.mark.parametrize(
    "name",
    [
        "",
        "utc",
        "europe/berlin",
        "Europe/berlin",
        " UTC",
        "UTC\0",
        "/etc/passwd",
        "../zones",
        "zones",
        "Berlin",
        "Europe",
        "Europe/Berlin/",
    ],
)
def test_only_exact_names(name: str) -> None:
    assert zones.zone(name) is None


def test_the_system_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files of the system under TZPATH that say another thing; and zoneinfo is not even used."""
    lying = tmp_path / "Europe"
    lying.mkdir()
    body = (resources.files("tzdata") / "zoneinfo" / "Asia" / "Tokyo").read_bytes()
    (lying / "Berlin").write_bytes(body)
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    try:
        assert ZoneInfo.no_cache("Europe/Berlin").utcoffset(datetime(2024, 1, 1)) == timedelta(hours=9)  # noqa: DTZ001 - the zone itself is asked
        zones.known.cache_clear()
        assert zones.offset_us(there("Europe/Berlin"), instant(2024)) == HOUR
    finally:
        zoneinfo.reset_tzpath()
    assert not any(
        "zoneinfo" in vars(sys.modules[module]) for module in ("tactful.events.zones", "tactful.events.tzif")
    )


@pytest.mark.parametrize(
    "footer",
    [
        "AAA3BBB,J60/0,J300/5",
        "AAA3BBB,J59,J60/1",
        "AAA-5:45:30BBB-7,M1.1.1/-5,M12.5.6/167",
        "AAA-12AAB,M10.1.0/-24:30,M4.5.6/2:15:20",
        "AAA0",
        "<-0330>3:30",
    ],
)
def test_footers_that_are_rare(footer: str) -> None:
    body = b"TZif2" + bytes(15) + b"\0\0\0\0" * 4 + b"\0\0\0\1" + b"\0\0\0\4" + bytes(6) + b"AAA\0"
    body += b"TZif2" + bytes(15) + b"\0\0\0\0" * 4 + b"\0\0\0\1" + b"\0\0\0\4" + bytes(6) + b"AAA\0"
    body += b"\n" + footer.encode() + b"\n"
    zone, other = Zone("x", parse(body)), ZoneInfo.from_file(io.BytesIO(body))
    random = Random(footer)
    for _ in range(2000):
        at = random.randrange(instant(1990), instant(2050)) // SECOND * SECOND
        # zoneinfo looks at the rule of one year only, so it is a little off where a change crosses New Year.
        if 8 < (EPOCH + timedelta(microseconds=at)).timetuple().tm_yday < 357:
            assert (
                zones.offset_us(zone, at) * timedelta(microseconds=1)
                == (EPOCH + timedelta(microseconds=at)).astimezone(other).utcoffset()
            )


def test_a_footer_is_taken_apart() -> None:
    assert parse_footer("<-03>3") == -3 * 3600
    berlin = Rule(3600, 7200, ("M3.5.0", 7200), ("M10.5.0", 10_800))
    assert parse_footer("CET-1CEST,M3.5.0,M10.5.0/3") == berlin
    assert berlin.changes(2024) == [
        (instant(2024, 3, 31, 1) // SECOND, 7200),
        (instant(2024, 10, 27, 1) // SECOND, 3600),
    ]
    assert Zone("x", Listed([], [3600])).span(0) == (HOUR, None)
    # Days from 0 on (POSIX; zoneinfo is a day early there).
    assert day_of("59", 2023) * DAY == instant(2023, 3, 1)
    assert day_of("59", 2024) * DAY == instant(2024, 2, 29)
    assert day_of("365", 2024) * DAY == instant(2024, 12, 31)


def test_a_name_that_is_none_is_not_remembered() -> None:
    class Name(str):
        """One that can be seen to go."""

        __slots__ = ("__weakref__",)

    name = Name("Europe/Nowhere")
    gone = weakref.ref(name)
    assert zones.zone(name) is None
    del name
    gc.collect()
    assert gone() is None
