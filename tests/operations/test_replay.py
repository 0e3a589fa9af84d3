"""A file of history through the real workers: what is no tracking call gets to where it belongs."""

import json
from pathlib import Path

from tactful.adapters.installation import Installation
from tactful.events.derived import SegmentEntered, decode_groups
from tactful.kernel.state import decode_partition
from tactful.operations.definitions.counting import seen_names
from tactful.operations.imports.replay import Replayed, replay
from tactful.runtime.ports import Clock
from tactful.runtime.settings import EngineSettings, Settings
from tactful.values import DAY_US, parse_time

FILES = {
    "metrics/spend.yaml": 'value: sum("Order Completed", total)\n',
    "segments/top.yaml": 'when: percentile("spend") >= 80\n',
    "segments/unsure.yaml": 'when: score("churn") > 0.5\n',
    "segments/willing.yaml": 'when: consents("ads")\n',
}


class Wall(Clock):
    def now_us(self) -> int:
        return 1_800_000_000_000_000


def lines() -> list[dict[str, object]]:
    people = [f"customer {number}" for number in range(8)]
    orders: list[dict[str, object]] = [
        {"type": "track", "event": "Order Completed", "userId": one, "properties": {"total": place * 10}}
        for place, one in enumerate(people)
    ]
    others: list[dict[str, object]] = [
        {"type": "score", "model": "churn", "userId": people[1], "value": 0.9},
        {"type": "consent", "purpose": "ads", "userId": people[2], "granted": True},
        {"type": "consent", "purpose": "ads", "userId": people[2]},
        {"type": "threshold", "metric": "spend", "percent": 80, "value": 60},
    ]
    return [{**one, "receivedAt": f"2025-03-01T12:{place:02}:00Z"} for place, one in enumerate([*orders, *others])]


def test_scores_consents_and_thresholds_are_replayed_too(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(map(json.dumps, lines())))
    house = Installation(tmp_path / "data", Settings(engine=EngineSettings(partitions=3)), Wall(), read_only=False)
    done = replay(house, file, FILES, {"time_zone": "UTC", "session_gap": "30m"}, lambda line, of: None)
    assert done == Replayed(lines=12, before=0, kept=11, refused=1)
    entered: dict[str, set[str]] = {}
    for partition in range(3):
        for body in house.trail.between(partition, 1, 1 << 40):
            for group in decode_groups(body):
                for row in group.rows:
                    if isinstance(row, SegmentEntered):
                        entered.setdefault(row.segment, set()).add(group.key)
    assert entered == {
        "top": {"u:customer 6", "u:customer 7"},
        "unsure": {"u:customer 1"},
        "willing": {"u:customer 2"},
    }
    states = [decode_partition(store.checkpoint().partition_state) for store in house.stores()]
    assert {state.thresholds["spend"][80].value for state in states} == {60}
    end = parse_time("2025-03-01T13:00:00Z")
    assert end is not None
    assert seen_names(house.stores(), end) == {"Order Completed": 8}
    assert seen_names(house.stores(), end + 8 * DAY_US) == {}
    house.close()
