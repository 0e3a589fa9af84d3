"""The quarantine in SQLite: DATA/quarantine.db, fully synced; what the bounds push out is counted, never hidden."""

from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec

from tactful.adapters.sqlite.connection import IDS, Schema, Tuning, open_database, transaction, world
from tactful.runtime.ports import Quarantined
from tactful.runtime.relay import untold
from tactful.values import DAY_US

SCHEMA = Schema(
    "quarantine",
    0x7AC7_0005,
    (
        (
            """
            CREATE TABLE item (
              id INTEGER PRIMARY KEY AUTOINCREMENT, received_at INTEGER NOT NULL, source TEXT NOT NULL,
              code TEXT NOT NULL, field TEXT NOT NULL, message TEXT NOT NULL, body BLOB NOT NULL,
              size INTEGER NOT NULL)
            """,
            "CREATE INDEX item_by_code ON item (code)",
            "CREATE INDEX item_by_time ON item (received_at)",
            """
            CREATE TABLE total (
              one INTEGER PRIMARY KEY CHECK (one = 1), items INTEGER NOT NULL, bytes INTEGER NOT NULL,
              forgotten INTEGER NOT NULL)
            """,
            "INSERT INTO total VALUES (1, 0, 0, 0)",
            """
            CREATE TRIGGER item_came AFTER INSERT ON item BEGIN
              UPDATE total SET items = items + 1, bytes = bytes + length(new.body);
            END
            """,
            """
            CREATE TRIGGER item_went AFTER DELETE ON item BEGIN
              UPDATE total SET items = items - 1, bytes = bytes - length(old.body);
            END
            """,
        ),
        (
            "ALTER TABLE item ADD COLUMN ref INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE item ADD COLUMN vouched TEXT NOT NULL DEFAULT '[]'",
            "CREATE TABLE told (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL)",
        ),
        (
            "ALTER TABLE item ADD COLUMN call TEXT NOT NULL DEFAULT ''",
            "CREATE UNIQUE INDEX item_by_call ON item (source, call) WHERE call <> ''",
        ),
    ),
)
TUNING = Tuning("FULL", cache_bytes=2 << 20)

BODY_BYTES = 64 << 10
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, ...]).decode
_COLUMNS = "id, received_at, source, code, field, message, body, size, ref, vouched, call"


class SqliteQuarantine:
    """The port `Quarantine`; age is counted back from the newest item, so that no clock is asked."""

    def __init__(
        self,
        path: Path,
        *,
        items: int = 100_000,
        size: int = 256 << 20,
        age_us: int = 30 * DAY_US,
        read_only: bool = False,
    ) -> None:
        self._path = path
        self._items = items
        self._size = size
        self._age_us = age_us
        self._connection = open_database(path, SCHEMA, TUNING, read_only=read_only)
        self._lock = RLock()

    def put(self, items: Sequence[Quarantined]) -> None:
        if not items:
            return
        with self._lock, world(self._path), transaction(self._connection):
            told = dict(self._connection.execute("SELECT partition, position FROM told").fetchall())
            new, told_now = untold(items, told)
            self._connection.executemany(
                "INSERT INTO item (received_at, source, code, field, message, body, size, ref, vouched, call) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, call) WHERE call <> '' DO NOTHING",
                map(_written, new),
            )
            self._connection.executemany(
                "INSERT INTO told VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
                told_now.items(),
            )
            self._forget(max(one.received_at for one in items) - self._age_us)

    def _forget(self, before_us: int) -> None:
        execute = self._connection.execute
        forgotten = execute("DELETE FROM item WHERE received_at < ?", (before_us,)).rowcount
        items, size = execute("SELECT items, bytes FROM total").fetchone()
        going: list[tuple[int]] = []
        if items > self._items or size > self._size:
            for id, body_size in execute("SELECT id, length(body) FROM item ORDER BY id"):
                if items <= self._items and size <= self._size:
                    break
                going.append((id,))
                items, size = items - 1, size - body_size
        self._connection.executemany("DELETE FROM item WHERE id = ?", going)
        execute("UPDATE total SET forgotten = forgotten + ?", (forgotten + len(going),))

    def rows(self, before: int | None = None, limit: int = 100, code: str = "") -> list[Quarantined]:
        """Newest first."""
        rows = self._all(
            f"SELECT {_COLUMNS} FROM item WHERE id < ifnull(?, id + 1) AND ? IN ('', code) ORDER BY id DESC LIMIT ?",
            (before, code, limit),
        )
        return [_read(row) for row in rows]

    def row(self, id: int) -> Quarantined | None:
        rows = self._all(f"SELECT {_COLUMNS} FROM item WHERE id = ?", (id,)) if id in IDS else []
        return _read(rows[0]) if rows else None

    def remove(self, ids: Sequence[int]) -> int:
        with self._lock, world(self._path), transaction(self._connection):
            return self._connection.executemany("DELETE FROM item WHERE id = ?", [(id,) for id in ids]).rowcount

    def counts(self) -> dict[str, int]:
        """By code, and `forgotten`."""
        counts = dict(self._all("SELECT code, count(*) FROM item GROUP BY code ORDER BY code"))
        counts["forgotten"] = self._all("SELECT forgotten FROM total")[0][0]
        return counts

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock, world(self._path):
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        with self._lock, world(self._path):
            self._connection.close()


def _written(one: Quarantined) -> tuple[object, ...]:
    body, vouched = one.body[:BODY_BYTES], _encode(one.vouched).decode()
    return (one.received_at, one.source, one.code, one.field, one.message, body, one.size, one.ref, vouched, one.call)


def _read(row: Any) -> Quarantined:
    return Quarantined(*(*row[:-2], _decode(row[-2]), row[-1]))
