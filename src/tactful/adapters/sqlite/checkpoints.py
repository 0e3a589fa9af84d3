"""Keeps a write-ahead log short without making a commit wait for it.

Copying a write-ahead log back into its file takes hundreds of milliseconds when many pages changed, and SQLite does it
by default inside the commit that crosses a threshold. Here a thread with its own connection copies, in passes that
block nobody, each over what was written during the one before. What is left then is little, and the writer itself
copies it between two transactions (`finish`): only so does its next write find everything copied and start the log
over. So the log stays bounded under constant writing, too.
"""

import sqlite3
from pathlib import Path
from threading import Condition, Thread

from tactful.adapters.sqlite.connection import Tuning, connect_beside
from tactful.adapters.sqlite.handles import sync

_SMALL_PAGES = 1000
_PASSES = 4
_BOUND = 4
"""The writer waits for the thread when this many times `every_bytes` are not copied yet."""


class Checkpointer:
    """Told by the writer how much it wrote; copies back every `every_bytes`, the first time `head_start` sooner, so
    that files which are written alike are not all copied at the same moment."""

    def __init__(self, path: Path, tuning: Tuning, every_bytes: int, head_start: int = 0) -> None:
        self._path = path
        self._tuning = tuning
        self._every_bytes = every_bytes
        self._written = head_start
        self._is_ripe = False
        self._is_stopped = False
        self._changed = Condition()
        self._thread: Thread | None = None
        self.rounds = 0
        self.failure: Exception | None = None
        """Of the last round. Nothing is lost: what is not copied stays in the log, and the next round tries again."""

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

    def finish(self, connection: sqlite3.Connection) -> None:
        """To be called by the writer, on its connection, with no transaction open and nobody else writing."""
        if self._written > _BOUND * self._every_bytes:
            self._wait()
        if not self._is_ripe:
            return
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            self.failure = error
        with self._changed:  # The thread held still meanwhile: only one can copy at a time.
            self._is_ripe = False
            self._changed.notify_all()

    def _wait(self) -> None:
        """For the end of the round, whatever it could do: a reader may hold on to old pages for long."""
        with self._changed:
            before = self.rounds
            while self._thread and self._thread.is_alive() and not (self._is_ripe or self.rounds > before):
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
            while taken := self._next():
                try:
                    connection = connection or connect_beside(self._path, self._tuning)
                    _copy(connection, str(self._path.absolute()))
                    self.failure = None
                except (sqlite3.Error, OSError) as error:
                    self.failure = error
                with self._changed:
                    self._is_ripe = self.failure is None
                    self._written -= taken
                    self.rounds += 1
                    self._changed.notify_all()
        finally:
            if connection:
                connection.close()
            with self._changed:
                self._changed.notify_all()

    def _next(self) -> int:
        """How much was written when there is enough to copy; 0 when it is time to end."""
        with self._changed:
            while (self._written < self._every_bytes or self._is_ripe) and not self._is_stopped:
                self._changed.wait()
            return 0 if self._is_stopped else self._written


def _copy(connection: sqlite3.Connection, path: str) -> None:
    """Passes over what stood there when each began, until one finds little."""
    before = 0
    for _ in range(_PASSES):
        _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        sync(path)
        if copied < pages or pages - before <= _SMALL_PAGES:
            return
        before = copied
