"""How every SQLite file of the data folder is opened, migrated and spoken of when the world fails.

Each kind of file has its own application id, and `user_version` counts its schema: step n of its migrations, a list of
statements, brings version n - 1 to n in one transaction. Files only go forward: one written by a newer Tactful is
refused. Connections are in autocommit mode and every write stands in an explicit BEGIN IMMEDIATE, so that waiting for
a lock happens at the start, never in the middle.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from tactful.adapters.sqlite.handles import CountedConnection
from tactful.errors import TransientError, UsageError

IDS = range(1 << 63)
"""What an id may be; a larger number is that of nothing."""
BUSY_S = 30.0
"""How long a connection waits for a lock; a transaction of ours takes milliseconds."""


class NotMadeYet(UsageError):
    """The file does not exist, or its making is not finished; whoever writes makes it."""


class Schema(Struct, frozen=True):
    """One kind of file: what it is called in messages, its mark in the header, and the steps of its migrations."""

    name: str
    application_id: int
    steps: tuple[tuple[str, ...], ...]


class Tuning(Struct, frozen=True):
    """What a kind of file needs. Sizes in bytes; `autocheckpoint` in pages (0: a Checkpointer does it)."""

    synchronous: Literal["NORMAL", "FULL"]
    page_size: int = 4096
    cache_bytes: int = 4 << 20
    mmap_bytes: int = 0
    autocheckpoint: int = 1000
    wal_bytes: int = 64 << 20
    """What stays of the write-ahead log's file when it starts over."""


def open_database(path: Path, schema: Schema, tuning: Tuning, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to the file, made and migrated where need be (never when `read_only`).

    Raises NotMadeYet where a reader finds nothing, UsageError where the file is of another kind or a newer schema.
    """
    with world(path):
        if read_only:
            return _open_for_reading(path, schema, tuning)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _folder_lock(path.parent) as folder:
            is_new = not path.exists()
            connection = _connect(path, "rwc")
            try:
                _check(path, schema, connection)
                connection.execute(f"PRAGMA page_size = {tuning.page_size}")
                connection.execute("PRAGMA journal_mode = WAL")
                _tune(connection, tuning)
                _migrate(connection, schema)
            except BaseException:
                connection.close()
                raise
            if is_new:
                os.fsync(folder)
            return connection


def _open_for_reading(path: Path, schema: Schema, tuning: Tuning) -> sqlite3.Connection:
    if not path.exists():
        raise NotMadeYet(f"{path} does not exist: is this the data folder, and has the server run on it?")
    connection = _connect(path, "ro")
    try:
        connection.execute("BEGIN")  # One look: somebody may be making the file right now.
        version = _check(path, schema, connection)
        connection.execute("COMMIT")
        if version == 0:
            raise NotMadeYet(f"{path} is empty: start the server once, it makes the file")
        if version < len(schema.steps):
            raise UsageError(
                f"{path} has schema {version} and this Tactful reads {len(schema.steps)}: "
                "start the server once, it brings the file up to date"
            )
        _tune(connection, tuning)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Our own locks keep threads apart, so that a connection may be made in one and used in another.
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False, factory=CountedConnection
    )
    connection.count(str(path.absolute()))
    return connection


def connect_beside(path: Path, tuning: Tuning) -> sqlite3.Connection:
    """A second connection to a file that this process has opened already."""
    connection = _connect(path, "rw")
    _tune(connection, tuning)
    return connection


def _tune(connection: sqlite3.Connection, tuning: Tuning) -> None:
    connection.execute(f"PRAGMA synchronous = {tuning.synchronous}")
    connection.execute(f"PRAGMA cache_size = {-tuning.cache_bytes // 1024}")
    connection.execute(f"PRAGMA mmap_size = {tuning.mmap_bytes}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {tuning.autocheckpoint}")
    connection.execute(f"PRAGMA journal_size_limit = {tuning.wal_bytes}")
    # Debian's build zeroes freed pages, which writes every forgotten blob once more; FAST zeroes what costs nothing.
    connection.execute("PRAGMA secure_delete = FAST")


def _check(path: Path, schema: Schema, connection: sqlite3.Connection) -> int:
    """The version of the file's schema; refuses what this code must not touch."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if mark != schema.application_id and (mark or version or tables):
        raise UsageError(f"{path} is not Tactful's {schema.name}: move it away, or choose another data folder")
    if version > len(schema.steps):
        raise UsageError(
            f"{path} was written by a newer Tactful (schema {version}, this one knows {len(schema.steps)}): "
            "use that version, or a data folder of its own"
        )
    return int(version)


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, step in enumerate(schema.steps[version:], start=version + 1):
        with transaction(connection):
            for statement in step:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.application_id}")
            connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def _folder_lock(folder: Path) -> Iterator[int]:
    """One process at a time makes or migrates files here; the lock dies with its process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the write lock is taken at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def world(path: Path) -> Iterator[None]:
    """Errors of the file and its disk come out as TransientError, with what the operator can do."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from error
    except OSError as error:
        raise TransientError(f"{path}: {error.strerror or error}. Nothing was lost; the disk needs a look.") from error


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full. Nothing was lost: free some space, and work goes on.",
    sqlite3.SQLITE_BUSY: f"another process has held the file for more than {BUSY_S:g} seconds. Nothing was lost: "
    "see which process has it open (fuser), and whether the disk is slow.",
    sqlite3.SQLITE_LOCKED: "the file is locked by this process. Nothing was lost: try again.",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Stop the server, keep a copy, and put back a backup of the "
    "data folder.",
    sqlite3.SQLITE_NOTADB: "the file is damaged, or no database. Stop the server, keep a copy, and put back a backup "
    "of the data folder.",
    sqlite3.SQLITE_READONLY: "the file cannot be written. Give the server's user the right to write to the data "
    "folder.",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened. See that it exists and that the server's user may read and "
    "write the data folder.",
    sqlite3.SQLITE_PERM: "the file may not be opened. Give the server's user the right to the data folder.",
    sqlite3.SQLITE_IOERR: "the disk failed or is full. Nothing was lost: see the system's log (dmesg) and the free "
    "space.",
    sqlite3.SQLITE_NOMEM: "memory is short. Nothing was lost: give the machine more, or run fewer processes.",
}


def explained(path: Path, error: sqlite3.Error) -> Exception:
    """The TransientError for what the world did; the error itself where it is our bug (a constraint, wrong SQL)."""
    code = getattr(error, "sqlite_errorcode", None)
    advice = _ADVICE.get(code & 0xFF) if code is not None else None
    return error if advice is None else TransientError(f"{path}: {advice} ({error})")
