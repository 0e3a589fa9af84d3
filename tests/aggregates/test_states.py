"""States as this version writes them, which every later one reads: stored profiles outlive the code.

`python -m tests.aggregates.test_states` adds what states.json lacks; an entry of it is never changed.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tactful.aggregates.kinds import KINDS, State, build
from tactful.aggregates.spec import AggregateSpec

STATES = Path(__file__).with_name("states.json")
NOW = 1_700_000_100_000_000
VALUES = ["a", 19.99, ["a", 2, True], None, 3]
READERS = ("count", "at_least", "time", "since", "sum", "avg", "value", "key", "events")
OURS = ("newest", "tally", "total", "least", "greatest", "distinct", "grouped", "earliest", "latest", "days", "kept")


def windows(kind: str) -> list[tuple[int | None, int]]:
    return [(None, 0)] if kind == "tally" else [(None, 0), (80_000_000, 0), (80_000_000, 30_000_000)]


def made(kind: str, older_us: int | None, newer_us: int) -> dict[str, Any]:
    aggregate: Any = build(AggregateSpec(kind, ("E",), value="x", older_us=older_us, newer_us=newer_us))
    state = aggregate.new()
    for index, value in enumerate(VALUES):
        at = NOW - 100_000_000 + index * 20_000_000
        aggregate.fold(state, at, 250_000, 5 << 10 | index, [value] if kind == "kept" else value, at + 250_000)
    return {
        "kind": kind,
        "older_us": older_us,
        "newer_us": newer_us,
        "state": msgspec.msgpack.encode(state).hex(),
        "answers": answers(aggregate, state),
    }


def answers(aggregate: Any, state: Any) -> dict[str, Any]:
    """As JSON knows them."""
    extra: dict[str, tuple[Any, ...]] = {"at_least": (2, NOW)}
    if hasattr(aggregate, "count") and "zone" in aggregate.count.__annotations__:
        extra["count"] = NOW, "Asia/Kathmandu"
    found = {
        name: getattr(aggregate, name)(state, *extra.get(name, (NOW,))) for name in READERS if hasattr(aggregate, name)
    }
    plain: dict[str, Any] = json.loads(json.dumps({**found, "next_change": aggregate.next_change(state, NOW)}))
    return plain


def states() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(STATES.read_text(encoding="utf-8")) if STATES.exists() else []
    return found


@pytest.mark.parametrize(
    "entry", states(), ids=lambda entry: f"{entry['kind']}-{entry['older_us']}-{entry['newer_us']}"
)
def test_what_was_written_is_read_and_means_the_same(entry: dict[str, Any]) -> None:
    body = bytes.fromhex(entry["state"])
    state = msgspec.msgpack.decode(body, type=State)
    aggregate = build(
        AggregateSpec(entry["kind"], ("E",), value="x", older_us=entry["older_us"], newer_us=entry["newer_us"])
    )
    assert answers(aggregate, state) == entry["answers"]


def test_every_form_is_there() -> None:
    known = {(entry["kind"], entry["older_us"], entry["newer_us"]) for entry in states()}
    assert known >= {(kind, *window) for kind in OURS for window in windows(kind)}
    assert set(OURS) <= set(KINDS)


def test_the_same_events_give_the_same_bytes() -> None:
    written = {(entry["kind"], entry["older_us"], entry["newer_us"]): entry["state"] for entry in states()}
    for kind in OURS:
        for window in windows(kind):
            assert made(kind, *window)["state"] == written[kind, *window]


if __name__ == "__main__":
    before = states()
    there = {(entry["kind"], entry["older_us"], entry["newer_us"]) for entry in before}
    added = [made(kind, *window) for kind in OURS for window in windows(kind) if (kind, *window) not in there]
    rows = ",\n".join(json.dumps(entry) for entry in [*before, *added])
    STATES.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
