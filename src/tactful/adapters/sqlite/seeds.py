"""Seeds as files: DATA/seeds/DIGEST.db, a table of states by fragment, written once and never changed.

A file is written under another name, synced, and then given its own, so that whoever finds one finds all of it. Readers
take no locks: nobody writes. Unlike the other files of the data folder it needs no log of its own, since a half-written
one is worth nothing and is written anew.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock

from tactful.adapters.sqlite.connection import world
from tactful.errors import TransientError
from tactful.runtime.ports import Clock
from tactful.runtime.seeds import Digest, Row

APPLICATION_ID = 0x7AC7_0008
_AT_ONCE = 1_000
_FAST = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536")


class SqliteSeeds:
    """The port `Seeds` over a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._opened: dict[str, sqlite3.Connection] = {}
        self._lock = Lock()

    def write(self, rows: Iterable[Row]) -> str:
        half = self._folder / f"half-{os.getpid()}.tmp"
        digest = Digest()
        with world(half):
            self._folder.mkdir(parents=True, exist_ok=True)
            half.unlink(missing_ok=True)
            with closing(sqlite3.connect(half, isolation_level=None)) as connection:
                for pragma in (*_FAST, f"application_id = {APPLICATION_ID}"):
                    connection.execute(f"PRAGMA {pragma}")
                connection.execute("CREATE TABLE seed (fragment TEXT PRIMARY KEY, states BLOB NOT NULL) WITHOUT ROWID")
                connection.execute("BEGIN")
                lot: list[Row] = []
                for row in rows:
                    digest.add(row)
                    lot.append(row)
                    if len(lot) == _AT_ONCE:
                        connection.executemany("INSERT INTO seed VALUES (?, ?)", lot)
                        lot.clear()
                connection.executemany("INSERT INTO seed VALUES (?, ?)", lot)
                connection.execute("COMMIT")
            _sync(half)
            path = self._path(digest.text())
            half.rename(path)
            now_us = self._clock.now_us()
            os.utime(path, ns=(now_us * 1000, now_us * 1000))
            _sync(self._folder)
        return digest.text()

    def states(self, digest: str, fragment: str) -> bytes | None:
        with self._lock, world(self._path(digest)):
            row = self._connection(digest).execute("SELECT states FROM seed WHERE fragment = ?", (fragment,)).fetchone()
        return row[0] if row is not None else None

    def _connection(self, digest: str) -> sqlite3.Connection:
        if digest not in self._opened:
            path = self._path(digest)
            if not path.exists():
                raise TransientError(
                    f"{path} is not there, and the log names it. Put it back from the backup that the data folder came "
                    "from: what it holds was counted of the history, and people's states wait for it."
                )
            uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
            self._opened[digest] = sqlite3.connect(uri, uri=True, check_same_thread=False)
        return self._opened[digest]

    def digests(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.db"))

    def forget(self, keep: Collection[str], before_us: int) -> int:
        """Also halves that nobody ends any more."""
        gone = 0
        with world(self._folder):
            for path in [*self._folder.glob("*.db"), *self._folder.glob("half-*.tmp")]:
                with suppress(FileNotFoundError):  # Somebody else tidies up as well.
                    if path.stem not in keep and path.stat().st_mtime_ns // 1000 < before_us:
                        path.unlink()
                        gone += path.suffix == ".db"
        return gone

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.db"

    def close(self) -> None:
        with self._lock:
            for connection in self._opened.values():
                connection.close()
            self._opened.clear()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
