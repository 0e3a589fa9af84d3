"""The tracking plan: what fits, what can be mended without a guess, what is kept of somebody who is not to be known."""

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tactful.events.tracking import EventRule, Misfit, PropertyRule, fit, personal, without_personal

TYPES = ("number", "text", "boolean", "time", "list", "object", "anything")
ORDER = EventRule(
    "Order Completed",
    is_server_only=True,
    properties={
        "order_id": PropertyRule("text", required=True),
        "total": PropertyRule("number", required=True),
        "currency": PropertyRule("text", choices=("EUR", "USD")),
        "size": PropertyRule("number", choices=(1.0, 2.5)),
        "tags": PropertyRule("list", choices=("new", "Sale")),
        "note": PropertyRule("text", is_personal=True),
    },
)
FITTING = {"order_id": "o-1", "total": 5, "currency": "EUR", "size": 1, "tags": ["new"], "note": None, "more": {}}
TEXTS = st.text(max_size=4) | st.sampled_from(["12.50", "-3", "true", "No", "eur ", "EUR", "2025-03-01", "20250301T1000", "1e5", "0001-01-01T00:00+14:00"])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=5)  # fmt: skip
NAMES = st.sampled_from("abcd")


@st.composite
def property_rules(draw: st.DrawFn) -> PropertyRule:
    kind = draw(st.sampled_from(TYPES))
    choices = (
        st.floats(allow_nan=False) if kind == "number" else st.sampled_from(["EUR", "eur", "true", "5", " a", "Ä"])
    )
    return PropertyRule(kind, draw(st.booleans()), tuple(draw(st.lists(choices, max_size=3))), draw(st.booleans()))


RULES = st.dictionaries(NAMES, property_rules()).map(lambda properties: EventRule("A", properties=properties))
PROPERTIES = st.dictionaries(NAMES, VALUES)


def mended(kind: str, value: object, *choices: float | str) -> tuple[object, list[str]]:
    """The value afterwards, and the codes of what still does not fit."""
    found, misfits = fit(
        EventRule("A", properties={"a": PropertyRule(kind, choices=choices)}), {"a": value}, mends=True
    )
    return found["a"], [one.code for one in misfits]


def test_what_fits_is_not_touched() -> None:
    for mends in (False, True):
        found, misfits = fit(ORDER, FITTING, mends=mends)
        assert found is FITTING
        assert misfits == ()


def test_what_does_not_fit_is_said_without_its_value() -> None:
    wrong = {
        "order_id": None,
        "total": "secret",
        "currency": "secret",
        "size": 2,
        "tags": ["new", "secret"],
        "note": ["secret"],
    }
    found, misfits = fit(ORDER, wrong, mends=False)
    assert found is wrong
    assert misfits == (
        Misfit("required", "order_id", "order_id is missing"),
        Misfit("type", "total", "total is not a number"),
        Misfit("choice", "currency", "currency is none of EUR, USD"),
        Misfit("choice", "size", "size is none of 1, 2.5"),
        Misfit("choice", "tags", "tags is none of new, Sale"),
        Misfit("type", "note", "note is not a text"),
    )
    assert fit(ORDER, wrong, mends=True) == (wrong, misfits)
    assert [one.code for one in fit(ORDER, {}, mends=True)[1]] == ["required", "required"]


@pytest.mark.parametrize(
    ("kind", "value", "becomes"),
    [
        ("number", "12.50", 12.5),
        ("number", " 12 ", 12),
        ("number", "-0.5", -0.5),
        ("text", 5, "5"),
        ("text", 5.0, "5"),
        ("text", 2.5, "2.5"),
        ("text", True, "true"),
        ("boolean", "True", True),
        ("boolean", "no", False),
        ("boolean", 1, True),
        ("boolean", "0", False),
        ("time", "20250301T1000", "2025-03-01T10:00:00.000Z"),
        ("time", "2025-W09-6", "2025-03-01T00:00:00.000Z"),
    ],
)
def test_what_is_mended(kind: str, value: object, becomes: object) -> None:
    found, misfits = mended(kind, value)
    assert (found, type(found), misfits) == (becomes, type(becomes), [])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", ["1,50", "12 EUR", "", "1e5", "NaN", "٣", "0x10", True, [1], {}]),
        ("text", [[], {}, float("inf"), 2**60, 10**5000]),
        ("boolean", ["maybe", 2, "", [True]]),
        ("time", ["yesterday", "1741341600", "2025-13-01", True, 1e300, float("nan"), []]),
        ("list", ["a", "[]", {}, 5]),
        ("object", ["{}", [], 5]),
    ],
)
def test_what_would_be_a_guess_stays_and_is_flagged(kind: str, values: list[object]) -> None:
    for value in values:
        found, misfits = mended(kind, value)
        assert found is value
        assert misfits == ["type"]


@pytest.mark.parametrize("value", ["2025-03-01", "2025-03-01T10:00:00+02:00", 1_741_341_600, 1_741_341_600.5])
def test_a_time_is_what_expressions_read(value: object) -> None:
    assert mended("time", value) == (value, [])


def test_values_that_are_declared() -> None:
    assert mended("text", "eur ", "EUR", "USD") == ("EUR", [])
    assert mended("text", 5, "5") == ("5", [])
    assert mended("number", "2.50", 2.5) == (2.5, [])
    assert mended("number", "3", 2.5) == ("3", ["type"])
    assert mended("text", "eur", "EUR", "Eur") == ("eur", ["choice"])
    assert mended("boolean", "TRUE", "true") == (True, [])
    assert mended("anything", 5, "5") == (5, [])
    assert mended("list", ["NEW", "sale"], "new", "Sale") == (["new", "Sale"], [])
    assert mended("list", ["NEW", "old"], "new", "Sale") == (["NEW", "old"], ["choice"])


@given(RULES, PROPERTIES)
@example(EventRule("A", properties={"a": PropertyRule("time")}), {"a": "0001-01-01T00:00+14:00"})
def test_mended_once_it_fits_or_stays_flagged(rule: EventRule, properties: dict[str, Any]) -> None:
    before = copy.deepcopy(properties)
    first, flagged = fit(rule, properties, mends=True)
    assert repr(properties) == repr(before), "what came in was changed"
    again, still = fit(rule, first, mends=True)
    assert again is first
    assert still == flagged == fit(rule, first, mends=False)[1]
    unmended = fit(rule, properties, mends=False)[1]
    assert {one.field for one in flagged} <= {one.field for one in unmended}
    for name, value in properties.items():
        if name not in {one.field for one in unmended} or name in {one.field for one in flagged}:
            assert first[name] is value


@given(RULES, PROPERTIES)
def test_what_is_kept_of_somebody_unknown(rule: EventRule, properties: dict[str, Any]) -> None:
    kept = without_personal(rule, properties)
    assert set(kept) == {*properties} & {*rule.properties} - personal(rule)
    assert all(kept[name] is properties[name] for name in kept)


def test_nothing_is_kept_that_nobody_declared() -> None:
    said = {**FITTING, "note": "to Ada", "email": "ada@mail.example"}
    assert "ada" not in json.dumps(without_personal(ORDER, said)).lower()
    assert without_personal(ORDER, said)["total"] == 5
    assert without_personal(None, said) == {}
