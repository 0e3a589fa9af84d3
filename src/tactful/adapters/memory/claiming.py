"""Claims decided in memory: the outbox puts its rows back where the block fails."""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from tactful.adapters.memory.outbox_rows import Row, Rows
from tactful.messages.mail import inbox
from tactful.runtime.ports import Claimed, Verdict, Waiting


class MemoryClaiming:
    """The port `Claiming`."""

    def __init__(self, table: Rows) -> None:
        self._table = table

    def waiting(self, partition: int, channel: str, now_us: int, limit: int) -> list[Waiting]:
        rows = [
            Waiting(row.intent, row.partition, row.attempt, row.not_before)
            for row in self._table.of("waiting")
            if row.partition == partition and row.intent.channel == channel and row.not_before <= now_us
        ]
        return sorted(rows, key=lambda row: row.not_before)[:limit]

    def in_flight(self, channel: str) -> int:
        return len(self._table.in_flight(channel))

    def is_suppressed(self, address: str) -> bool:
        return address in self._table.suppressed

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        rows = [row.shown for row in self._table.by_intent.values()]
        return sum(
            row.intent.journey == journey
            and row.status in {"claimed", "sent", "held"}
            and (row.claimed_at or 0) > since_us
            and (row.intent.key in keys or (row.intent.channel == "email" and address != "" and row.address == address))
            for row in rows
        )

    def mails_to(self, address: str, since_us: int, journeys: Collection[str] | None = None) -> int:
        rows = [row.shown for row in self._table.by_intent.values()]
        return sum(
            row.intent.channel == "email"
            and row.status in {"claimed", "sent", "held"}
            and inbox(row.address) == inbox(address)
            and (row.claimed_at or 0) > since_us
            and (journeys is None or row.intent.journey in journeys)
            for row in rows
        )

    def claim(self, claimed: Claimed, template_source: bytes) -> None:
        row = self._waiting_row(claimed.intent.intent)
        if claimed.template:
            self._table.templates.setdefault(claimed.template, template_source)
        shown = replace(
            row.shown,
            status="claimed",
            attempt=claimed.attempt,
            claimed_at=claimed.claimed_at,
            position=claimed.position,
            address=claimed.address,
            permit=claimed.permit,
            reason="",
            detail="",
        )
        self._table.by_intent[claimed.intent.intent] = Row(shown, claimed, hop=row.hop)

    def close(self, verdict: Verdict, at_us: int) -> None:
        assert verdict.status in {"refused", "lapsed"}, verdict.status
        self._waiting_row(verdict.intent)
        self._table.end(verdict.intent, verdict, at_us)

    def _waiting_row(self, intent: str) -> Row:
        row = self._table.by_intent[intent]
        assert row.shown.status == "waiting", f"{intent} does not wait"
        return row
