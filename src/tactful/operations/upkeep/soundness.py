"""Soundness: before a server starts, do the files of its data folder belong together?

A file that is damaged says so when it is looked into. One that is missing, or older than the others (a backup put back
by halves), would not: a log that ends before what the states have read would take new events at positions that nobody
will ever read again. So it is refused, before anything is accepted.
"""

from collections.abc import Sequence
from pathlib import Path

from tactful.errors import UsageError
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log, Outbox, Quarantine

_ADVICE = "Put back a backup of the whole data folder; nothing was changed."


def look_over(
    data: Path, log: Log, positions: Sequence[int], outbox: Outbox, trail: Trail, quarantine: Quarantine
) -> None:
    """`positions` are how far the states have read, by partition. Raises UsageError, or what the adapters say of a
    damaged file (TransientError)."""
    for partition, position in enumerate(positions):
        start, end = log.start(partition), log.end(partition)
        if end < position:
            raise UsageError(
                f"{data}: the log of partition {partition} ends at position {end}, but the states have read up to "
                f"{position}: a file of the log is missing, or older than the states. {_ADVICE}"
            )
        if start > position:
            raise UsageError(
                f"{data}: the log of partition {partition} begins behind position {start}, but the states have read "
                f"up to {position} only: the states are missing, or older than the log. {_ADVICE}"
            )
        trail.end(partition)
    outbox.counts()
    quarantine.counts()


def refuse_missing(path: Path, positions: Sequence[int]) -> None:
    """A file without which something would be forgotten, once there is something to remember."""
    if any(positions) and not (path.exists() and path.stat().st_size):
        raise UsageError(f"{path} is missing, though the states beside it have read events. {_ADVICE}")
