"""Calls that are taken as they stand in the log are what they are one by one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tactful.events.derived import EventKept, Group
from tactful.events.records import Event, encode, pack
from tactful.history import outlines, packed, spans
from tactful.history.cells import KeptEvent
from tactful.history.columns import Batch
from tactful.history.kept import Bodies, Sifted
from tactful.history.table import of_rows, sorted_out
from tactful.history.unfolding import unfolded
from tactful.language.sql.layout import EVENTS, TRAITS
from tests.history.test_columns import events, plain

TEXTS = [
    "",
    "x" * 31,
    "x" * 32,
    "é" * 100,
    "x" * 255,
    'a"b',
    "\\",
    "\x01\n",
    "\x7f",
    "2025-06-30",
    "2025-99-99T",
    "Europe/Lisbon",
]
WHOLES = [0, 127, 128, 255, 256, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63 - 1]
BELOW = [-1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63)]
OTHERS = [0.0, -0.0, 1.5, 1e300, 5e-324, True, False, None]
OBJECTS: list[Any] = [{}, {"in": 1}, {"a.b": {"": "x"}}, {f"n{number}": number for number in range(20)}, {"n" * 40: 1}]
ODD: list[Any] = ["x" * 256, 2**63, 2**64 - 1, [], [1], {"in": [1]}, {"n" * 300: 1}]
"""What others read."""
ORDINARY = [*TEXTS, *WHOLES, *BELOW, *OTHERS, *OBJECTS]
AT = 1 << 50


def call(properties: dict[str, Any], context: dict[str, Any], ids: tuple[str, ...] = ("u:1",), at: int = AT) -> Event:
    said = pack(properties), pack(context), pack({"groupId": "g"})
    return Event(1, "web", "browser", "track", "X", ids[0], ids, "m" * 40, at, at + 1, *said)


def compared(calls: Sequence[Event], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In two goes; returns which of them were odd."""
    odd: list[int] = []
    add = packed.PackedCalls.add

    def noted(self: packed.PackedCalls, some: Any) -> list[KeptEvent]:
        found = add(self, some)
        odd.extend((one.ref >> 10) - 1 for one in found)
        return found

    monkeypatch.setattr(packed.PackedCalls, "add", noted)
    kept = [KeptEvent(event, 2, place << 10, place << 10) for place, event in enumerate(calls, 1)]
    groups = [
        Group(one.ref >> 10, one.event.key, 0, (EventKept(AT, one.event.name, one.ref, epoch=2),)) for one in kept
    ]
    batch, half = Batch(), len(calls) // 2
    for first, end in ((0, half), (half, len(calls))):
        sifted = Sifted(0, 0)
        sifted.take(groups[first:end])
        found, others = sifted.calls(Bodies(0, first + 1, [[encode(one)] for one in calls[first:end]]), _nothing)
        assert (len(found), others, sifted.rest) == (end - first, [], [])
        batch.pack(found)
    tables, one_by_one = batch.tables(), sorted_out(row for one in kept for row in unfolded(one))
    for name in (EVENTS, TRAITS):
        rows = sorted(plain(tables[name]), key=_by_ref) if name in tables else []
        expected = sorted(plain(of_rows(name, one_by_one[name])), key=_by_ref)
        assert list(map(repr, rows)) == list(map(repr, expected))
    return sorted(odd)


@settings(deadline=None)
@given(events(), st.sampled_from([1, 2, 16]), st.booleans())
def test_whatever_they_say(calls: list[Event], few: int, are_large: bool) -> None:
    """However many of an outline are worth being taken together, and however large they are together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outlines, "FEW", few)
        patch.setattr(spans, "LARGEST", 0 if are_large else spans.LARGEST)
        compared(calls, patch)


def test_every_kind_of_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone at its place, of many calls."""
    values = [*ORDINARY, *ODD]
    monkeypatch.setattr(outlines, "FEW", 2)
    calls = [call({f"k{number}": value}, {"in": value}) for number, value in enumerate(values) for _ in range(2)] * 2
    odd = compared(calls, monkeypatch)
    assert {(place // 2) % len(values) for place in odd} == set(range(len(ORDINARY), len(values)))


def test_values_of_many_kinds_at_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [*TEXTS, *WHOLES, *BELOW, *OTHERS, *ODD]
    calls = [
        call({"a": value, "b": 1, "c": {"d": value}}, {"timezone": value, "x": {"y": value}}) for value in values
    ] * 2
    odd = compared(calls, monkeypatch)
    assert {place % len(values) for place in odd} == set(range(len(values) - len(ODD), len(values)))


def test_as_many_identifiers_as_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [1, 2, 1, 15, 3, 1, 16, 2] * 8
    calls = [call({"a": 1}, {}, tuple(f"a:{'x' * (10 * one)}" for one in range(number))) for number in numbers]
    assert compared(calls, monkeypatch) == [place for place, number in enumerate(numbers) if number > 15]


def test_traits_are_rows_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [call({"a": 1}, {}), replace(call({"a": 1}, {}), kind="identify", name="$identify")] * 40
    assert compared(calls, monkeypatch) == list(range(1, 80, 2))


def test_a_time_long_ago_is_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [call({}, {}, at=at) for at in [AT] * 20 + [0, -5, 2**31]] * 2
    assert {place % 23 for place in compared(calls, monkeypatch)} == {20, 21, 22}


def _nothing(ref: int) -> Event:
    raise AssertionError(ref)


def _by_ref(row: dict[str, Any]) -> int:
    ref: int = row["ref"]
    return ref
