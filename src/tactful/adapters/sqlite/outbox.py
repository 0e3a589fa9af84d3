"""The outbox in SQLite: DATA/outbox.db, one file for all partitions, every change fully synced on return.

Each method is one transaction, and each change of status names the status it starts from, so that two processes that
want the same intent cannot both have it. The worker that owns a partition holds its newest token; `claiming` looks at
it inside the transaction in which it decides.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from msgspec.structs import asdict

from tactful.adapters.sqlite.claiming import SqliteClaiming
from tactful.adapters.sqlite.connection import open_database, transaction, world
from tactful.adapters.sqlite.coupons import SqliteCoupons
from tactful.adapters.sqlite.outbox_schema import CLAIMED, ROW, SCHEMA, TUNING, as_claimed, as_row, packed
from tactful.errors import Fenced
from tactful.events.derived import SendMessage
from tactful.runtime.ports import Claimed, Moved, OutboxRow, Verdict

_PUT = """
INSERT INTO intent
  (intent, partition, key, journey, channel, due, status, not_before, reason, finished_at, priority, message)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (intent) DO NOTHING
"""
_FINISH = """
UPDATE intent SET status = ?, reason = ?, detail = ?, digest = ?, finished_at = ?, unreported = 1
WHERE intent = ? AND status = 'claimed'
"""
_WAIT_AGAIN = """
UPDATE intent SET status = 'waiting', attempt = attempt + 1, reason = ?, detail = ?, not_before = ?, claimed_at = NULL,
  finished_at = NULL, deliverer = '', unreported = NULL
WHERE intent = ? AND status = ?
"""
_MOVE = """
UPDATE intent SET partition = :partition, key = CASE :key WHEN '' THEN key ELSE :key END, hop = :hop,
  unreported = CASE WHEN :key <> '' AND status NOT IN ('waiting', 'claimed') THEN 1 ELSE unreported END,
  not_before = coalesce(parked, not_before), parked = NULL
WHERE intent = :intent AND hop < :hop
"""
_PER_PERSON = """
SELECT number, count(*) FROM (
  SELECT count(*) AS number FROM intent WHERE status = 'sent' AND due >= ? AND channel <> 'webhook' GROUP BY key)
GROUP BY number ORDER BY number
"""
_ENDS = {"sent", "rejected", "held"}


class SqliteOutbox:
    """The port `Outbox` over DATA/outbox.db (`path`)."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._connection = open_database(path, SCHEMA, TUNING, read_only=read_only)
        self._lock = RLock()
        self._turns = -1
        if not read_only:
            self._turns = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def _changing(self) -> Iterator[Callable[..., Any]]:
        """Processes take turns by a file lock: SQLite's own waiting is a poll with sleeps of up to 100 ms."""
        with self._lock, world(self._path), self._turn(), transaction(self._connection):
            yield self._connection.execute

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._turns < 0:  # For reading only; SQLite will say so.
            yield
            return
        fcntl.flock(self._turns, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turns, fcntl.LOCK_UN)

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock, world(self._path):
            return self._connection.execute(sql, parameters).fetchall()

    # ---- the worker --------------------------------------------------------------------------------------------

    def own(self, partition: int) -> int:
        with self._changing() as execute:
            row = execute(
                "INSERT INTO owner VALUES (?, 1) ON CONFLICT DO UPDATE SET token = token + 1 RETURNING token",
                (partition,),
            ).fetchone()
        return int(row[0])

    def put(self, partition: int, intents: Sequence[SendMessage]) -> None:
        rows = [
            (
                one.intent,
                partition,
                one.key,
                one.journey,
                one.channel,
                one.due,
                "lapsed" if one.is_replay else "waiting",
                one.due,
                "replay" if one.is_replay else "",
                one.at if one.is_replay else None,
                one.priority,
                packed(one),
            )
            for one in intents
        ]
        if rows:
            with self._changing():
                self._connection.executemany(_PUT, rows)

    def moved(self, rows: Sequence[Moved]) -> None:
        if rows:
            with self._changing():
                self._connection.executemany(_MOVE, [asdict(row) for row in rows])

    @contextmanager
    def claiming(self, partition: int, token: int) -> Iterator[SqliteClaiming]:
        with self._changing() as execute:
            row = execute("SELECT token FROM owner WHERE partition = ?", (partition,)).fetchone()
            if row is None or row[0] != token:
                raise Fenced(f"partition {partition} has another owner since token {token}")
            yield SqliteClaiming(self._connection)

    def facts(self) -> SqliteClaiming:
        return SqliteClaiming(self._connection)

    def next_waiting(self, partition: int, after: int = -1) -> int | None:
        rows = self._all(
            "SELECT not_before FROM intent WHERE status = 'waiting' AND partition = ? AND not_before > ? "
            "ORDER BY not_before LIMIT 1",
            (partition, after),
        )
        return rows[0][0] if rows else None

    # ---- the deliverer -----------------------------------------------------------------------------------------

    def claimed(self, channel: str, limit: int = 1000) -> list[Claimed]:
        rows = self._all(
            f"SELECT {CLAIMED} FROM intent WHERE status = 'claimed' AND channel = ? AND deliverer = '' "
            "ORDER BY claimed_at, id LIMIT ?",
            (channel, limit),
        )
        return [as_claimed(row) for row in rows]

    def hand_off(self, intents: Sequence[str], deliverer: str) -> list[str]:
        assert deliverer, "a deliverer has a name"
        sql = "UPDATE intent SET deliverer = ? WHERE intent = ? AND status = 'claimed' AND deliverer = ''"
        with self._changing() as execute:
            return [intent for intent in intents if execute(sql, (deliverer, intent)).rowcount]

    def deliverers(self) -> list[str]:
        rows = self._all(
            "SELECT DISTINCT deliverer FROM intent WHERE status = 'claimed' AND deliverer <> '' ORDER BY deliverer"
        )
        return [name for (name,) in rows]

    def hold_orphans(self, gone: Sequence[str], channels: Sequence[str], at_us: int) -> list[str]:
        with self._changing() as execute:
            orphans = self._orphans(gone, channels)
            for intent in orphans:
                execute(_FINISH, ("held", "outcome unknown", "its deliverer is gone", "", at_us, intent))
        return orphans

    def retry_orphans(self, gone: Sequence[str], channels: Sequence[str], at_us: int) -> list[str]:
        with self._changing() as execute:
            orphans = self._orphans(gone, channels)
            for intent in orphans:
                execute(_WAIT_AGAIN, ("outcome unknown", "its deliverer is gone", at_us, intent, "claimed"))
        return orphans

    def _orphans(self, gone: Sequence[str], channels: Sequence[str]) -> list[str]:
        assert "" not in gone, "what nobody has begun has no deliverer"
        sql = """
            SELECT intent FROM intent WHERE status = 'claimed' AND channel = ? AND deliverer = ? ORDER BY claimed_at, id
        """
        pairs = [(channel, name) for channel in channels for name in gone]
        return [intent for pair in pairs for (intent,) in self._all(sql, pair)]

    def template(self, digest: str) -> bytes:
        source: bytes = self._all("SELECT source FROM template WHERE digest = ?", (digest,))[0][0]
        return source

    def finish(self, verdicts: Sequence[Verdict], at_us: int) -> None:
        with self._changing() as execute:
            for one in verdicts:
                if one.status == "waiting":
                    execute(_WAIT_AGAIN, (one.reason, one.detail, one.not_before, one.intent, "claimed"))
                else:
                    assert one.status in _ENDS, one.status
                    execute(_FINISH, (one.status, one.reason, one.detail, one.digest, at_us, one.intent))

    def unreported(self, limit: int) -> list[OutboxRow]:
        rows = self._all(
            f"SELECT {ROW} FROM intent WHERE unreported IS NOT NULL ORDER BY unreported, id LIMIT ?", (limit,)
        )
        return [as_row(row) for row in rows]

    def reported(self, intents: Sequence[tuple[str, str, str]]) -> None:
        with self._changing() as execute:
            for one in intents:
                execute("UPDATE intent SET unreported = NULL WHERE intent = ? AND status = ? AND key = ?", one)

    @property
    def coupons(self) -> SqliteCoupons:
        return SqliteCoupons(self._changing, self._all)

    # ---- suppression -------------------------------------------------------------------------------------------

    def suppress(self, address: str, reason: str, at_us: int) -> None:
        with self._changing() as execute:
            execute("INSERT OR IGNORE INTO suppression VALUES (?, ?, ?)", (address, reason, at_us))

    def suppress_all(self, rows: Sequence[tuple[str, str]], at_us: int) -> int:
        with self._changing():
            told = [(address, reason, at_us) for address, reason in rows]
            return self._connection.executemany("INSERT OR IGNORE INTO suppression VALUES (?, ?, ?)", told).rowcount

    def release_address(self, address: str) -> bool:
        with self._changing() as execute:
            return bool(execute("DELETE FROM suppression WHERE address = ?", (address,)).rowcount)

    def suppressions(self) -> list[tuple[str, str, int]]:
        return self._all("SELECT address, reason, at_us FROM suppression ORDER BY at_us, address")

    # ---- people who look ---------------------------------------------------------------------------------------

    def rows(
        self, status: str | None = None, key: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        asked = [("status = ?", status), ("key = ?", key), ("due < ?", before)]
        conditions = [(sql, value) for sql, value in asked if value is not None]
        where = " AND ".join(["true", *(sql for sql, _ in conditions)])
        rows = self._all(
            f"SELECT {ROW} FROM intent WHERE {where} ORDER BY due DESC, id DESC LIMIT ?",
            [*(value for _, value in conditions), limit],
        )
        return [as_row(row) for row in rows]

    def row(self, intent: str) -> OutboxRow | None:
        rows = self._all(f"SELECT {ROW} FROM intent WHERE intent = ?", (intent,))
        return as_row(rows[0]) if rows else None

    def release(self, intents: Sequence[str], at_us: int) -> list[str]:
        with self._changing() as execute:
            return [
                intent for intent in intents if execute(_WAIT_AGAIN, ("released", "", at_us, intent, "held")).rowcount
            ]

    def drop(self, intents: Sequence[str], reason: str, at_us: int) -> list[str]:
        sql = """
            UPDATE intent SET status = 'dropped', reason = ?, finished_at = ?, unreported = 1
            WHERE intent = ? AND status IN ('held', 'waiting')
        """
        with self._changing() as execute:
            return [intent for intent in intents if execute(sql, (reason, at_us, intent)).rowcount]

    def counts(self) -> dict[str, int]:
        return dict(self._all("SELECT status, number FROM tally WHERE number > 0 ORDER BY status"))

    def waiting_by_channel(self) -> dict[str, int]:
        # In the order of the index, which holds all that is asked: a million in a fifth of a second.
        rows = self._all(
            "SELECT channel, count(*) FROM intent INDEXED BY waiting_by_channel WHERE status = 'waiting' "
            "GROUP BY partition, channel"
        )
        return {name: sum(number for of, number in rows if of == name) for name in sorted({name for name, _ in rows})}

    def per_person(self, since_us: int) -> dict[int, int]:
        return dict(self._all(_PER_PERSON, (since_us,)))

    def close(self) -> None:
        with self._lock, world(self._path):
            self._connection.close()
            if self._turns >= 0:
                os.close(self._turns)
                self._turns = -1
