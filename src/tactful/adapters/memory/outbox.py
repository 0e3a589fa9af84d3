"""The outbox in memory; several simulated processes share one. What it returned is durable."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from tactful.adapters.memory.claiming import MemoryClaiming
from tactful.adapters.memory.coupons import MemoryCoupons
from tactful.adapters.memory.outbox_rows import Row, Rows
from tactful.errors import Fenced
from tactful.events.derived import SendMessage
from tactful.runtime.ports import Claimed, Moved, OutboxRow, Verdict


class MemoryOutbox:
    """The port `Outbox`."""

    def __init__(self) -> None:
        self._table = Rows()
        self._tokens: dict[int, int] = {}

    # ---- the worker --------------------------------------------------------------------------------------------

    def own(self, partition: int) -> int:
        self._tokens[partition] = self._tokens.get(partition, 0) + 1
        return self._tokens[partition]

    def put(self, partition: int, intents: Sequence[SendMessage]) -> None:
        for one in intents:
            status, reason, ended = ("lapsed", "replay", one.at) if one.is_replay else ("waiting", "", None)
            shown = OutboxRow(one, partition, status, 1, one.due, None, None, "", "", reason, "", ended)
            self._table.by_intent.setdefault(one.intent, Row(shown))

    def moved(self, rows: Sequence[Moved]) -> None:
        for one in rows:
            row = self._table.by_intent.get(one.intent)
            if row is None or one.hop <= row.hop:
                continue
            intent = replace(row.shown.intent, key=one.key) if one.key else row.shown.intent
            shown = replace(row.shown, intent=intent, partition=one.partition)
            has_ended = bool(one.key) and shown.status not in ("waiting", "claimed")
            is_unreported = row.is_unreported or has_ended
            if row.parked is not None:
                shown, row = replace(shown, not_before=row.parked), replace(row, parked=None)
            self._table.by_intent[one.intent] = replace(row, shown=shown, hop=one.hop, is_unreported=is_unreported)

    @contextmanager
    def claiming(self, partition: int, token: int) -> Iterator[MemoryClaiming]:
        if self._tokens.get(partition) != token:
            raise Fenced(f"partition {partition} has another owner since token {token}")
        rows, templates, codes = dict(self._table.by_intent), dict(self._table.templates), dict(self._table.codes)
        try:
            yield MemoryClaiming(self._table)
        except BaseException:
            self._table.by_intent, self._table.templates, self._table.codes = rows, templates, codes
            raise

    def facts(self) -> MemoryClaiming:
        return MemoryClaiming(self._table)

    def next_waiting(self, partition: int, after: int = -1) -> int | None:
        times = [row.not_before for row in self._table.of("waiting") if row.partition == partition]
        return min((at_us for at_us in times if at_us > after), default=None)

    # ---- the deliverer -----------------------------------------------------------------------------------------

    def claimed(self, channel: str, limit: int = 1000) -> list[Claimed]:
        rows = self._table.in_flight(channel)
        return [row.claimed for row in rows if row.claimed and not row.deliverer][:limit]

    def hand_off(self, intents: Sequence[str], deliverer: str) -> list[str]:
        assert deliverer, "a deliverer has a name"
        free = []
        for intent in intents:
            row = self._table.by_intent.get(intent)
            if row and row.shown.status == "claimed" and not row.deliverer:
                self._table.by_intent[intent] = replace(row, deliverer=deliverer)
                free.append(intent)
        return free

    def deliverers(self) -> list[str]:
        rows = self._table.by_intent.values()
        return sorted({row.deliverer for row in rows if row.shown.status == "claimed" and row.deliverer})

    def hold_orphans(self, gone: Sequence[str], channels: Sequence[str], at_us: int) -> list[str]:
        orphans = self._orphans(gone, channels)
        for intent in orphans:
            self._table.end(intent, Verdict(intent, "held", "outcome unknown", "its deliverer is gone"), at_us)
        return orphans

    def retry_orphans(self, gone: Sequence[str], channels: Sequence[str], at_us: int) -> list[str]:
        orphans = self._orphans(gone, channels)
        for intent in orphans:
            self._table.wait_again(intent, "outcome unknown", "its deliverer is gone", at_us)
        return orphans

    def _orphans(self, gone: Sequence[str], channels: Sequence[str]) -> list[str]:
        rows = [row for channel in channels for row in self._table.in_flight(channel)]
        return [row.shown.intent.intent for row in rows if row.deliverer and row.deliverer in gone]

    def template(self, digest: str) -> bytes:
        return self._table.templates[digest]

    def finish(self, verdicts: Sequence[Verdict], at_us: int) -> None:
        for one in verdicts:
            row = self._table.by_intent.get(one.intent)
            if row is None or row.shown.status != "claimed":
                continue
            if one.status == "waiting":
                self._table.wait_again(one.intent, one.reason, one.detail, one.not_before)
            else:
                assert one.status in {"sent", "rejected", "held"}, one.status
                self._table.end(one.intent, one, at_us)

    def unreported(self, limit: int) -> list[OutboxRow]:
        return [row.shown for row in self._table.by_intent.values() if row.is_unreported][:limit]

    def reported(self, intents: Sequence[tuple[str, str, str]]) -> None:
        for intent, status, key in intents:
            row = self._table.by_intent.get(intent)
            if row and (row.shown.status, row.shown.intent.key) == (status, key):
                self._table.by_intent[intent] = replace(row, is_unreported=False)

    @property
    def coupons(self) -> MemoryCoupons:
        return MemoryCoupons(self._table)

    # ---- suppression -------------------------------------------------------------------------------------------

    def suppress(self, address: str, reason: str, at_us: int) -> None:
        self._table.suppressed.setdefault(address, (reason, at_us))

    def suppress_all(self, rows: Sequence[tuple[str, str]], at_us: int) -> int:
        before = len(self._table.suppressed)
        for address, reason in rows:
            self.suppress(address, reason, at_us)
        return len(self._table.suppressed) - before

    def release_address(self, address: str) -> bool:
        return self._table.suppressed.pop(address, None) is not None

    def suppressions(self) -> list[tuple[str, str, int]]:
        rows = [(address, reason, at_us) for address, (reason, at_us) in self._table.suppressed.items()]
        return sorted(rows, key=lambda row: (row[2], row[0]))

    # ---- people who look ---------------------------------------------------------------------------------------

    def rows(
        self, status: str | None = None, key: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        oldest = sorted(self._table.by_intent.values(), key=lambda row: row.shown.intent.due)
        return [
            row.shown
            for row in reversed(oldest)
            if status in {None, row.shown.status}
            and key in {None, row.shown.intent.key}
            and (before is None or row.shown.intent.due < before)
        ][:limit]

    def row(self, intent: str) -> OutboxRow | None:
        row = self._table.by_intent.get(intent)
        return row.shown if row else None

    def release(self, intents: Sequence[str], at_us: int) -> list[str]:
        held = self._having(intents, {"held"})
        for intent in held:
            self._table.wait_again(intent, "released", "", at_us)
        return held

    def drop(self, intents: Sequence[str], reason: str, at_us: int) -> list[str]:
        dropped = self._having(intents, {"held", "waiting"})
        for intent in dropped:
            row = self._table.by_intent[intent]
            shown = replace(row.shown, status="dropped", reason=reason, finished_at=at_us)
            self._table.by_intent[intent] = replace(row, shown=shown, is_unreported=True)
        return dropped

    def _having(self, intents: Sequence[str], statuses: set[str]) -> list[str]:
        known = [intent for intent in dict.fromkeys(intents) if intent in self._table.by_intent]
        return [intent for intent in known if self._table.by_intent[intent].shown.status in statuses]

    def counts(self) -> dict[str, int]:
        return dict(Counter(row.shown.status for row in self._table.by_intent.values()))

    def waiting_by_channel(self) -> dict[str, int]:
        return dict(sorted(Counter(row.intent.channel for row in self._table.of("waiting")).items()))

    def per_person(self, since_us: int) -> dict[int, int]:
        sent = (row.intent for row in self._table.of("sent") if row.intent.channel != "webhook")
        by_key = Counter(intent.key for intent in sent if intent.due >= since_us)
        return dict(sorted(Counter(by_key.values()).items()))

    def power_cut(self) -> None:
        """Loses nothing: every change was durable when it returned."""

    def close(self) -> None:
        """Others may go on with it."""
