"""Caps and quiet hours by the clock of a person: exact to the microsecond, also where the clock jumps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.events.zones import known, local_date, names, offset_us
from tactful.journeys.notation import share
from tactful.kernel.sending import Cap, cap, clock_time, midnight, quiet, quiet_until, read
from tactful.values import DAY_US, HOUR_US, MINUTE_US, format_time, parse_time

NIGHT = (21 * 60, 8 * 60)


def at(text: str) -> int:
    found = parse_time(text)
    assert found is not None
    return found


def ends(hours: tuple[int, int], zone: str, text: str) -> str | None:
    found = quiet_until(hours, known(zone), at(text))
    return None if found is None else format_time(found).removesuffix(".000Z")


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        ("UTC", "2025-03-01T20:59:59.999999", None),
        ("UTC", "2025-03-01T21:00:00", "2025-03-02T08:00:00"),
        ("UTC", "2025-03-02T00:00:00", "2025-03-02T08:00:00"),
        ("UTC", "2025-03-02T07:59:59.999999", "2025-03-02T08:00:00"),
        ("UTC", "2025-03-02T08:00:00", None),
        ("Asia/Kolkata", "2025-03-01T15:30:00", "2025-03-02T02:30:00"),
        ("America/New_York", "2025-03-02T01:59:59", None),
        ("America/New_York", "2025-03-02T02:00:00", "2025-03-02T13:00:00"),
        ("Europe/Berlin", "2025-03-29T21:00:00", "2025-03-30T06:00:00"),  # The night of 23 hours.
        ("Europe/Berlin", "2025-10-25T20:00:00", "2025-10-26T07:00:00"),  # That of 25.
        ("UTC", "2024-02-28T23:00:00", "2024-02-29T08:00:00"),
        ("UTC", "2024-02-29T21:00:00", "2024-03-01T08:00:00"),
        ("UTC", "2023-02-28T21:00:00", "2023-03-01T08:00:00"),
        ("UTC", "2024-12-31T22:00:00", "2025-01-01T08:00:00"),
        ("Pacific/Apia", "2011-12-30T08:00:00", "2011-12-30T18:00:00"),  # The 30th was left out there.
    ],
)
def test_quiet_hours_end_by_the_clock_of_the_person(zone: str, now: str, end: str | None) -> None:
    assert ends(NIGHT, zone, now) == end


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (
            "01:00-02:30",
            "2025-03-30T00:30:00",
            "2025-03-30T01:00:00",
        ),  # 02:30 is skipped: at 03:00, when it has skipped.
        ("02:00-03:00", "2025-03-30T01:00:00", None),  # There are none on that day.
        ("23:00-02:30", "2025-10-25T22:00:00", "2025-10-26T00:30:00"),  # 02:30 comes twice: at the first ...
        ("23:00-02:30", "2025-10-26T01:00:00", "2025-10-26T01:30:00"),  # ... and the second 02:00 is quiet again.
        ("02:15-02:45", "2025-10-26T00:20:00", "2025-10-26T00:45:00"),
        ("02:15-02:45", "2025-10-26T01:20:00", "2025-10-26T01:45:00"),
        (
            "02:30-03:30",
            "2025-10-26T00:40:00",
            "2025-10-26T01:00:00",
        ),  # 02:59 is followed by 02:00, which is not quiet.
        ("02:30-03:30", "2025-10-26T01:40:00", "2025-10-26T02:30:00"),
    ],
)
def test_where_the_clock_jumps_it_counts_what_it_shows(hours: str, now: str, end: str | None) -> None:
    found = quiet(hours)
    assert found is not None
    assert ends(found, "Europe/Berlin", now) == end


@given(
    st.sampled_from(sorted(names())),
    st.integers(at("1990-01-01"), at("2040-01-01")),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_the_end_is_the_first_moment_that_is_not_quiet(name: str, now: int, begin: int, end: int) -> None:
    """Against a slow reading, minute by minute."""
    zone = known(name)

    def is_quiet(moment: int) -> bool:
        minute = (moment + offset_us(zone, moment)) % DAY_US // MINUTE_US
        return begin <= minute < end if begin < end else minute >= begin or minute < end

    if begin == end:
        return
    found = quiet_until((begin, end), zone, now)
    assert (found is None) == (not is_quiet(now))
    if found is not None:
        assert now < found <= now + 2 * DAY_US
        assert not is_quiet(found) and is_quiet(found - 1)
        assert all(is_quiet(moment) for moment in range(now, found, 7 * MINUTE_US))


@pytest.mark.parametrize(
    ("zone", "now", "begun"),
    [
        ("UTC", "2025-03-01T00:00:00", "2025-03-01T00:00:00"),
        ("UTC", "2025-02-28T23:59:59.999999", "2025-02-28T00:00:00"),
        ("Europe/Berlin", "2025-03-30T20:00:00", "2025-03-29T23:00:00"),
        ("Europe/Berlin", "2025-10-26T22:59:59", "2025-10-25T22:00:00"),
        ("America/Sao_Paulo", "2018-11-04T12:00:00", "2018-11-04T03:00:00"),  # Midnight was skipped there.
        ("America/Havana", "2024-11-03T12:00:00", "2024-11-03T04:00:00"),  # It came twice.
        ("Asia/Kathmandu", "2024-02-29T12:00:00", "2024-02-28T18:15:00"),
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00"),
    ],
)
def test_a_day_begins_at_local_midnight(zone: str, now: str, begun: str) -> None:
    assert format_time(midnight(known(zone), at(now))).removesuffix(".000Z") == begun


@given(st.sampled_from(sorted(names())), st.integers(at("1990-01-01"), at("2040-01-01")))
def test_the_day_of_a_moment_is_one_day(name: str, now: int) -> None:
    zone = known(name)
    begun = midnight(zone, now)
    assert now - 26 * HOUR_US < begun <= now
    assert local_date(zone, begun) == local_date(zone, now) != local_date(zone, begun - 1)


def test_a_cap_and_what_counts_against_it() -> None:
    zone = known("Europe/Berlin")
    noon = at("2025-03-01T11:00:00")
    assert (Cap(3, 0).text(), Cap(1, 7 * DAY_US).text("sms")) == ("cap: 3 per day", "cap: 1 sms per 1w")
    assert Cap(3, 0).since(zone, noon) == at("2025-02-28T23:00:00")
    assert Cap(3, DAY_US).since(zone, noon) == noon - DAY_US + 1, "a window is open at its old end"


def test_what_the_settings_say_of_channels() -> None:
    rules = read(
        '{"cap": ["3 per day", "8 per 7d"], "quiet": "21:00-08:00", "holdout": "2.5%", "channels":'
        ' {"sms": {"cap": ["1 per day"], "quiet": ""}, "push": {}, "webhook": {"cap": ["5 per 1h"]}}}'
    )
    assert [channel for channel, _ in rules.caps("sms")] == ["sms", "", ""]
    assert [channel for channel, _ in rules.caps("email")] == ["", ""]
    assert rules.caps("webhook") == [("webhook", Cap(5, HOUR_US))]
    assert [rules.quiet(channel) for channel in ("email", "push", "sms", "webhook")] == [NIGHT, NIGHT, None, None]
    assert rules.holdout == 250
    assert read('{"channels": {"webhook": {"quiet": "21:00-08:00"}}}').quiet("webhook") == NIGHT


@pytest.mark.parametrize(
    "text", ["", "3", "0 per day", "3 per days", "3 per", "-1 per day", "3 per 0d", "10000 per day", "3 pro Tag"]
)
def test_what_is_no_cap(text: str) -> None:
    assert cap(text) is None


@pytest.mark.parametrize("text", ["", "21-8", "24:00-08:00", "21:00", "21:60-08:00", "21:00 to 08:00"])
def test_what_are_no_hours(text: str) -> None:
    assert quiet(text) is None


def test_shares_and_clock_times() -> None:
    assert [share(text) for text in ("10%", "2.5 %", "100%", "0%", "101%", "ten", "")] == [1000, 250, 10_000, 0] + [
        None
    ] * 3
    assert clock_time(known("Asia/Kolkata"), at("2025-03-01T02:35:59")) == "08:05"
