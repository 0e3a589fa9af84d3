"""One transaction of the outbox in which claims are decided: it sees what no other process can change meanwhile."""

import sqlite3
from collections.abc import Collection, Sequence

from tactful.adapters.sqlite.outbox_schema import WAITING, as_waiting
from tactful.messages.mail import inbox
from tactful.runtime.ports import Claimed, Verdict, Waiting


class SqliteClaiming:
    """The port `Claiming`, alive as long as its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def waiting(self, partition: int, channel: str, now_us: int, limit: int) -> list[Waiting]:
        rows = self._execute(
            f"SELECT {WAITING} FROM intent WHERE status = 'waiting' AND partition = ? AND channel = ? "
            "AND not_before <= ? ORDER BY not_before, id LIMIT ?",
            (partition, channel, now_us, limit),
        )
        return [as_waiting(row) for row in rows]

    def in_flight(self, channel: str) -> int:
        row = self._execute("SELECT count(*) FROM intent WHERE status = 'claimed' AND channel = ?", (channel,))
        return int(row.fetchone()[0])

    def is_suppressed(self, address: str) -> bool:
        return self._execute("SELECT 1 FROM suppression WHERE address = ?", (address,)).fetchone() is not None

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        # As many parameters as keys, which are those of one person: no more than SQLite takes.
        marks = ", ".join("?" * len(keys))
        rows = self._execute(
            f"""
            SELECT count(*) FROM (
              SELECT id FROM intent WHERE journey = ? AND key IN ({marks}) AND claimed_at > ?
                AND status IN ('claimed', 'sent', 'held')
              UNION
              SELECT id FROM intent WHERE inbox = ? AND address = ? AND journey = ? AND claimed_at > ?
                AND channel = 'email' AND status IN ('claimed', 'sent', 'held') AND address <> '')
            """,
            (journey, *keys, since_us, inbox(address), address, journey, since_us),
        )
        return int(rows.fetchone()[0])

    def mails_to(self, address: str, since_us: int, journeys: Collection[str] | None = None) -> int:
        among = "" if journeys is None else f"AND journey IN ({', '.join('?' * len(journeys))})"
        rows = self._execute(
            "SELECT count(*) FROM intent WHERE inbox = ? AND claimed_at > ? AND channel = 'email' "
            f"AND status IN ('claimed', 'sent', 'held') {among}",
            (inbox(address), since_us, *(journeys or ())),
        )
        return int(rows.fetchone()[0])

    def claim(self, claimed: Claimed, template_source: bytes) -> None:
        if claimed.template:
            self._execute("INSERT OR IGNORE INTO template VALUES (?, ?)", (claimed.template, template_source))
        done = self._execute(
            """
            UPDATE intent SET status = 'claimed', attempt = ?, claimed_at = ?, position = ?, address = ?, inbox = ?,
              permit = ?, template = ?, frozen = ?, deliverer = '', reason = '', detail = ''
            WHERE intent = ? AND partition = ? AND status = 'waiting'
            """,
            (
                claimed.attempt,
                claimed.claimed_at,
                claimed.position,
                claimed.address,
                inbox(claimed.address) if claimed.intent.channel == "email" else "",
                claimed.permit,
                claimed.template,
                claimed.frozen,
                claimed.intent.intent,
                claimed.partition,
            ),
        )
        assert done.rowcount == 1, f"{claimed.intent.intent} does not wait"

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
