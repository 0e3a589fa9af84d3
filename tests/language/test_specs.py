"""specs/*.json: cases in plain JSON that every engine must pass, here by live evaluation over naive folding."""

import json
from pathlib import Path
from typing import Any

import pytest

from tactful.language.check import check
from tactful.language.compile import compile_value
from tactful.values import parse_time
from tests.language.naive import Happening, states
from tests.language.test_meaning import Numbers

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(Path("specs").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


def _time(text: str) -> int:
    at = parse_time(text)
    assert at is not None
    return at


def _happening(call: dict[str, Any], ref: int) -> Happening:
    is_track = call["type"] == "track"
    bag = call.get("traits" if call["type"] in ("identify", "group") else "properties", {})
    return Happening(
        call["event"] if is_track else f"${call['type']}", _time(call["timestamp"]), ref, bag, call.get("context", {})
    )


def _traits(calls: list[dict[str, Any]]) -> dict[str, Any]:
    writes = sorted((call for call in calls if call["type"] == "identify"), key=lambda call: _time(call["timestamp"]))
    return {key: value for call in writes for key, value in call.get("traits", {}).items()}


@pytest.mark.parametrize("case", CASES)
def test_spec(case: dict[str, Any]) -> None:
    assert set(case) == {"name", "expr", "events", "checks"}
    calls = sorted(case["events"], key=lambda call: _time(call["receivedAt"]))
    valued = compile_value(check(case["expr"], wanted="value"), Numbers())
    for asked in case["checks"]:
        now = _time(asked["at"])
        visible = [call for call in calls if _time(call["receivedAt"]) <= now]
        found = {}
        for person in {call["userId"] for call in visible}:
            own = [call for call in visible if call["userId"] == person]
            newest = states(valued.aggregates, tuple(_happening(call, ref) for ref, call in enumerate(own)))
            found[person] = valued.value(newest, _traits(own), now)
        assert found == asked["values"], asked["at"]
