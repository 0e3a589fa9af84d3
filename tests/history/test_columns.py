"""Many rows at once are what they are one by one."""

from collections.abc import Iterable
from typing import Any, Literal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.events.records import Event, pack
from tactful.history.cells import ConsentRow, EventRow, Item, KeptEvent
from tactful.history.columns import Batch
from tactful.history.own import with_own
from tactful.history.table import of_rows, sorted_out
from tactful.history.unfolding import unfolded
from tactful.language.sql.layout import CONSENTS, EVENTS, TRAITS, Layout

NAMES = st.sampled_from(["a", "b", "a.b", "x[0]", "Total", "timezone"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["x" * 40, "é" * 200, "x" * 70_000, 'a"b', "\\", "\x01", "\x7f", -0.0, 7, -7, 200, 70_000, 2**40])
    | st.sampled_from(["", "2025-06-30", "2025-06-30T12:00:00Z", "2025-99-99T", "é025-06-30", "Europe/Lisbon", "x\ny"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4) | st.dictionaries(
    NAMES, SCALARS | st.dictionaries(NAMES, SCALARS, max_size=2), max_size=4
)


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Some shapes come often, so that they are turned together, and with one value of another type."""
    often = draw(st.lists(OBJECTS, min_size=1, max_size=2))
    number = draw(st.integers(1, 30))
    found = []
    for place in range(number):
        properties: dict[str, Any] = dict(draw(st.sampled_from(often) if place % 3 else OBJECTS))
        for name in properties:
            if draw(st.integers(0, 3)) == 0:
                properties[name] = draw(VALUES | SCALARS)
        kind: Literal["track", "identify"] = draw(st.sampled_from(("track", "track", "identify")))
        key = draw(st.sampled_from(["u:1", "u:2", "a:é"]))
        at = draw(st.integers(0, 10)) + (2**40 if draw(st.integers(0, 9)) else 0)
        context = draw(st.sampled_from(often))
        ids = (key, "a:x") if place % 2 else (key,)
        found.append(
            Event(
                1,
                "web",
                "browser",
                kind,
                "X",
                key,
                ids,
                f"m{place}",
                at,
                at + 10,
                pack(properties),
                pack(context),
                pack({"groupId": "g"}),
            )
        )
    return found


@settings(deadline=None)
@given(events(), st.sampled_from([(), ("a",), ("Total", "a\\.b", "a")]))
def test_many_rows_are_what_they_are_one_by_one(calls: list[Event], own: tuple[str, ...]) -> None:
    layout = Layout(own)
    items = [KeptEvent(event, 2, ref, ref + 1, ("b",)) for ref, event in enumerate(calls)]
    one_by_one = sorted_out(row for item in items for row in unfolded(item))
    found = _tables(items)
    expected = plain(of_rows(EVENTS, one_by_one[EVENTS], layout))
    assert list(map(repr, plain(with_own(found[EVENTS], layout)))) == list(map(repr, expected))
    traits = plain(of_rows(TRAITS, one_by_one[TRAITS]))
    assert list(map(repr, plain(found[TRAITS]) if TRAITS in found else [])) == list(map(repr, traits))


def test_what_is_no_call_stands_among_the_calls() -> None:
    call = Event(1, "web", "server", "track", "X", "u:2", ("u:2",), "m", 5, 6)
    (marker,) = [row for row in unfolded(KeptEvent(call, 1, 7, 0)) if isinstance(row, EventRow)]
    marker.kind, marker.name, marker.identifier, marker.extra = "enter", None, "u:3", '{"journey":"j"}'
    consent = ConsentRow("u:9", 1, "u:9", 1, "ads", True, False, 1, 2, 3)
    found = _tables([KeptEvent(call, 1, 8, 9), marker, consent])
    assert set(found) == {EVENTS, CONSENTS}
    held = {row["identifier"]: row for row in plain(found[EVENTS])}
    entered = held["u:3"]
    assert (entered["kind"], entered["name"], entered["extra"]) == ("enter", None, '{"journey":"j"}')
    assert (held["u:2"]["ref"], held["u:2"]["applied"]) == (8, 9)


def test_a_trait_that_may_not_be_written_is_no_row() -> None:
    call = Event(1, "web", "browser", "identify", "$identify", "u:2", ("u:2",), "m", 5, 6, pack({"a": 1, "b": None}))
    found = _tables([KeptEvent(call, 1, 8, 9, ("a",))])
    assert [(row["name"], row["traits"]["json"]) for row in plain(found[TRAITS])] == [("b", "{}")]


def _tables(items: Iterable[Item]) -> dict[str, pa.Table]:
    """In two goes, as they come."""
    batch, every = Batch(), list(items)
    for part in (every[: len(every) // 2], every[len(every) // 2 :]):
        batch.take(part)
        batch._turn()  # Few are not turned by themselves.
    return batch.tables()


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Maps without an order."""
    return [{name: _unordered(value) for name, value in row.items()} for row in table.to_pylist()]


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _unordered(inner) if name != "objects" else sorted(inner)
            for name, inner in value.items()
            if name != "objects" or inner is not None
        }
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return sorted(((key, _unordered(inner)) for key, inner in value), key=lambda pair: (pair[0], repr(pair[1])))
    return value
