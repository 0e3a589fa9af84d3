"""What the engine decided, in the oracle's words."""

import json
from collections import defaultdict
from collections.abc import Iterable

from tactful.events.derived import (
    GoalReached,
    Group,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
    place,
)
from tests.simulation.journeys.runs import Chance, Row

REASONS = {
    "too late": "too late",
    "came first": "came first",
    "restarted": "restarted",
    "again": "again",
    "limit": "limit",
    "group": "group",
    "gave way": "gave way",
    "no longer true": "no longer true",
    "merged": "merged",
    "already sent": "already sent",
    "consent withdrawn": "consent withdrawn",
    "unless ": "unless",
    "no call starts": "no call",
    "is paused": "steering: pause",
    "is draining": "steering: drain",
    "was stopped": "steering: stop",
    "edited": "edited",
    "no longer published": "unpublished",
}
"""A word of each reason that is no author's, and what the oracle says."""


def told(groups: Iterable[Group]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for group in groups:
        for row in group.rows:
            match row:
                case RunStarted():
                    rows[group.key].append((row.at, "started", row.journey, row.entry_key, row.started_at, row.arm))
                case RunEnded():
                    name = (row.journey, row.entry_key, row.started_at)
                    rows[group.key].append((row.at, "ended", *name, reason(row.reason), row.step))
                case StepTaken():
                    name = (row.journey, row.entry_key, row.started_at)
                    rows[group.key].append((row.at, "step", *name, row.step, row.what, _detail(row)))
                case SendMessage():
                    name = (row.journey, row.entry_key, row.started_at)
                    sent = (row.step, row.channel, row.message, row.valid_until)
                    rows[group.key].append((row.at, "send", *name, *sent))
                case GoalReached():
                    name = (row.journey, row.entry_key, row.started_at)
                    rows[group.key].append((row.at, "goal", *name, row.nth, row.value))
    return dict(rows)


def _detail(row: StepTaken) -> str:
    """As much of it as the oracle knows."""
    match row.what:
        case "branch" | "split":
            return row.detail
        case "set":
            return json.dumps(json.loads(row.detail), sort_keys=True)
        case "withheld":
            return reason(row.detail)
    return ""


def reason(text: str) -> str:
    return next((word for part, word in REASONS.items() if part in text), text)


def chance(groups: Iterable[Group]) -> Chance:
    """What hashes have decided."""
    arms, splits = {}, {}
    for group in groups:
        for row in group.rows:
            if isinstance(row, RunStarted):
                arms[group.key, row.journey, row.entry_key, row.started_at] = row.arm
            elif isinstance(row, StepTaken) and row.what == "split":
                splits[group.key, row.journey, row.entry_key, row.started_at, row.step] = row.detail
    return Chance(arms, splits)


def name_of(intent: SendMessage) -> tuple[str, str, str, int, int, str]:
    """As Sent.name(), of the intent as it was made."""
    at = place(intent.started_ref)[1]
    return intent.key, intent.journey, intent.entry_key, intent.started_at, at, intent.step
