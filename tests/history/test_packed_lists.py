"""Lists that are taken as they stand in the log are what they are one by one, whatever is in them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tactful.events.records import Event
from tactful.history import filling, outlines, spans
from tactful.history.shapes import Columns
from tests.history.test_packed import call, compared
from tests.tries import tries

SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 127, -33, 2**31, 2**63 - 1, 2**63, 0.0, -0.0, 1.5, 5e-324])
    | st.sampled_from(["", "a", "é" * 20, "x" * 300, "x" * 70_000, 'a"b\\', "2025-06-30", "2025-06-30T12:00:00Z"])
)
NAMES = st.sampled_from(["sku", "price", "a.b", "c[0]", "", "n" * 40])
DEEP = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
FLAT = st.dictionaries(NAMES, SCALARS, max_size=4)


@st.composite
def lists(draw: st.DrawFn) -> list[Any]:
    """As in carts: objects of few outlines, now and then something odd among them, and seldom very many."""
    often = draw(st.lists(FLAT | st.dictionaries(NAMES, FLAT, max_size=2) | DEEP, min_size=1, max_size=2))
    number = draw(st.sampled_from([0, 1, 2, 3, 5, 15, 16, 20]))
    found = []
    for _ in range(number):
        element = draw(st.sampled_from(often))
        if isinstance(element, dict) and element and draw(st.integers(0, 3)) == 0:
            element = element | {draw(st.sampled_from(sorted(element))): draw(SCALARS)}
        found.append(element if draw(st.integers(0, 19)) else draw(DEEP))
    return found


@st.composite
def calls(draw: st.DrawFn) -> list[Event]:
    some = draw(st.lists(lists() | st.lists(SCALARS, max_size=17), min_size=1, max_size=4))
    found = []
    for place in range(draw(st.integers(1, 40))):
        held: Any = draw(st.sampled_from(some) if place % 4 else DEEP)
        said = call({"total": place, "products": held, "in": {"tags": draw(st.sampled_from(some))}}, {"all": held})
        found.append(replace(said, kind="identify") if draw(st.booleans()) else said)
    return found


@settings(max_examples=tries(300), deadline=None)
@given(calls(), st.sampled_from([1, 2, 16]), st.sampled_from([3, 20, 500]))
def test_whatever_is_in_them(every: list[Event], few: int, most_steps: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outlines, "FEW", few)
        patch.setattr(spans, "MOST_STEPS", most_steps)
        compared(every, patch)


def test_what_is_ordinary_is_never_made_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carts of any length, with and without a name that not all products have; lists of texts; lists of nothing."""
    monkeypatch.setattr(Columns, "take_lists", None)
    monkeypatch.setattr(filling, "_list", None)
    product = {"sku": "SKU-1", "price": 1.5, "size": {"cm": 30}, "sold": "2025-06-30"}
    lines = [product if place % 2 else product | {"brand": "Fine"} for place in range(30)]
    every = [
        call({"products": lines[place % 7 : place % 7 + place % 20], "tags": ["a", "b", 1, True][: place % 5]}, {})
        for place in range(200)
    ]
    assert compared(every, monkeypatch) == []


def test_a_list_that_is_odd_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[Any]] = []
    take = Columns.take_lists

    def noted(self: Columns, key: str, column: Any, rows: Any) -> None:
        read.extend(column)
        take(self, key, column, rows)

    monkeypatch.setattr(Columns, "take_lists", noted)
    odd: list[Any] = [[2**63], [None], [[1]], [{"a": 1}, {"b": [1]}], [{"only": "once"}]]
    every = [call({"products": odd[place % 5] if place % 10 == 0 else [{"a": place}]}, {}) for place in range(100)]
    assert compared(every, monkeypatch) == []
    assert len(read) == 10
    assert all(one in odd for one in read)
