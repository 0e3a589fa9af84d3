"""How far the lake is behind what was decided, as a finding of `tactful doctor`."""

from collections.abc import Sequence

from tactful.events.derived import decode_groups
from tactful.history.lake import Lake, Loss, Snapshot
from tactful.operations.doctor import Finding
from tactful.operations.history.opened import Opened
from tactful.runtime.decided import READ
from tactful.runtime.house import House
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log
from tactful.runtime.seals import ADVICE, Seals, received_at
from tactful.values import HOUR_US, MINUTE_US, SECOND_US, format_time

LATE_US = 10 * MINUTE_US
"""Behind by more, beyond what `[history] every` allows, something holds it up."""
_MEND = "Bring the lake back from a backup, or see what `tactful lake mend` can have again of the log"
_BACK = "Bring the lake back from a backup, or begin a new one with `tactful lake begin`"


def look_at_lake(lake: Lake, house: House, every_us: int, *, is_running: bool) -> list[Finding]:
    snapshot = lake.snapshot()
    found = [_how_far(snapshot, house, every_us, is_running=is_running)]
    if damaged := lake.damaged():
        more = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        text = f"{damaged[0]}{more}: missing, or not as it was written. {_MEND}"
        found.append(Finding("bad", "history", text))
    found += [Finding("note", "history", text) for text in said_of(snapshot.losses)]
    if snapshot.since_us is not None:
        text = f"the lake begins at {format_time(snapshot.since_us)}, anew; events of before are in none"
        found.append(Finding("note", "history", text))
    return found


def lacks(opened: Opened) -> dict[str, list[str]]:
    """What answers of the history say beside themselves, where it has lost anything."""
    said = said_of(opened.losses)
    return {"lacks": said} if said else {}


def said_of(losses: Sequence[Loss]) -> list[str]:
    """A line for each table."""
    found = []
    for name in sorted({one.table for one in losses}):
        mine = [one for one in losses if one.table == name]
        many, from_us = sum(one.rows for one in mine), min(one.from_us for one in mine)
        until_us = max(one.until_us for one in mine)
        text = f"up to {many:,} rows of {name}, from {format_time(from_us)} to {format_time(until_us)}"
        found.append(f"the lake has lost {text}, with files that were damaged")
    return found


def look_without_lake(log: Log, folder: str) -> Finding:
    """Where none was made, or it is gone."""
    if not any(log.start(partition) for partition in range(log.partitions)):
        return Finding("note", "history", "the lake is made when the server runs")
    text = f"there is no lake in {folder}, and the log no longer goes back to the start. {_BACK}"
    return Finding("bad", "history", text)


def _how_far(lake: Snapshot, house: House, every_us: int, *, is_running: bool) -> Finding:
    log, positions, now_us = house.log, lake.positions, house.clock.now_us()
    if parted := Seals(log, house.name).parted(positions, lake.seals()):
        return Finding("bad", "history", f"{parted}: {ADVICE}")
    behind = 0
    oldest_us: int | None = None
    for partition in range(log.partitions):
        after, end = positions.get(partition, 0), house.trail.end(partition)
        first = first_said(house.trail, partition, after, end)
        if first is None:
            continue
        if first <= log.start(partition):
            text = f"the log of partition {partition} begins behind what the lake has: what lies between is lost to it"
            return Finding("bad", "history", f"{text}. {_BACK}")
        behind += end - first + 1
        at = received_at(log, partition, first)
        oldest_us = min(one for one in (oldest_us, at, now_us) if one is not None)
    if oldest_us is None:
        return Finding("good", "history", "the lake has everything that was decided")
    lasts = _duration(max(0, now_us - oldest_us))
    waits = f"1 record waits for the lake, for {lasts}"
    if behind > 1:
        waits = f"{behind:,} records wait for the lake, the oldest for {lasts}"
    if not is_running:
        return Finding("note", "history", f"{waits}; they come into it when the server runs")
    if now_us - oldest_us > LATE_US + every_us:
        text = "Nothing is lost, and the log is kept meanwhile; the server's output says what holds it up"
        return Finding("bad", "history", f"{waits}. {text}")
    return Finding("good", "history", waits)


def first_said(trail: Trail, partition: int, after: int, end: int) -> int | None:
    """The first position behind `after` and up to `end` of which there are rows: a tick without effect waits for
    nothing, however long ago it was."""
    for first in range(after + 1, end + 1, READ):
        for blob in trail.between(partition, first, min(end, first + READ - 1)):
            for group in decode_groups(blob):
                if group.position > after:
                    return group.position if group.position <= end else None
    return None


def _duration(lasts_us: int) -> str:
    if lasts_us < 2 * MINUTE_US:
        return f"{lasts_us // SECOND_US} seconds"
    return f"{lasts_us // MINUTE_US} minutes" if lasts_us < 2 * HOUR_US else f"{lasts_us // HOUR_US} hours"
