"""Texts of columns as numbers, booleans, lists and times: read, or told to be unreadable, never guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.operations.imports.mapping import ColumnType
from tactful.operations.imports.texts import UNREAD, reader, time_problem


def read(value: Any, type: str, format: str = "", zone: str = "") -> Any:
    return reader(ColumnType(type, format, zone))(value)


@pytest.mark.parametrize(
    ("text", "format", "number"),
    [
        ("2.50", "", 2.5), ("-3", "", -3), ("+3", "", 3), ("1,234.5", "", 1234.5), ("$ 12.00", "", 12.0), ("€5", "", 5),
        ("1e3", "", 1000.0), (".5", "", 0.5), ("12%", "", 12), ("1.234,50", "comma", 1234.5), ("12,5", "comma", 12.5),
        ("1 234,5", "comma", 1234.5), ("00012", "", 12), ("9007199254740993", "", 9007199254740993),
        ("12,34", "", UNREAD), ("1.2.3", "", UNREAD), ("abc", "", UNREAD), ("12 EUR", "", UNREAD), ("", "", UNREAD),
        ("1,234.5", "comma", UNREAD), ("-", "", UNREAD), ("0x12", "", UNREAD), ("NaN", "", UNREAD), ("١٢", "", UNREAD),
        (2.5, "", 2.5), (True, "", True), ([1], "text", UNREAD),
    ],
)  # fmt: skip
def test_numbers(text: Any, format: str, number: Any) -> None:
    if isinstance(text, list):
        assert read(text, format) is number
    else:
        assert read(text, "number", format) == number


@pytest.mark.parametrize(
    ("text", "meant"), [("Yes", True), ("0", False), (" true ", True), (False, False), ("maybe", UNREAD), (1, True)]
)
def test_booleans(text: Any, meant: Any) -> None:
    assert read(text, "boolean") is meant


def test_lists_and_texts() -> None:
    assert read("a; b;;c", "list", ";") == ["a", "b", "c"]
    assert read(["a"], "list") == ["a"]
    assert read(17850.0, "text") == "17850"
    assert read(" x ", "text") == "x"


@pytest.mark.parametrize(
    ("text", "format", "zone", "at"),
    [
        ("2024-03-01", "", "", "2024-03-01T00:00:00.000Z"),
        ("2024-03-01 12:30:01.5", "", "", "2024-03-01T12:30:01.500Z"),
        ("2024-03-01T12:30:00+05:30", "", "Europe/Berlin", "2024-03-01T12:30:00+05:30"),
        ("2024-03-01 12:30:00+05:30", "", "Europe/Berlin", "2024-03-01T07:00:00.000Z"),
        ("2024-07-01 12:00", "", "Europe/Berlin", "2024-07-01T10:00:00.000Z"),
        ("01.03.2024 12:30", "%d.%m.%Y %H:%M", "Europe/Berlin", "2024-03-01T11:30:00.000Z"),
        ("3/1/2024 1:05:00 PM", "%m/%d/%Y %I:%M:%S %p", "", "2024-03-01T13:05:00.000Z"),
        ("Fri, 01 Mar 2024 12:00:00 +0100", "%a, %d %b %Y %H:%M:%S %z", "Asia/Tokyo", "2024-03-01T11:00:00.000Z"),
        (1709296200, "seconds", "Asia/Tokyo", "2024-03-01T12:30:00.000Z"),
        ("1709296200123", "milliseconds", "", "2024-03-01T12:30:00.123Z"),
        (1709296200123456, "microseconds", "", "2024-03-01T12:30:00.123456Z"),
        (1709296200123456789, "nanoseconds", "", "2024-03-01T12:30:00.123456Z"),
        (45352.520833333336, "excel", "Europe/Berlin", "2024-03-01T11:30:00.000Z"),
        ("30.02.2024", "%d.%m.%Y", "", UNREAD),
        ("yesterday", "", "", UNREAD),
        ("1e400", "seconds", "", UNREAD),
        ("nan", "milliseconds", "", UNREAD),
        (True, "", "", UNREAD),
        # An hour that there is twice is the first one; one that there is not goes on from the hour before.
        ("2024-10-27 02:30", "", "Europe/Berlin", "2024-10-27T00:30:00.000Z"),
        ("2024-03-31 02:30", "", "Europe/Berlin", "2024-03-31T01:30:00.000Z"),
    ],
)
def test_times_of_every_kind(text: Any, format: str, zone: str, at: Any) -> None:
    assert read(text, "time", format, zone) == at


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2037, 12, 30)),  # noqa: DTZ001  (local times)
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]),
)
def test_local_times_are_those_of_the_standard_library(at: datetime, zone: str) -> None:
    """Its `fold=0` is the same choice."""
    found = datetime.fromisoformat(read(at.isoformat(), "time", "", zone))
    assert abs(found - at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)) < timedelta(milliseconds=1)


@pytest.mark.parametrize(("format", "zone", "said"), [("DD.MM.YYYY", "", "is no format of times"), ("", "Berlin", "is no time zone"), ("%Q", "", "is no pattern")])  # fmt: skip
def test_formats_and_zones_that_mean_nothing_are_told(format: str, zone: str, said: str) -> None:
    assert said in time_problem(format, zone)
    assert time_problem("%d.%m.%Y", "Europe/Berlin") == ""
