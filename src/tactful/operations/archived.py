"""How far the lake is behind what was decided, as a finding of `tactful doctor`."""

from collections.abc import Mapping

from tactful.events.records import Plan, decode
from tactful.operations.doctor import Finding
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

LATE_US = 10 * MINUTE_US
"""Behind by more, beyond what `[history] every` allows, something holds it up."""


def look_at_lake(
    positions: Mapping[int, int], log: Log, trail: Trail, now_us: int, every_us: int, *, is_running: bool
) -> Finding:
    """`positions` is up to where the lake has everything."""
    behind = 0
    oldest_us: int | None = None
    for partition in range(log.partitions):
        after, end = positions.get(partition, 0), trail.end(partition)
        if after > max(end, log.end(partition)):
            text = f"the lake has more of partition {partition} than the log: they are of different times, or folders"
            return Finding("bad", "history", f"{text}. Bring both back from the same backup, or name a new place")
        if end <= after:
            continue
        behind += end - after
        if after < log.start(partition):
            text = f"the log of partition {partition} begins behind what the lake has: what lies between is lost to it"
            return Finding("bad", "history", f"{text}. Bring the log or the lake back from a backup")
        at = _received_at(log, partition, after)
        oldest_us = at if oldest_us is None else min(oldest_us, at)
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


def _received_at(log: Log, partition: int, after: int) -> int:
    (_, body), *_ = log.read(partition, after, 1)
    record = decode(body)
    return record.publish.received_at if isinstance(record, Plan) else record.received_at


def _duration(lasts_us: int) -> str:
    if lasts_us < 2 * MINUTE_US:
        return f"{lasts_us // SECOND_US} seconds"
    return f"{lasts_us // MINUTE_US} minutes" if lasts_us < 2 * HOUR_US else f"{lasts_us // HOUR_US} hours"
