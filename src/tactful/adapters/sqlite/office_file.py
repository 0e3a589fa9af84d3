"""DATA/office.db, open: one connection for all who keep something in it, for its owner only."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Cursor
from threading import RLock
from typing import Any

from tactful.adapters.sqlite.connection import open_database, transaction, world
from tactful.adapters.sqlite.office_schema import SCHEMA, TUNING


class OfficeFile:
    """Threads take turns."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        if not read_only:
            _make_private(path)
        self._connection = open_database(path, SCHEMA, TUNING, read_only=read_only)
        with world(path):
            self._connection.execute("PRAGMA foreign_keys = ON")
        self._lock = RLock()

    @contextmanager
    def changing(self) -> Iterator[Callable[..., Cursor]]:
        """A transaction; gives `execute`."""
        with self._lock, world(self._path), transaction(self._connection):
            yield self._connection.execute

    def all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock, world(self._path):
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        with self._lock, world(self._path):
            self._connection.close()


def _make_private(path: Path) -> None:
    """SQLite gives what it puts beside a file (-wal, -shm) the rights of the file itself."""
    with world(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
