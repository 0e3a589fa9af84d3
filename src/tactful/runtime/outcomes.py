"""Outcomes go back into the log: what became of an intent is a record like any other.

The outbox knows first; a crash between the append and `reported` appends the same outcome again, which step() reads as
the repeat it is. Called by the deliver loop and by workers alike.
"""

from tactful.events import records
from tactful.events.identifiers import partition_of
from tactful.runtime.ports import Clock, Log, Outbox, OutboxRow

REPORT_ROWS = 500


def report(outbox: Outbox, log: Log, clock: Clock) -> set[int]:
    """Bring every outcome that the log does not know yet into it; the partitions whose workers are to be woken."""
    touched: set[int] = set()
    while rows := outbox.unreported(REPORT_ROWS):
        now_us = clock.now_us()
        by_partition: dict[int, list[bytes]] = {}
        for row in rows:
            # On the way to another person's, it is told where it was: the record then follows it.
            home = row.partition if row.partition >= 0 else partition_of(row.intent.key, log.partitions)
            by_partition.setdefault(home, []).append(records.encode(outcome(row, now_us)))
        log.append(by_partition)
        outbox.reported([(row.intent.intent, row.status, row.intent.key) for row in rows])
        touched.update(by_partition)
        if len(rows) < REPORT_ROWS:
            break
    return touched


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
