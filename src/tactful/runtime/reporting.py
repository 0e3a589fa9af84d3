"""Reporting: what a provider or a mail server tells of a message becomes records, for the person that it was sent to.

Which person that is says the outbox alone, never who reports: a report has the id of an intent, and everything else is
read from the row of that intent. Where the row is not known (any more), nothing happens. An address is suppressed
before the records are appended: after a crash between the two the provider tells it again, and each of both happens
once however often it is told.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from tactful.events import responses
from tactful.events.records import Consent, Event
from tactful.messages import machines
from tactful.messages.links import Unsubscribe
from tactful.messages.machines import Request, Seen
from tactful.messages.mail import message_id
from tactful.messages.reports import Report
from tactful.runtime.outcomes import about
from tactful.runtime.ports import Outbox, OutboxRow
from tactful.values import MINUTE_US

OUT = frozenset({"claimed", "sent", "held", "rejected"})
"""States of an intent of which something may come back: one that never left has no answer."""


class Reported(Struct, frozen=True):
    """What is to be done, in this order."""

    suppressed: tuple[tuple[str, str], ...] = ()
    """Addresses with the reason."""
    records: tuple[Event | Consent, ...] = ()
    unknown: int = 0
    """Reports of messages that are not ours."""


def reported(outbox: Outbox, reports: Iterable[Report], now_us: int) -> Reported:
    """Reads the outbox and changes nothing."""
    suppressed: list[tuple[str, str]] = []
    records: list[Event | Consent] = []
    unknown = 0
    for report in reports:
        row = row_of(outbox, report)
        if row is None or row.status not in OUT:
            unknown += 1
            continue
        if report.suppression and row.address and row.intent.channel == "email":
            reason = f"{report.suppression}: {report.response.reason}".removesuffix(": ")
            suppressed.append((row.address, reason[: responses.REASON_CHARS]))
        records += records_of(report, row, now_us)
    return Reported(tuple(suppressed), tuple(records), unknown)


def row_of(outbox: Outbox, report: Report) -> OutboxRow | None:
    """The intent of a report: by its id, else by the Message-ID of its mail, whose local part it is."""
    if report.intent:
        return outbox.row(report.intent)
    local, at, domain = report.message_id.strip().strip("<>").partition("@")
    if not at or message_id(local, domain) != f"<{local}@{domain}>":
        return None
    return outbox.row(local)


def records_of(report: Report, row: OutboxRow, now_us: int) -> list[Event | Consent]:
    """The event, and before it the decision of a person who wants no more."""
    response, purpose = report.response, row.intent.purpose
    what = "open" if response.name == responses.EMAIL_OPENED else "click"
    if report.agent is not None and not response.machine:
        sent_at = row.claimed_at or 0
        rule = machines.alone(Seen(what, Request(report.agent), max(response.at - sent_at, 0)))  # type: ignore[arg-type]  # one of two
        response = replace(response, machine=rule != "", reason=rule)
    found: list[Event | Consent] = []
    if report.unsubscribes:
        response = replace(response, purpose=purpose)
        if purpose:
            at = response.at if responses.EARLIEST_US <= response.at <= now_us else now_us
            found.append(withdrawal(Unsubscribe(row.intent.key, purpose, row.intent.intent), at, now_us))
    return [*found, responses.event(about(row.intent), response, now_us)]


def withdrawal(wanted: Unsubscribe, at_us: int, now_us: int) -> Consent:
    """The record of somebody who wants no more, whichever way that was said. Repeated, it repeats the messageId; said
    another time (after the person had agreed again) it must count, so the id tells minutes apart."""
    return Consent(
        version=1,
        source="unsubscribe",
        trust="server",
        key=wanted.key,
        message_id=f"unsubscribe:{wanted.intent}:{at_us // MINUTE_US}",
        purpose=wanted.purpose,
        granted=False,
        timestamp=at_us,
        received_at=now_us,
        origin="unsubscribe",
    )
