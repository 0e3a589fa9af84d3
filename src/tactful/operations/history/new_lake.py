"""A new lake, where the one before is lost or cannot be used, and the log no longer goes back to the start.

It has what the log still has; and of what was decided before, what the states say (opening.py). Nothing is taken away:
an old one that lies in a folder is put beside, and one on S3 stays where it is.
"""

from collections.abc import Callable, Mapping

import pyarrow as pa
from msgspec import Struct

from tactful.history.lake import Lake
from tactful.operations.history.archived import first_said
from tactful.operations.history.opening import opening
from tactful.runtime.house import House
from tactful.runtime.ports import Log
from tactful.runtime.seals import Seals, received_at
from tactful.values import format_time


class Beginning(Struct, frozen=True):
    """What `tactful lake begin` is about to do."""

    trouble: str
    """Why the lake that is there cannot go on."""
    since_us: int | None
    """From when on the new one has everything; None: from the start, and nothing is lost."""
    aside: str
    """What the old one will be called; "" where there is nothing to put aside."""
    go: Callable[[], None]


def trimmed(log: Log) -> dict[int, int]:
    """By partition, up to where records are gone from the log; none where all are there."""
    starts = {partition: log.start(partition) for partition in range(log.partitions)}
    return starts if any(starts.values()) else {}


def begin(lake: Lake, house: House, starts: Mapping[int, int], tables: Mapping[str, pa.Table]) -> None:
    """Let a lake that has nothing begin behind these positions, with these rows and what the states say."""
    firsts, now_us = _firsts(house.log, starts), house.clock.now_us()
    opened = opening(house, starts, min(firsts, default=now_us))
    lake.begin(starts, {**tables, **opened}, max(firsts, default=now_us))


def since_us(log: Log, starts: Mapping[int, int]) -> int | None:
    """From when on a lake that begins behind these positions has everything; None where that is from the start."""
    return max(_firsts(log, starts), default=None)


def _firsts(log: Log, starts: Mapping[int, int]) -> list[int]:
    """When the first record behind each was received."""
    firsts = [received_at(log, partition, start + 1) for partition, start in starts.items() if start]
    return [at for at in firsts if at is not None]


def trouble(lake: Lake, house: House) -> str:
    """Why the archiver cannot go on with a lake that can be opened; "" where it can."""
    snapshot, log = lake.snapshot(), house.log
    if parted := Seals(log, house.name).parted(snapshot.positions, snapshot.seals()):
        return parted
    for partition, start in trimmed(log).items():
        after = snapshot.positions.get(partition, 0)
        if after < start and (first := first_said(house.trail, partition, after, start)) is not None:
            return f"record {first} of partition {partition} is gone from the log, and the lake has not got it"
    damaged = lake.damaged()
    return f"{damaged[0]} is missing, or not as it was written" if damaged else ""


def lost(found: Beginning) -> str:
    """What somebody should know who says yes."""
    if found.since_us is None:
        return "Nothing is lost: the log has everything from the start."
    return (
        f"It will have everything that came in since {format_time(found.since_us)}; the log does not go back further.\n"
        "Of before it will have what the engine knows of people: who is who, traits, decisions, scores, segments.\n"
        "Events of before are in no lake then: as-of answers, previews, backtests, features and the counts of new\n"
        "definitions go without them. The engine itself forgets nothing; segments and journeys go on."
    )
