import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.aggregates.scalars import Key, amounts, key, keys, number, numbers, pack, rank, scalar, size, unpack
from tactful.values import Duration, Time, read_time


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a", "a"),
        ("", ""),
        ("true", "true"),
        (True, "\0true"),
        (False, "\0false"),
        (1, 1),
        (1.0, 1),
        (-0.0, 0),
        (0.5, 0.5),
        (2**53, 2**53),
        (2.0**53, 2**53),
        (2.0**60, 2.0**60),
        (2**60, 2.0**60),
        (math.nan, None),
        (math.inf, None),
        (None, None),
        ({}, None),
        ([1], None),
        (Time(5), None),
        (Duration(5), None),
    ],
)
def test_one_key_for_equal_values(value: Any, found: Any) -> None:
    assert (type(key(value)), key(value)) == (type(found), found)


def test_long_texts_have_a_digest_that_no_text_has() -> None:
    long, other = "x" * 257, "x" * 258
    assert key("x" * 256) == "x" * 256
    assert str(key(long)).startswith("\0#")
    assert len(str(key(long))) == 2 + 32 + 256
    assert key(long) != key(other)
    assert scalar(key(long) or "") == "x" * 256


def test_an_event_counts_once_for_a_value() -> None:
    assert keys(["a", "a", 1, 1.0, True, None, ["b"], {}, "1"]) == ["a", 1, "\0true", "1"]
    assert keys("a") == ["a"]
    assert keys(None) == keys([]) == keys({}) == keys([[1]]) == []


def test_numbers_of_a_list_all_count() -> None:
    assert numbers(["a", 2, 2, True, None, [3], 2.5]) == [2, 2, 2.5]
    assert numbers("7") == numbers(True) == numbers(None) == numbers(Time(1)) == []
    assert type(numbers([2.0])[0]) is int


def test_amounts_are_rounded_half_up() -> None:
    assert amounts([0.1, 19.99, 0.0000005, -0.0000005, -0.0000015]) == [100_000, 19_990_000, 1, 0, -1]
    assert amounts([1e12, -1e12, 10**12, 1e300]) == []
    assert amounts(-999_999_999.5) == [-999_999_999_500_000]


def test_keys_have_an_order_across_types() -> None:
    mixed: list[Key] = ["b", 2, "\0true", 1.5, "a", "\0false", 10]
    assert sorted(mixed, key=rank) == ["\0false", "\0true", 1.5, 2, 10, "a", "b"]
    assert [scalar(found) for found in ("\0true", "\0false", 1, "x")] == [True, False, 1, "x"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3)
    )
)
def test_what_is_packed_survives_encoding(value: Any) -> None:
    for each in (value, Time(17), Duration(-4)):
        again = unpack(msgspec.msgpack.decode(msgspec.msgpack.encode(pack(each))))
        assert again == each
        assert type(again) is type(each)


def test_size_is_about_that_of_the_encoding() -> None:
    for value in ("x" * 1000, ["ab" * 50] * 30, {"a": "b" * 500, "c": {"d": "e" * 400}}, [1.5] * 100):
        assert 0.8 < size(value) / len(msgspec.msgpack.encode(value)) < 1.3


def test_numbers_that_are_none() -> None:
    assert number("5") is None
    assert number(False) is None


# ---- values.read_time ------------------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T00:00", 0),
        ("1970-01-01 00:01", 60_000_000),
        ("1970-01-01t00:00:01", 1_000_000),
        ("1970-01-01T00:00:01.5", 1_500_000),
        ("1970-01-01T00:00:01,5", 1_500_000),
        ("1970-01-01T00:00:00.1234569", 123_456),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00z", 0),
        ("1970-01-01T02:00+02:00", 0),
        ("1970-01-01T02:00:00+0200", 0),
        ("1970-01-01T02:00+02", 0),
        ("1969-12-31T22:30-01:30", 0),
        ("1970-01-01T00:00-00:00", 0),
        ("2024-02-29", 1_709_164_800_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("9999-12-31T23:59:59.999999+00:01", 253_402_300_739_999_999),
    ],
)
def test_texts_that_read_as_times(text: str, at: int) -> None:
    found = read_time(text)
    assert type(found) is Time
    assert found == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1970-01-01",
        "1970-01-01 ",
        "1970-01-01\n",
        "1970-1-1",
        "19700101",
        "70-01-01",
        "1970-01",
        "1970-02-30",
        "2023-02-29",
        "1970-13-01",
        "1970-00-01",
        "0000-01-01",
        "1970-01-01T",
        "1970-01-01T00",
        "1970-01-01T24:00",
        "1970-01-01T00:60",
        "1970-01-01T00:00:60",
        "1970-01-01T00:00:00.",
        "1970-01-01T0:00",
        "1970-01-01T00:00.5",
        "1970-01-01T00:00 Z",
        "1970-01-01Z",
        "1970-01-01+02:00",
        "1970-01-01T00:00+2",
        "1970-01-01T00:00+02:0",
        "1970-01-01T00:00+02:60",
        "1970-01-01T00:00+24:00",
        "1970-01-01T00:00+02:00:00",
        "1970-01-01  00:00",
        "1970-01-01_00:00",
        "1970-W01-1",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "١٩٧٠-01-01",
        "now",
    ],
)
def test_texts_that_do_not(text: str) -> None:
    assert read_time(text) is None


@given(
    at=st.datetimes().filter(lambda at: 1 < at.year < 9999),
    offset=st.none() | st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timedelta(minutes=minutes)),
    separator=st.sampled_from("T "),
)
def test_the_same_as_fromisoformat_where_both_apply(at: datetime, offset: timedelta | None, separator: str) -> None:
    text = at.isoformat(separator)
    if offset is not None:
        minutes = abs(offset) // timedelta(minutes=1)
        text += f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
    there = datetime.fromisoformat(text)
    there = there if there.tzinfo else there.replace(tzinfo=UTC)
    assert read_time(text) == (there - EPOCH) // timedelta(microseconds=1)
