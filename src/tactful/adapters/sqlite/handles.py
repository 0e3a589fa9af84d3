"""Syncs a database file beside SQLite, so that a checkpoint finds little left to sync.

A checkpoint that did not reach the end of the write-ahead log syncs nothing, and the one that does syncs everything, in
whoever calls it. So the thread that copies pages syncs them too, by a handle of its own. POSIX takes away all locks of
a process on a file when the process closes any handle to it; hence a handle is closed only after the last of this
process's connections to the file, which are counted here.
"""

import os
import sqlite3
from threading import Lock
from typing import Any

_lock = Lock()
_connections: dict[str, int] = {}
_handles: dict[str, int] = {}


class CountedConnection(sqlite3.Connection):
    """A connection whose life is known to `sync`; `path` is absolute."""

    def __init__(self, database: str, *arguments: Any, **options: Any) -> None:
        self._counted = ""
        super().__init__(database, *arguments, **options)

    def count(self, path: str) -> None:
        self._counted = path
        with _lock:
            _connections[path] = _connections.get(path, 0) + 1

    def close(self) -> None:
        super().close()
        path, self._counted = self._counted, ""
        if path:
            with _lock:
                _connections[path] -= 1
                if not _connections[path]:
                    del _connections[path]
                    if path in _handles:
                        os.close(_handles.pop(path))


def sync(path: str) -> None:
    """Bring the file's own pages to disk. The caller holds a connection to it meanwhile."""
    with _lock:
        assert path in _connections, "no connection keeps the handle's locks"
        if path not in _handles:
            _handles[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        handle = _handles[path]
    os.fdatasync(handle)
