"""What operators and functions of values mean (LANGUAGE.md 3), value by value; the parity tests hold the whole against
the oracle."""

import math
from typing import Any

import pytest

from tactful.language import meaning
from tactful.language.check import check
from tactful.language.compile import compile_test
from tactful.values import FIRST_US, LAST_US, Duration, Time
from tests.language.live import Person, condition

ALIKE = [("a", "a"), (1, 1.0), (0, -0.0), (True, True), (Time(5), Time(5)), (Duration(5), Duration(5))]
APART: list[tuple[Any, Any]] = [
    *(("5", 5), (1, True), (0, False), ("True", True), (None, None), ([], []), ({}, {}), ([1], 1), ("a", "A")),
    *((Time(5), Duration(5)), (Time(5), 5), (Duration(5), 5.0), (Time(1), True), (10**400, 10**400), ("", None)),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_equal(one: Any, other: Any) -> None:
    assert meaning.equal(one, other) and meaning.equal(other, one)
    assert meaning.at_most(one, other) is not isinstance(one, bool)
    assert not meaning.less(one, other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_never_equal_and_without_order_where_types_differ(one: Any, other: Any) -> None:
    assert not meaning.equal(one, other) and not meaning.equal(other, one)
    if type(one) is not type(other):
        assert not meaning.less(one, other) and not meaning.at_most(one, other)
        assert not meaning.less(other, one) and not meaning.at_most(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Z", "a"),
        ("", "a"),
        ("\ufffd", "\U0001f600"),
        (1, 1.5),
        (-1, 0),
        (Time(1), Time(2)),
        (Duration(-1), Duration(0)),
    ],
)
def test_order(one: Any, other: Any) -> None:
    assert meaning.less(one, other) and meaning.at_most(one, other)
    assert not meaning.less(other, one) and not meaning.at_most(other, one)


def test_strict_types_in_generated_code() -> None:
    rows: list[tuple[str, dict[str, Any], bool]] = [
        ('"5" == x', {"x": 5}, False),
        ("x < 6", {"x": "5"}, False),
        ("x == 1", {"x": True}, False),
        ("x == True", {"x": 1}, False),
        ("x in (1, 2)", {"x": True}, False),
        ("x in (1, 2)", {"x": 2.0}, True),
        ('x in ("a", 1)', {"x": 1}, True),
        ("x == 1", {"x": 1.0}, True),
        ("x == 0", {"x": -0.0}, True),
        ("2 <= x", {"x": 2}, True),
        ("2 > x", {"x": 1.5}, True),
        ("x == 9007199254740993", {"x": 9007199254740992}, True),
        ("x < y", {"x": 9007199254740992, "y": 9007199254740993}, False),
        ("x <= y", {"x": True, "y": True}, False),
        ("x == y", {"x": [], "y": []}, False),
        ("x == y", {}, False),
        ("x != y", {}, True),
        ("not x < 1", {}, True),
        ('"ab" in x', {"x": "abc"}, False),
        ('"ab" in x', {"x": ["ab"]}, True),
        ("1 in x", {"x": [True]}, False),
        ("x", {"x": 1}, False),
        ("x", {"x": True}, True),
        ("not x", {"x": "yes"}, True),
        ("x is None", {"x": None}, True),
        ("x is None", {"x": ""}, False),
        ('"Z" < x', {"x": "a"}, True),
        ("x == y", {"x": 10**400, "y": 10**400}, False),
        ("len(x) > 1", {"x": [None, 1]}, True),
        ("x + y == 3", {"x": 1, "y": 2}, True),
        ("x + y is None", {"x": 1, "y": "2"}, True),
        ("time(x) < time(y)", {"x": "2025-01-01", "y": "2025-01-01T00:00:00.000001"}, True),
        ('time(x) - time(y) == "1d"', {"x": "2025-01-02", "y": "2025-01-01"}, True),
        ('"2025-01-01" == time(x)', {"x": 1735689600}, True),
        ("time(x) in y", {"x": "2025-01-01", "y": [5, "2025-01-01T00:00Z"]}, True),
        ('contains(lower(x), "vip")', {"x": "A VIP"}, True),
        ('starts_with(x, "a") or ends_with(x, "z")', {"x": 5}, False),
    ]
    for text, traits, answer in rows:
        assert condition(text).holds(Person(**traits), 0) is answer, (text, traits)


def test_numbers() -> None:
    assert meaning.plus(1, 2) == 3 and meaning.minus(1, 2.5) == -1.5
    assert meaning.times(2, 0.5) == 1 and meaning.divided(1, 4) == 0.25
    assert isinstance(meaning.plus(1, 2), int)
    assert meaning.plus(2**53, 1) == 2**53  # As doubles.
    assert meaning.divided(1, 0) is None and meaning.divided(0, -0.0) is None
    assert meaning.times(1e200, 1e200) is None
    assert meaning.plus(True, 1) is None and meaning.plus("a", "b") is None and meaning.plus(None, 1) is None
    assert meaning.negative(3) == -3 and meaning.negative(Duration(3)) is None and meaning.negative("3") is None
    assert meaning.number(10**400) is None


def test_times_and_durations() -> None:
    def same(found: object, wanted: Time | Duration) -> bool:
        return type(found) is type(wanted) and found == wanted

    assert same(meaning.minus(Time(9), Time(4)), Duration(5))
    assert same(meaning.plus(Time(9), Duration(4)), Time(13))
    assert same(meaning.minus(Time(9), Duration(4)), Time(5))
    assert same(meaning.minus(Duration(9), Duration(10)), Duration(-1))
    assert same(meaning.times(Duration(1), 2), Duration(2)) and same(meaning.times(2, Duration(1)), Duration(2))
    for nothing in (
        *(meaning.plus(Time(1), Time(1)), meaning.minus(Duration(1), Time(1)), meaning.plus(Time(1), 1)),
        *(
            meaning.times(Duration(1), Duration(2)),
            meaning.times(Duration(10**18), 2),
            meaning.plus(Time(LAST_US), Duration(1)),
            meaning.minus(Time(FIRST_US), Duration(1)),
        ),
        *(meaning.plus(Duration(10**18), Duration(1)), meaning.minus(Duration(-(10**18)), Duration(1))),
    ):
        assert nothing is None
    assert same(meaning.plus(Time(LAST_US - 1), Duration(1)), Time(LAST_US))


def test_read_as_a_time() -> None:
    assert meaning.as_time(1.0000005) == 1_000_001 and meaning.as_time(-0.5) == -500_000
    assert meaning.as_time("1970-01-01T00:00:01Z") == 1_000_000
    assert meaning.as_time(1e300) is None and meaning.as_time(True) is None and meaning.as_time([]) is None
    assert meaning.as_time(math.nextafter(LAST_US / 1e6 + 1, math.inf)) is None
    assert type(meaning.as_time(0)) is Time and meaning.as_time(Time(7)) == 7
    assert meaning.read(0) is None  # Only a text becomes a time by its neighbour.
    assert meaning.read(["1970-01-01", 5, None, "1970-01-02"]) == [Time(0), Time(86_400_000_000)]


def test_texts() -> None:
    assert meaning.lower("ÄΣİẞ ABC") == "äσiß abc"
    assert meaning.lower("ϓ\u1f88") == "ϓ\u1f80"
    assert meaning.lower(5) is None and meaning.lower(None) is None
    assert meaning.length([None, 1]) == 2 and meaning.length("ab") is None and meaning.length({}) is None
    assert meaning.contains("abc", "bc") and meaning.contains("abc", "") and not meaning.contains(["abc"], "abc")
    assert meaning.starts_with("abc", "ab") and meaning.ends_with("abc", "bc") and not meaning.ends_with("abc", None)


def test_percentiles() -> None:
    thresholds = {80.0: 5.0}
    assert meaning.reaches(5, thresholds, 80) and not meaning.reaches(4.9, thresholds, 80)
    assert meaning.falls_short(4.9, thresholds, 80) and not meaning.falls_short(5, thresholds, 80)
    for value, known, percent in ((None, thresholds, 80), ("9", thresholds, 80), (9, thresholds, 90), (9, None, 80)):
        assert not meaning.reaches(value, known, percent) and not meaning.falls_short(value, known, percent)


def test_paths_walk_through_lists() -> None:
    bag: dict[str, Any] = {
        "products": [{"sku": "a", "tags": ["x", "y"]}, {"tags": [["z"]]}, 5, {"sku": None}],
        "n": {"a b": 1},
    }
    rows = {
        '"a" in products.sku': True,
        '"z" in products.tags': True,
        'products[0].sku == "a"': True,
        "products[9].sku is None": True,
        'products.tags[2] == "z"': True,
        'n["a b"] == 1': True,
        "n[0] is None": True,
        "products[2].sku is None": True,
        "len(products.sku) == 1": True,
        "len(products) == 4": True,
    }
    for text, answer in rows.items():
        assert compile_test(check(text, scope="event")).holds(bag, {}) is answer, text
        assert condition(text).holds(Person(**bag), 0) is answer, text


def test_negation_is_two_valued() -> None:
    values: tuple[Any, ...] = (None, "a", 1, 1.5, True, [], ["a"], {})
    for x in values:
        for op, opposite, right in (("==", "!=", '"a"'), ("in", "not in", '("a", 1)'), ("is", "is not", "None")):
            one, other = condition(f"x {op} {right}"), condition(f"x {opposite} {right}")
            assert one.holds(Person(x=x), 0) is not other.holds(Person(x=x), 0)
