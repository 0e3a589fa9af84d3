"""How far the lake is behind what was decided, as a finding of `tactful doctor`."""

from tactful.events.derived import decode_groups
from tactful.history.lake import Snapshot
from tactful.operations.doctor import Finding
from tactful.runtime.decided import READ
from tactful.runtime.house import House
from tactful.runtime.keeping import Trail
from tactful.runtime.seals import ADVICE, Seals, received_at
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

LATE_US = 10 * MINUTE_US
"""Behind by more, beyond what `[history] every` allows, something holds it up."""


def look_at_lake(lake: Snapshot, house: House, every_us: int, *, is_running: bool) -> Finding:
    log, positions, now_us = house.log, lake.positions, house.clock.now_us()
    if parted := Seals(log, house.name).parted(positions, lake.seals()):
        return Finding("bad", "history", f"{parted}: {ADVICE}")
    behind = 0
    oldest_us: int | None = None
    for partition in range(log.partitions):
        after, end = positions.get(partition, 0), house.trail.end(partition)
        if end <= after:
            continue
        if after < log.start(partition):
            text = f"the log of partition {partition} begins behind what the lake has: what lies between is lost to it"
            return Finding("bad", "history", f"{text}. Bring the log or the lake back from a backup")
        first = _first_said(house.trail, partition, after, end)
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


def _first_said(trail: Trail, partition: int, after: int, end: int) -> int:
    """The first position behind `after` of which there are rows: a tick without effect waits for nothing, however long
    ago it was."""
    for first in range(after + 1, end + 1, READ):
        for blob in trail.between(partition, first, first + READ - 1):
            for group in decode_groups(blob):
                if group.position > after:
                    return group.position
    return end


def _duration(lasts_us: int) -> str:
    if lasts_us < 2 * MINUTE_US:
        return f"{lasts_us // SECOND_US} seconds"
    return f"{lasts_us // MINUTE_US} minutes" if lasts_us < 2 * HOUR_US else f"{lasts_us // HOUR_US} hours"
