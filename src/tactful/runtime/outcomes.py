"""Outcomes go back into the log: what became of an intent is a record like any other.

The outbox knows first; a crash between the append and `reported` appends the same outcome again, which step() reads as
the repeat it is. Called by the deliver loop and by workers alike.
"""

from tactful.events import records
from tactful.runtime.ports import Bells, Log, Outbox, OutboxRow

REPORT_ROWS = 500


def report(outbox: Outbox, log: Log, bells: Bells, now_us: int) -> int:
    """Bring every outcome that the log does not know yet into it, and wake the partitions; how many there were."""
    total = 0
    while rows := outbox.unreported(REPORT_ROWS):
        by_partition: dict[int, list[bytes]] = {}
        for row in rows:
            by_partition.setdefault(row.partition, []).append(records.encode(outcome(row, now_us)))
        log.append(by_partition)
        outbox.reported([(row.intent.intent, row.status) for row in rows])
        for partition in by_partition:
            bells.ring(f"work-{partition}")
        total += len(rows)
        if len(rows) < REPORT_ROWS:
            break
    return total


def outcome(row: OutboxRow, now_us: int) -> records.Outcome:
    return records.Outcome(
        received_at=now_us,
        key=row.intent.key,
        intent=row.intent.intent,
        status=row.status,
        reason=row.reason,
        detail=row.detail,
        digest=row.digest,
        attempt=row.attempt,
        journey=row.intent.journey,
    )
