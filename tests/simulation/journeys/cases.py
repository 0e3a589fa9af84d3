"""specs/journeys.json: cases in plain JSON, each a journey, what happens, and what is to come of it.

journey   the text of journeys/test.yaml; `others` are more journeys by name, `segments` conditions by name
events    in the order of the log, as `tactful import` reads them; beside them {"type": "enter", "journey", "key"},
          {"type": "launch", "journey"}, {"type": "steer", "journey", "order"}, {"type": "publish", "journey": text}
until     how long time passes
expect    starts, sends, ends (but for runs that came to the end of their steps), goals, steps: what is named is
          complete, and an item says as much as matters
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, json

from tactful.events.records import Enter, Launch, Publish, Steer
from tactful.operations.lines import read_line
from tests.parity.oracle.values import read_time
from tests.simulation.journeys.histories import Told

PATH = Path("specs/journeys.json")
BEGIN = "2025-03-01T00:00:00Z"
NAME = "test"
Row = tuple[Any, ...]


class Case(Struct, frozen=True):
    name: str
    journey: str
    events: list[msgspec.Raw]
    until: str
    expect: dict[str, list[dict[str, Any]]]
    segments: dict[str, str] = {}
    others: dict[str, str] = {}
    messages: dict[str, str] = {}
    time_zone: str = "UTC"

    @property
    def id(self) -> str:
        return self.name


def read_cases() -> list[Case]:
    return json.decode(PATH.read_bytes(), type=list[Case])


def when(text: str) -> int:
    at = read_time(text)
    assert at is not None, text
    return at.us


def files(case: Case, journey: str) -> dict[str, str]:
    return {
        **{f"segments/{name}.yaml": f"when: {json.encode(text).decode()}\n" for name, text in case.segments.items()},
        **{f"messages/{name}.yaml": text for name, text in case.messages.items()},
        **{f"journeys/{name}.yaml": text for name, text in case.others.items()},
        f"journeys/{NAME}.yaml": journey,
    }


def records(case: Case) -> list[Told]:
    """The log, with the publication before it."""
    settings = {"time_zone": case.time_zone}
    found: list[Told] = [Publish(when(BEGIN), files(case, case.journey), settings, "spec")]
    for number, line in enumerate(case.events):
        said = json.decode(line)
        at = when(said["receivedAt"])
        match said["type"]:
            case "enter":
                key = f"u:{said['userId']}"
                found.append(Enter(1, "spec", "server", key, f"m{number}", said["journey"], said["key"], at))
            case "launch":
                found.append(Launch(at, said["journey"], "", "somebody", "somebody else"))
            case "steer":
                found.append(Steer(at, said["journey"], said["order"], "somebody"))
            case "publish":
                found.append(Publish(at, files(case, said["journey"]), settings, "spec"))
            case _:
                record = read_line(bytes(line), at, number, f"m{number}")
                assert isinstance(record, Told), record
                found.append(record)
    return found


def differences(case: Case, rows: Mapping[str, Iterable[Row]]) -> list[str]:
    """What is not as the case says, in words."""
    found = []
    for what, wanted in case.expect.items():
        mine = [
            (key, row)
            for key, told in rows.items()
            for row in told
            if row[1] == _ROWS[what] and row[2] == NAME and "finished" not in row
        ]
        mine.sort(key=lambda each: (each[1][0], each[0] != "u:ada", repr(each)))
        items = [_item(key, row) for key, row in mine]
        left = list(items)
        for one in wanted:
            match = next((item for item in left if _fits(one, item)), None)
            if match is None:
                found.append(f"{what}: {one} is missing among {items}")
            else:
                left.remove(match)
        found += [f"{what}: {one} is too much" for one in left]
    return found


_ROWS = {"starts": "started", "ends": "ended", "sends": "send", "goals": "goal", "steps": "step"}
_FIELDS: dict[str, Sequence[str]] = {
    "started": ("at", "", "", "key", "started_at", "arm"),
    "ended": ("at", "", "", "key", "started_at", "reason", "step"),
    "send": ("at", "", "", "key", "started_at", "step", "channel", "target", "valid_until"),
    "goal": ("at", "", "", "key", "started_at", "nth", "value"),
    "step": ("at", "", "", "key", "started_at", "step", "what", "detail"),
}


def _item(key: str, row: Row) -> dict[str, Any]:
    named = {name: value for name, value in zip(_FIELDS[row[1]], row, strict=False) if name}
    return {"who": key, **named}


def _fits(wanted: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    for name, value in {"who": "ada", **wanted}.items():
        mine = item[name]
        if name in ("at", "started_at", "valid_until"):
            is_same = mine == when(value)
        elif name == "who":
            is_same = mine.partition(":")[2] == value
        elif name == "reason":
            is_same = value in mine
        else:
            is_same = mine == value
        if not is_same:
            return False
    return True
