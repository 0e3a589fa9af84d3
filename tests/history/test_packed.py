"""Calls that are taken as they stand in the log are what they are one by one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tactful.events.derived import EventKept, Group
from tactful.events.records import Event, Trust, encode, pack
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
    "x" * 256,
    "é" * 32_767,
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
LISTS: list[Any] = [
    *([], [1], [None], [[]], [[1, "a"], [2]], ["a", 1, True, -0.5], ["2025-06-30", "b"]),
    *([{}], [{"a": 1}, {"a": "x"}, {"a": None}], [{"a": 1}, 7, {"b": {"c": "2025-06-30"}}], [{"a": [1]}]),
    *([{"": {"": 1}}], [{"a.b": 1}], list(range(16)), ["x" * 256], [{"a": 2**63}], list(range(499))),
]
OBJECTS: list[Any] = [
    *({}, {"in": 1}, {"a.b": {"": "x"}}, {f"n{number}": number for number in range(20)}, {"n" * 40: 1}),
    *({"n" * 300: 1}, {"in": [1]}),
]
ODD: list[Any] = ["x" * 2**16, 2**63, 2**64 - 1, list(range(500)), {"in": list(range(500))}, {"n" * 2**16: 1}]
"""What others read."""
ORDINARY = [*TEXTS, *WHOLES, *BELOW, *OTHERS, *LISTS, *OBJECTS]
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
    monkeypatch.setattr(outlines, "MOST", 2 * len(values))
    calls = [call({f"k{number}": value}, {"in": value}) for number, value in enumerate(values) for _ in range(2)] * 2
    odd = compared(calls, monkeypatch)
    assert {(place // 2) % len(values) for place in odd} == set(range(len(ORDINARY), len(values)))


def test_values_of_many_kinds_at_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [*TEXTS, *WHOLES, *BELOW, *OTHERS, *LISTS, *ODD]
    calls = [
        call({"a": value, "b": 1, "c": {"d": value}}, {"timezone": value, "x": {"y": value}}) for value in values
    ] * 2
    odd = compared(calls, monkeypatch)
    assert {place % len(values) for place in odd} == set(range(len(values) - len(ODD), len(values)))


def test_as_many_identifiers_as_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [1, 2, 1, 15, 3, 1, 16, 2] * 8
    calls = [call({"a": 1}, {}, tuple(f"a:{'x' * (10 * one)}" for one in range(number))) for number in numbers]
    assert compared(calls, monkeypatch) == [place for place, number in enumerate(numbers) if number > 15]


def identify(traits: dict[str, Any], trust: Trust, ids: tuple[str, ...], *, is_verified: bool) -> Event:
    said = call(traits, {"page": {"path": "/"}}, ids)
    return replace(said, kind="identify", name="$identify", trust=trust, is_verified=is_verified)


def test_traits_are_rows_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether anybody may have said them depends on who says so, with a token or without, and of what."""
    sources: list[tuple[Trust, bool]] = [("browser", False), ("browser", True), ("server", False)]
    every = [
        identify(traits, trust, ids, is_verified=is_verified)
        for traits in (
            {"email": "A@Shop.example", "phone": "+351912345678", "name": "Ana", "push_tokens": "t1"},
            {"email": "no mailbox", "phone": 7, "name": None, "push_tokens": ["t1", "t2"]},
            {"email": None, "address": {"city": "Porto", "at": {"lat": 1.5}}, "chat": "c", "": {}},
            {"email": {"a": 1}, "tags": [{"a": 1}, {"a": 2}]},
            {},
        )
        for trust, is_verified in sources
        for ids in (("u:1", "e:a@shop.example"), ("u:1", "p:+351912345678"), ("u:1",))
    ]
    monkeypatch.setattr(outlines, "FEW", 2)
    assert compared([call({}, {}), *every] * 2, monkeypatch) == []


def test_a_long_context_hides_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ("u:1", "e:a@shop.example")
    every = [identify({"email": "a@shop.example"}, "browser", ids, is_verified=one) for one in (True, False)]
    long = pack({"page": {f"n{number}": number for number in range(spans.MOST_STEPS)}})
    assert compared([replace(one, context=long) for one in every] * 20, monkeypatch) == []


def test_a_time_long_ago_is_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [call({}, {}, at=at) for at in [AT] * 20 + [0, -5, 2**31]] * 2
    assert {place % 23 for place in compared(calls, monkeypatch)} == {20, 21, 22}


def _nothing(ref: int) -> Event:
    raise AssertionError(ref)


def _by_ref(row: dict[str, Any]) -> int:
    ref: int = row["ref"]
    return ref
