"""`tactful outbox`: what waits, what is held, and what a person decides about it.

Held means that nobody knows whether it was sent: somebody looks, and either releases it (it goes before the gate again,
and lapses there if its time has passed) or drops it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from tactful.errors import UsageError
from tactful.runtime.ports import Bells, Clock, Outbox, OutboxRow
from tactful.values import format_time

STATUSES = ("waiting", "claimed", "sent", "refused", "rejected", "lapsed", "held", "dropped")


class Done(Struct, frozen=True):
    """What a release or a drop changed, and what it could not (not held, or unknown)."""

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


class Messages(Protocol):
    """Gives rows of the outbox, newest first; with `text` those of a person, by whatever identifier."""

    def __call__(self, status: str | None, text: str, before: int | None, limit: int) -> list[OutboxRow]: ...


def rows(messages: Messages, status: str | None = None, person: str = "", limit: int = 100) -> list[OutboxRow]:
    """Newest first. Raises UsageError for a status that there is not."""
    if status is not None and status not in STATUSES:
        raise UsageError(f'there is no status "{status}"; there are {", ".join(STATUSES)}')
    return messages(status, person, None, limit)


def show(outbox: Outbox, intent: str) -> OutboxRow:
    """Raises UsageError where there is no such intent."""
    row = outbox.row(intent)
    if row is None:
        raise UsageError(f"there is no intent {intent}; `tactful outbox list` shows what there is")
    return row


def release(outbox: Outbox, bells: Bells, clock: Clock, intents: Sequence[str]) -> Done:
    """Held intents go before the gate again; workers are rung."""
    changed = outbox.release(intents, clock.now_us())
    _ring(outbox, bells, changed)
    return _done(intents, changed)


def drop(outbox: Outbox, bells: Bells, clock: Clock, intents: Sequence[str], reason: str) -> Done:
    """Held or waiting intents end; workers report it."""
    changed = outbox.drop(intents, reason or "dropped by hand", clock.now_us())
    _ring(outbox, bells, changed)
    return _done(intents, changed)


def as_values(row: OutboxRow) -> dict[str, Any]:
    """One intent as JSON; times as ISO 8601 with Z, null where there is none. `notBefore` is null unless it waits."""
    intent = row.intent
    return {
        "intent": intent.intent,
        "status": row.status,
        "reason": row.reason,
        "detail": row.detail,
        "person": intent.key,
        "journey": intent.journey,
        "key": intent.entry_key,
        "step": intent.step,
        "channel": intent.channel,
        "message": intent.message,
        "variant": row.variant,
        "purpose": intent.purpose,
        "address": row.address,
        "permit": row.permit,
        "attempt": row.attempt,
        "startedAt": format_time(intent.started_at),
        "due": format_time(intent.due),
        "validUntil": format_time(intent.valid_until),
        "notBefore": format_time(row.not_before) if row.status == "waiting" else None,
        "claimedAt": _time(row.claimed_at),
        "finishedAt": _time(row.finished_at),
        "digest": row.digest,
        "template": row.template,
        "version": intent.version,
        "plan": intent.plan,
    }


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _done(intents: Sequence[str], changed: Sequence[str]) -> Done:
    return Done(tuple(changed), tuple(intent for intent in intents if intent not in set(changed)))


def _ring(outbox: Outbox, bells: Bells, intents: Sequence[str]) -> None:
    rows = [row for intent in intents if (row := outbox.row(intent)) is not None]
    for partition in sorted({row.partition for row in rows}):
        bells.ring(f"work-{partition}")
    bells.ring("deliver")
