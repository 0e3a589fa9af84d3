"""The ledger of consent in SQLite: DATA/ledger.db, fully synced.

The chain and its openings are two tables: a chain is only ever added to, an opening goes where somebody is erased, and
then its bytes are overwritten, in the file and in its write-ahead log.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from msgspec.structs import astuple

from tactful.adapters.sqlite.connection import Schema, Tuning, open_database, transaction, world
from tactful.consent.ledger import Entry, Opening, fresh

SCHEMA = Schema(
    "ledger",
    0x7AC7_0006,
    (
        (
            """
            CREATE TABLE entry (
              partition INTEGER NOT NULL, number INTEGER NOT NULL, commitment BLOB NOT NULL, chain BLOB NOT NULL,
              PRIMARY KEY (partition, number)) WITHOUT ROWID
            """,
            """
            CREATE TABLE opening (
              partition INTEGER NOT NULL, number INTEGER NOT NULL, salt BLOB NOT NULL, key TEXT NOT NULL,
              purpose TEXT NOT NULL, granted INTEGER NOT NULL, timestamp INTEGER NOT NULL, at INTEGER NOT NULL,
              text_version TEXT NOT NULL, origin TEXT NOT NULL, source TEXT NOT NULL,
              PRIMARY KEY (partition, number)) WITHOUT ROWID
            """,
            "CREATE INDEX opening_by_key ON opening (key)",
        ),
    ),
)
TUNING = Tuning("FULL", cache_bytes=2 << 20)
_SELECT = """
SELECT entry.partition, entry.number, commitment, chain,
  salt, key, purpose, granted, timestamp, at, text_version, origin, source
FROM entry LEFT JOIN opening ON opening.partition = entry.partition AND opening.number = entry.number
"""


class SqliteLedger:
    """The port `Ledger` over DATA/ledger.db (`path`)."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._connection = open_database(path, SCHEMA, TUNING, read_only=read_only)
        self._lock = RLock()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock, world(self._path), transaction(self._connection):
            yield

    def append(self, partition: int, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        with self._changing():
            end = self.end(partition)
            last = self.entries(partition, end, end)
            new = fresh(partition, last, entries, lambda number: self.entries(partition, number, number)[0])
            self._connection.executemany(
                "INSERT INTO entry VALUES (?, ?, ?, ?)",
                [(partition, one.number, one.commitment, one.chain) for one in new],
            )
            self._connection.executemany(
                "INSERT INTO opening VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(partition, one.number, *astuple(one.opening)) for one in new if one.opening is not None],
            )

    def end(self, partition: int) -> int:
        return int(self._all("SELECT ifnull(max(number), 0) FROM entry WHERE partition = ?", (partition,))[0][0])

    def entries(self, partition: int, first: int, last: int) -> list[Entry]:
        where = "WHERE entry.partition = ? AND entry.number BETWEEN ? AND ? ORDER BY entry.number"
        return [_entry(row) for row in self._all(f"{_SELECT} {where}", (partition, first, last))]

    def of(self, keys: Sequence[str]) -> list[tuple[int, Entry]]:
        marks = ", ".join("?" * len(keys))
        where = f"WHERE opening.key IN ({marks}) ORDER BY opening.at, entry.partition, entry.number"
        return [(row[0], _entry(row)) for row in self._all(f"{_SELECT} {where}", keys)]

    def forget(self, keys: Sequence[str]) -> int:
        marks = ", ".join("?" * len(keys))
        with self._lock, world(self._path):
            self._connection.execute("PRAGMA secure_delete = ON")
            try:
                with transaction(self._connection):
                    gone = self._connection.execute(f"DELETE FROM opening WHERE key IN ({marks})", keys).rowcount
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._connection.execute("PRAGMA secure_delete = FAST")
        return gone

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock, world(self._path):
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        with self._lock, world(self._path):
            self._connection.close()


def _entry(row: Any) -> Entry:
    _, number, commitment, chain, salt, key, purpose, granted, *rest = row
    opening = Opening(salt, key, purpose, bool(granted), *rest) if key is not None else None
    return Entry(number, commitment, chain, opening)
