"""Sequences, sessions and collections as this version writes them, which every later one reads and answers the same.

Entries are added, never changed: a state that changes its form gets another tag.
"""

from typing import Any

import msgspec
import pytest

from tactful.aggregates.kinds import State, build
from tactful.aggregates.spec import AggregateSpec

NOW = 1_700_000_100_000_000
MINUTE = 60_000_000


def sequence(*steps: str, **windows: int) -> AggregateSpec:
    return AggregateSpec("sequence", (), steps=steps, **windows)  # type: ignore[arg-type] # whole numbers, all of them


VIEWED = sequence("A", "B", within_us=10 * MINUTE)
LEFT = sequence("A", "not B", within_us=MINUTE, older_us=60 * MINUTE)
VISITS = AggregateSpec("sessions", ("*",), older_us=60 * MINUTE, gap_us=MINUTE)
CART = AggregateSpec("collection", (), keep=2, steps=("add", "remove", "clear", "sku"))
KETTLE = ("add", "kettle", 2, 19.5, {"name": "Kettle"})
EVENTS: dict[str, tuple[AggregateSpec, list[Any]]] = {
    "viewed": (VIEWED, [1, 1]),
    "matched": (VIEWED, [1, 2]),
    "left": (LEFT, [2, 1, 1]),
    "visits": (VISITS, [None, None, None]),
    "cart": (CART, [("clear", None, None, None, {}), KETTLE, ("remove", "kettle", 1, None, {})]),
    "full": (CART, [KETTLE, KETTLE, ("add", 7, None, None, {})]),
}
READERS = ("holds", "count", "newest_length", "avg_length", "lines", "quantity", "value", "changed_at", "items")
WRITTEN: dict[str, tuple[str, dict[str, Any]]] = {
    "viewed": (
        "960c9294cf00060a2416ed1300ce0003d090cd14000194cf00060a241a809a00ce0003d090cd1401019291cf00060a241a809a009010c090",
        {"holds": False, "refs": [], "next_change": None, "is_coarse": False},
    ),
    "matched": (
        "960c909010c092cd1400cd1401",
        {"holds": True, "refs": [5120, 5121], "next_change": None, "is_coarse": False},
    ),
    "left": (
        "960c9394cf00060a2413598c00ce0003d090cd14000294cf00060a2416ed1300ce0003d090cd14010194cf00060a241a809a00ce0003d090cd1402019192cf00060a2416ed1300cf00060a241a809a0010c090",
        {"holds": True, "refs": [5122], "next_change": 1700003640000000, "is_coarse": False},
    ),
    "visits": (
        "940d93cf00060a2413598c00cf00060a2416ed1300cf00060a241a809a0093cf00060a2413598c00cf00060a2416ed1300cf00060a241a809a00c0",
        {
            "count": 3,
            "newest_length": 0,
            "avg_length": 0,
            "refs": [],
            "next_change": 1700003520000000,
            "is_coarse": False,
        },
    ),
    "cart": (
        "970e9293cf00060a2416ed1300ce0003d090cd140193cf00060a241a809a00ce0003d090cd140292a66b6574746c65a66b6574746c6592ce001e8480d2fff0bdc09293a66b6574746c65cb403380000000000081a46e616d65a64b6574746c65c093cf00060a2413598c00ce0003d090cd1400c0",
        {
            "lines": 1,
            "quantity": 1.0,
            "value": 19.5,
            "changed_at": 1700000040000000,
            "items": [{"name": "Kettle", "sku": "kettle", "quantity": 1.0}],
            "refs": [5120, 5121, 5122],
            "next_change": None,
            "is_coarse": False,
        },
    ),
    "full": (
        "970e9293cf00060a2416ed1300ce0003d090cd140193cf00060a241a809a00ce0003d090cd140292a66b6574746c650792ce001e8480ce000f42409293a66b6574746c65cb403380000000000081a46e616d65a64b6574746c659307c080c0cf00060a2413598c00",
        {
            "lines": 2,
            "quantity": 3.0,
            "value": 39.0,
            "changed_at": 1700000040000000,
            "items": [{"name": "Kettle", "sku": "kettle", "quantity": 2.0}, {"sku": 7, "quantity": 1.0}],
            "refs": [5121, 5122],
            "next_change": None,
            "is_coarse": True,
        },
    ),
}


def made(name: str) -> State:
    spec, values = EVENTS[name]
    aggregate = build(spec)
    state: State = aggregate.new()
    for index, value in enumerate(values):
        at = NOW - (len(values) - index) * MINUTE
        aggregate.fold(state, at, 250_000, 5 << 10 | index, value, at + 250_000)
    return state


def answers(spec: AggregateSpec, state: State) -> dict[str, Any]:
    aggregate = build(spec)
    found = {name: getattr(aggregate, name)(state, NOW) for name in READERS if hasattr(aggregate, name)}
    found["refs"], found["next_change"] = aggregate.refs(state, NOW), aggregate.next_change(state, NOW)
    return {**found, "is_coarse": aggregate.is_coarse(state, NOW)}


@pytest.mark.parametrize("name", EVENTS)
def test_a_state_is_written_and_read_as_ever(name: str) -> None:
    written, expected = WRITTEN[name]
    assert msgspec.msgpack.encode(made(name)).hex() == written
    assert answers(EVENTS[name][0], msgspec.msgpack.decode(bytes.fromhex(written), type=State)) == expected
