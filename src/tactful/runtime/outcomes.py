"""Outcomes go back into the log: what became of an intent is a record like any other.

With it goes what expressions may ask for (events/responses.py): `Email Sent`, or that its receiver would not have it.
The outbox knows first; a crash between the append and `reported` appends the same outcome again, which step() reads as
the repeat it is. Called by the deliver loop and by workers alike.
"""

from tactful.events import records, responses
from tactful.events.derived import SendMessage
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
            told = response(row, now_us)
            if told is not None:
                # An event enters at its identifier, and goes on from there to whoever that belongs to.
                entry = partition_of(told.key, log.partitions)
                by_partition.setdefault(entry, []).append(records.encode(told))
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


def about(intent: SendMessage) -> responses.About:
    """The message, for what comes back from it."""
    name = intent.message if intent.channel != "webhook" else ""
    return responses.About(intent.intent, intent.key, intent.journey, name, intent.channel, intent.step)


def response(row: OutboxRow, now_us: int) -> records.Event | None:
    """None of an outcome of which expressions know nothing."""
    told = responses.of_outcome(
        about(row.intent), row.status, row.finished_at or now_us, row.reason, was_offered=bool(row.digest)
    )
    return responses.event(about(row.intent), told, now_us) if told is not None else None
