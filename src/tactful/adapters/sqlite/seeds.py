"""Seeds as files: DATA/seeds/DIGEST.db, a table of states by fragment, written once; anew where a person is erased.

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
from tactful.kernel.fragments import entry_of
from tactful.runtime.ports import Clock
from tactful.runtime.seeds import Digest, Row

APPLICATION_ID = 0x7AC7_0008
_AT_ONCE = 1_000
_OF_ONE = "SELECT fragment FROM whole.seed WHERE fragment >= ? AND fragment < ?"
"""Of an identifier, and of those that go on with "#"."""
_STATES = "SELECT states FROM seed WHERE fragment = ?"
_WAY_OUT = (
    "People's states wait for it. What it holds was counted from the history, and `survey` or `tactful seed` counts it "
    "again; or put it back from the backup that the data folder came from."
)
_HEAD = 100
"""Bytes; of them at 16 the size of a page, at 28 how many there are (https://www.sqlite.org/fileformat.html)."""
_FAST = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536")


class SqliteSeeds:
    """The port `Seeds` over a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._opened: dict[str, tuple[int, sqlite3.Connection]] = {}
        """By digest, with the file's number: one that was written anew has another."""
        self._lock = Lock()

    def write(self, rows: Iterable[Row], instead: str = "") -> str:
        half = self._half()
        digest = Digest()
        with world(half):
            self._folder.mkdir(parents=True, exist_ok=True)
            half.unlink(missing_ok=True)
            with closing(_made(half)) as connection:
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
            name = instead or digest.text()
            path = self._path(name)
            half.rename(path)
            now_us = self._clock.now_us()
            os.utime(path, ns=(now_us * 1000, now_us * 1000))
            _sync(self._folder)
        return name

    def is_sound(self, digest: str, *, is_thorough: bool = False) -> bool:
        path = self._path(digest)
        with world(path), suppress(FileNotFoundError), path.open("rb") as file:
            head, size = file.read(_HEAD), path.stat().st_size
            if int.from_bytes(head[16:18]) * int.from_bytes(head[28:32]) != size or not size:
                return False
            return not is_thorough or _is_whole(path)
        return False

    def states(self, digest: str, fragment: str) -> bytes | None:
        with self._lock, world(self._path(digest)):
            try:
                row = self._connection(digest).execute(_STATES, (fragment,)).fetchone()
            except sqlite3.Error as error:
                # Damaged, and what is known of it as well: whoever puts it back may write into the same file.
                if digest in self._opened:
                    self._opened.pop(digest)[1].close()
                if isinstance(error, sqlite3.OperationalError):
                    raise
                raise TransientError(f"{self._path(digest)}: the file is damaged. {_WAY_OUT}") from error
        return row[0] if row is not None else None

    def _connection(self, digest: str) -> sqlite3.Connection:
        path = self._path(digest)
        number = path.stat().st_ino if path.exists() else 0
        number_then, connection = self._opened.get(digest, (0, None))
        if connection is None or (number and number != number_then):
            if connection is not None:
                connection.close()
            if not number:
                raise TransientError(f"{path} is not there, and the log names it. {_WAY_OUT}")
            uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._opened[digest] = number, connection
        return connection

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

    def erase(self, identifiers: Collection[str]) -> int:
        gone = 0
        for digest in self.digests():
            path = self._path(digest)
            with world(path), suppress(FileNotFoundError):  # Somebody tidies up.
                gone += self._without(path, identifiers)
        return gone

    def _without(self, path: Path, identifiers: Collection[str]) -> int:
        """Write a file anew without these; returns how many rows that leaves out."""
        half = self._half()
        half.unlink(missing_ok=True)
        with closing(_made(half)) as connection:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("ATTACH ? AS whole", (path.absolute().as_uri() + "?mode=ro",))
            near = (row for one in identifiers for row in connection.execute(_OF_ONE, (f"{one}#", f"{one}$")))
            gone = [row for row in near if entry_of(row[0]) in identifiers]
            connection.execute("CREATE TEMP TABLE gone (fragment TEXT PRIMARY KEY) WITHOUT ROWID")
            connection.executemany("INSERT INTO gone VALUES (?)", gone)
            if gone:
                connection.execute("INSERT INTO seed SELECT * FROM whole.seed WHERE fragment NOT IN gone")
        if gone:
            _sync(half)
            os.utime(half, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
            half.rename(path)
            _sync(self._folder)
        half.unlink(missing_ok=True)
        return len(gone)

    def _half(self) -> Path:
        """A file on its way."""
        return self._folder / f"half-{os.getpid()}.tmp"

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.db"

    def close(self) -> None:
        with self._lock:
            for _, connection in self._opened.values():
                connection.close()
            self._opened.clear()


def _made(path: Path) -> sqlite3.Connection:
    """A new file, to be written in one go."""
    connection = sqlite3.connect(path.absolute().as_uri() + "?mode=rwc", uri=True, isolation_level=None)
    for pragma in (*_FAST, f"application_id = {APPLICATION_ID}"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE seed (fragment TEXT PRIMARY KEY, states BLOB NOT NULL) WITHOUT ROWID")
    return connection


def _is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            ((said,),) = connection.execute("PRAGMA integrity_check(1)")
        except sqlite3.DatabaseError:
            return False
    return bool(said == "ok")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
