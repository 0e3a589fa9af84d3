"""Claims decided in memory: the outbox puts its rows back where the block fails."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tactful.adapters.memory.outbox_rows import Row, Rows
from tactful.kernel.addresses import counted_as
from tactful.messages.mail import inbox
from tactful.runtime.claiming import Given, Waiting
from tactful.runtime.ports import Claimed, OutboxRow, Verdict


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
        return sorted(rows, key=lambda row: (-row.intent.priority, row.not_before))[:limit]

    def in_flight(self, channel: str) -> int:
        return len(self._table.in_flight(channel))

    def is_suppressed(self, address: str) -> bool:
        return address in self._table.suppressed

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        return sum(
            row.intent.journey == journey
            and (row.claimed_at or 0) > since_us
            and (row.intent.key in keys or (address != "" and row.address == address))
            for row in self._claims()
        )

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        return sum(
            claimed.is_capped
            and (claimed.intent.channel == channel if channel else claimed.intent.channel != "webhook")
            and claimed.claimed_at >= since_us
            and (row.intent.key in keys or not {*counted_as(row.intent.channel, row.address)}.isdisjoint(spellings))
            for row, claimed in self._decided()
        )

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        return sum(
            row.intent.channel == "email"
            and inbox(row.address) == inbox(address)
            and claimed.claimed_at > since_us
            and (claimed.is_confirmation or not are_confirmations)
            for row, claimed in self._decided()
        )

    def _decided(self) -> Iterator[tuple[OutboxRow, Claimed]]:
        for row in self._table.by_intent.values():
            if row.claimed is not None and row.shown.status in {"claimed", "sent", "held"}:
                yield row.shown, row.claimed

    def _claims(self) -> Iterator[OutboxRow]:
        return (row for row, _ in self._decided())

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        mine = [one for (of, _), one in self._table.codes.items() if of == pool and one is not None]
        mine = sorted((one for one in mine if one.owner in owners), key=lambda one: one.at_us)
        free = (code for (of, code), one in self._table.codes.items() if of == pool and one is None)
        return mine[0].code if mine else next(free, None)

    # ---- what becomes of an intent -------------------------------------------------------------------------

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
            template=claimed.template,
            variant=claimed.variant,
        )
        self._table.by_intent[claimed.intent.intent] = Row(shown, claimed, hop=row.hop)

    def give(self, pool: str, code: str, owner: str, intent: str, at_us: int) -> None:
        if self._table.codes.get((pool, code), intent) is None:
            self._table.codes[pool, code] = Given(pool, code, owner, intent, at_us)

    def postpone(self, intent: str, not_before: int, reason: str, detail: str = "") -> None:
        row = self._waiting_row(intent)
        shown = replace(row.shown, not_before=not_before, reason=reason, detail=detail)
        self._table.by_intent[intent] = replace(row, shown=shown)

    def park(self, intent: str, not_before: int, reason: str) -> None:
        row = self._waiting_row(intent)
        parked = row.shown.not_before if row.parked is None else row.parked
        shown = replace(row.shown, not_before=not_before, reason=reason, detail="")
        self._table.by_intent[intent] = replace(row, shown=shown, parked=parked)

    def take_back(self, partition: int, journeys: Sequence[str] | None, limit: int) -> int:
        unbegun = [
            (intent, row)
            for intent, row in self._table.by_intent.items()
            if (row.shown.status, row.shown.partition, row.deliverer) == ("claimed", partition, "")
            and (journeys is None or row.shown.intent.journey in journeys)
        ][:limit]
        for intent, row in unbegun:
            shown = replace(row.shown, status="waiting", claimed_at=None)
            self._table.by_intent[intent] = Row(shown, hop=row.hop)
        return len(unbegun)

    def unpark(self, partition: int, still: Sequence[str], limit: int) -> int:
        parked = [
            (intent, row, row.parked)
            for intent, row in self._table.by_intent.items()
            if row.parked is not None
            and (row.shown.status, row.shown.partition) == ("waiting", partition)
            and row.shown.intent.journey not in still
        ][:limit]
        for intent, row, not_before in parked:
            shown = replace(row.shown, not_before=not_before, reason="")
            self._table.by_intent[intent] = replace(row, shown=shown, parked=None)
        return len(parked)

    def close(self, verdict: Verdict, at_us: int) -> None:
        assert verdict.status in {"refused", "lapsed"}, verdict.status
        self._waiting_row(verdict.intent)
        self._table.end(verdict.intent, verdict, at_us)

    def _waiting_row(self, intent: str) -> Row:
        row = self._table.by_intent[intent]
        assert row.shown.status == "waiting", f"{intent} does not wait"
        return row
