"""Keeps a write-ahead log short without making anybody wait for it.

Copying a write-ahead log back into its file takes hundreds of milliseconds when many pages changed, and SQLite does it
by default inside the commit that crosses a threshold. Here a thread with its own connection does it: first passes
that block nobody, each over what was written during the one before, and when little is left one short pass that
holds the write lock, after which the log starts over. So the log stays bounded under constant writing, too.
"""

import sqlite3
from pathlib import Path
from threading import Condition, Thread

from tactful.adapters.sqlite.connection import Tuning, connect_beside

_SMALL_PAGES = 256
_PASSES = 4
_BUSY_MS = 100
"""How long the last pass waits for readers; if they are slower, the next round tries again."""


class Checkpointer:
    """Told by the writer how much it wrote; copies back every `every_bytes`."""

    def __init__(self, path: Path, tuning: Tuning, every_bytes: int) -> None:
        self._path = path
        self._tuning = tuning
        self._every_bytes = every_bytes
        self._written = 0
        self._is_stopped = False
        self._changed = Condition()
        self._thread: Thread | None = None
        self.rounds = 0
        self.failure: sqlite3.Error | None = None

    def wrote(self, size: int) -> None:
        """`size` bytes more stand in the write-ahead log."""
        with self._changed:
            self._written += size
            if self._written < self._every_bytes:
                return
            if self._thread is None:
                self._thread = Thread(target=self._run, name=f"checkpoints {self._path.name}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, at_most_bytes: int) -> None:
        """Return when no more than this waits to be copied back, or a round could not do it (a reader holds on)."""
        with self._changed:
            before = self.rounds
            while self._thread and self._written > at_most_bytes and self.rounds == before and not self._is_stopped:
                self._changed.wait()

    def close(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while True:
                with self._changed:
                    while self._written < self._every_bytes and not self._is_stopped:
                        self._changed.wait()
                    if self._is_stopped:
                        return
                    taken = self._written
                try:
                    connection = connection or connect_beside(self._path, self._tuning, busy_ms=_BUSY_MS)
                    _round(connection)
                    self.failure = None
                except sqlite3.Error as error:
                    # The disk may be full. The writer meets the same world and says so; the next round tries again.
                    self.failure = error
                with self._changed:
                    self._written -= taken
                    self.rounds += 1
                    self._changed.notify_all()
        finally:
            if connection:
                connection.close()


def _round(connection: sqlite3.Connection) -> None:
    for _ in range(_PASSES):
        _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages - copied <= _SMALL_PAGES:
            break
    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
