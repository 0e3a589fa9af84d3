"""One transaction of the outbox in which claims are decided: it sees what no other process can change meanwhile."""

import sqlite3
from collections.abc import Sequence

from tactful.adapters.sqlite import coupons
from tactful.adapters.sqlite.outbox_schema import WAITING, as_waiting
from tactful.kernel.addresses import DEVICES, counted_as
from tactful.messages.mail import inbox
from tactful.runtime.claiming import Waiting
from tactful.runtime.ports import Claimed, Verdict

_COUNTS = "status IN ('claimed', 'sent', 'held')"


class SqliteClaiming:
    """The port `Claiming`, alive as long as its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def waiting(self, partition: int, channel: str, now_us: int, limit: int) -> list[Waiting]:
        # From one priority to the next below: there are few, and what waits for later in one is never read.
        found: list[Waiting] = []
        where, at = "status = 'waiting' AND partition = ? AND channel = ?", (partition, channel)
        priority = self._execute(f"SELECT max(priority) FROM intent WHERE {where}", at).fetchone()[0]
        while priority is not None and len(found) < limit:
            rows = self._execute(
                f"SELECT {WAITING} FROM intent WHERE {where} AND priority = ? AND not_before <= ? "
                "ORDER BY not_before, id LIMIT ?",
                (*at, priority, now_us, limit - len(found)),
            )
            found += [as_waiting(row) for row in rows]
            below = self._execute(f"SELECT max(priority) FROM intent WHERE {where} AND priority < ?", (*at, priority))
            priority = below.fetchone()[0]
        return found

    def in_flight(self, channel: str) -> int:
        row = self._execute("SELECT count(*) FROM intent WHERE status = 'claimed' AND channel = ?", (channel,))
        return int(row.fetchone()[0])

    def is_suppressed(self, address: str) -> bool:
        return self._execute("SELECT 1 FROM suppression WHERE address = ?", (address,)).fetchone() is not None

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        # As many parameters as keys, which are those of one person: no more than SQLite takes.
        rows = self._execute(
            f"""
            SELECT count(*) FROM (
              SELECT id FROM intent WHERE key IN ({_marks(keys)}) AND claimed_at > ? AND journey = ? AND {_COUNTS}
              UNION
              SELECT id FROM intent WHERE inbox IN (?, ?) AND inbox <> '' AND address = ? AND claimed_at > ?
                AND journey = ? AND {_COUNTS})
            """,
            (*keys, since_us, journey, address, inbox(address), address, since_us, journey),
        )
        return int(rows.fetchone()[0])

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        among = f"{_COUNTS} AND is_capped AND {'channel = ?' if channel else 'channel <> ?'}"
        told = (since_us, channel or "webhook")
        rows = self._execute(
            f"""
            SELECT count(*) FROM (
              SELECT id FROM intent WHERE key IN ({_marks(keys)}) AND claimed_at >= ? AND {among}
              UNION
              SELECT id FROM intent WHERE inbox IN ({_marks(spellings)}) AND inbox <> '' AND claimed_at >= ? AND {among}
              UNION
              SELECT id FROM device CROSS JOIN intent USING (id)
              WHERE spelling IN ({_marks(spellings)}) AND claimed_at >= ? AND {among})
            """,
            (*keys, *told, *spellings, *told, *spellings, *told),
        )
        return int(rows.fetchone()[0])

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        among = "AND is_confirmation" if are_confirmations else ""
        rows = self._execute(
            "SELECT count(*) FROM intent WHERE inbox = ? AND inbox <> '' AND claimed_at > ? AND channel = 'email' "
            f"AND {_COUNTS} {among}",
            (inbox(address), since_us),
        )
        return int(rows.fetchone()[0])

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        return coupons.code(self._execute, pool, owners)

    # ---- what becomes of an intent -------------------------------------------------------------------------

    def claim(self, claimed: Claimed, template_source: bytes) -> None:
        if claimed.template:
            self._execute("INSERT OR IGNORE INTO template VALUES (?, ?)", (claimed.template, template_source))
        intent, spellings = claimed.intent, counted_as(claimed.intent.channel, claimed.address)
        is_device = intent.channel in DEVICES
        done = self._execute(
            """
            UPDATE intent SET status = 'claimed', attempt = ?, claimed_at = ?, position = ?, address = ?, inbox = ?,
              permit = ?, template = ?, frozen = ?, variant = ?, is_capped = ?, is_confirmation = ?, deliverer = '',
              reason = '', detail = '', parked = NULL
            WHERE intent = ? AND partition = ? AND status = 'waiting'
            """,
            (
                claimed.attempt,
                claimed.claimed_at,
                claimed.position,
                claimed.address,
                spellings[0] if spellings and not is_device else "",
                claimed.permit,
                claimed.template,
                claimed.frozen,
                claimed.variant,
                claimed.is_capped,
                claimed.is_confirmation,
                intent.intent,
                claimed.partition,
            ),
        )
        assert done.rowcount == 1, f"{intent.intent} does not wait"
        if is_device:
            sql = "INSERT OR IGNORE INTO device SELECT ?, id FROM intent WHERE intent = ?"
            for one in spellings:
                self._execute(sql, (one, intent.intent))

    def give(self, pool: str, code: str, owner: str, intent: str, at_us: int) -> None:
        coupons.give(self._execute, pool, code, owner, intent, at_us)

    def postpone(self, intent: str, not_before: int, reason: str, detail: str = "") -> None:
        sql = "UPDATE intent SET not_before = ?, reason = ?, detail = ? WHERE intent = ? AND status = 'waiting'"
        done = self._execute(sql, (not_before, reason, detail, intent))
        assert done.rowcount == 1, f"{intent} does not wait"

    def park(self, intent: str, not_before: int, reason: str) -> None:
        done = self._execute(
            """
            UPDATE intent SET parked = coalesce(parked, not_before), not_before = ?, reason = ?, detail = ''
            WHERE intent = ? AND status = 'waiting'
            """,
            (not_before, reason, intent),
        )
        assert done.rowcount == 1, f"{intent} does not wait"

    def take_back(self, partition: int, journeys: Sequence[str] | None, limit: int) -> int:
        among = f"AND journey IN ({_marks(journeys)})" if journeys is not None else ""
        done = self._execute(
            f"""
            UPDATE intent SET status = 'waiting', claimed_at = NULL WHERE id IN (
              SELECT id FROM intent WHERE status = 'claimed' AND deliverer = '' AND partition = ? {among} LIMIT ?)
            """,
            (partition, *(journeys or ()), limit),
        )
        return done.rowcount

    def unpark(self, partition: int, still: Sequence[str], limit: int) -> int:
        done = self._execute(
            f"""
            UPDATE intent SET not_before = parked, parked = NULL, reason = '' WHERE id IN (
              SELECT id FROM intent WHERE partition = ? AND parked IS NOT NULL AND status = 'waiting'
                AND journey NOT IN ({_marks(still)}) LIMIT ?)
            """,
            (partition, *still, limit),
        )
        return done.rowcount

    def close(self, verdict: Verdict, at_us: int) -> None:
        assert verdict.status in {"refused", "lapsed"}, verdict.status
        done = self._execute(
            """
            UPDATE intent SET status = ?, reason = ?, detail = ?, finished_at = ?, unreported = 1
            WHERE intent = ? AND status = 'waiting'
            """,
            (verdict.status, verdict.reason, verdict.detail, at_us, verdict.intent),
        )
        assert done.rowcount == 1, f"{verdict.intent} does not wait"


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
