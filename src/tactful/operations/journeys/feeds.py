"""The feed of a journey: what the trail says of it, row by row and in order, from where a reader stopped.

For whoever follows along: an archive, a test, the simulator's shoppers who wait for their mail. Where a reader stopped
is a position in every partition, so that nothing is missed and nothing comes twice, whatever else is written meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.derived import (
    GoalReached,
    Group,
    OutcomeNoted,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
    decode_groups,
)
from tactful.runtime.keeping import Trail
from tactful.values import format_time

PIECES = 16
"""Of the trail, read of each partition at once."""
END = "end"
"""As where a reader stopped: from now on."""


class Feed(Struct, frozen=True):
    """Rows as JSON values, and where to go on; `definition` is the journey's file as it is in force ("" of one that is
    no longer published)."""

    rows: list[dict[str, Any]]
    next: str
    definition: str = ""


def feed(
    trail: Trail,
    partitions: int,
    journey: str,
    after: str,
    files: Mapping[str, str],
    owner: Callable[[str], str],
) -> Feed:
    """What came since `after`: "" for everything, "end" for nothing but where that is, or what the last feed said as
    `next`. Rows of one partition are in order, each with the `person` who it is about by now (`owner` says who that is)
    and the identifier that it was `under` then. Raises UsageError where `after` is no place."""
    definition = files.get(f"journeys/{journey}.yaml", "")
    if after == END:
        return Feed([], _written([trail.end(number) for number in range(partitions)]), definition)
    positions, rows, now = _read(after, partitions), [], cache(owner)
    for partition in range(partitions):
        for last, blob in trail.onward(partition, f"journey/{journey}", positions[partition], PIECES):
            positions[partition] = last
            for group in decode_groups(blob):
                values = (_value(row, group, journey) for row in group.rows)
                rows += [{"person": now(group.key), **value} for value in values if value is not None]
    return Feed(rows, _written(positions), definition)


def _read(after: str, partitions: int) -> list[int]:
    if not after:
        return [0] * partitions
    parts = after.split(".")
    if len(parts) != partitions or not all(part.isdecimal() and len(part) < 19 for part in parts):
        raise UsageError(
            f'after={after!r} is no place in a feed; leave it out, or say "{END}" or what `next` said last'
        )
    return [int(part) for part in parts]


def _written(positions: Sequence[int]) -> str:
    return ".".join(map(str, positions))


def _value(row: Row, group: Group, journey: str) -> dict[str, Any] | None:
    """None for what is not of this journey."""
    if getattr(row, "journey", None) != journey:
        return None
    said: dict[str, Any]
    match row:
        case RunStarted():
            said = {"what": "started", "version": row.version, "arm": row.arm}
        case RunEnded():
            said = {"what": "ended", "version": row.version, "arm": row.arm, "step": row.step, "reason": row.reason}
        case StepTaken():
            said = {"what": row.what, "step": row.step, "detail": row.detail}
        case SendMessage():
            said = {"what": "intent", "intent": row.intent, "step": row.step, "message": row.message}
            said |= {"channel": row.channel}
        case OutcomeNoted():
            said = {"what": "outcome", "intent": row.intent, "status": row.status, "reason": row.reason}
        case GoalReached():
            said = {"what": "goal", "version": row.version, "arm": row.arm, "nth": row.nth, "value": row.value}
        case Responded():
            said = {"what": "response", "intent": row.intent, "name": row.name, "machine": row.is_machine}
        case _:
            return None
    started_at = getattr(row, "started_at", 0) or (row.at if isinstance(row, RunStarted) else 0)
    return {
        "at": format_time(row.at),
        "under": group.key,
        "key": getattr(row, "entry_key", ""),
        "startedAt": format_time(started_at) if started_at else None,
        **said,
    }
