"""One file of the log: frames of all partitions, written between its making and its closing.

A frame holds the records that one append brought to one partition. Its row id is (partition, first position), so that
one B-tree orders everything and needs no index. The row in `file` is written last when a file is made: without it the
file is half made, and whoever comes next finishes it. `closed_us` is set in a transaction of the file itself, so every
process that appends sees it before it could write behind it.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec

from tactful.adapters.sqlite.checkpoints import Checkpointer
from tactful.adapters.sqlite.connection import Schema, Tuning, open_database, transaction, world
from tactful.errors import TransientError, UsageError

SCHEMA = Schema(
    "log",
    0x7AC7_0001,
    (
        (
            """
            CREATE TABLE frame (
              place INTEGER PRIMARY KEY, records INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL)
            """,
            "CREATE TABLE start (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL)",
            """
            CREATE TABLE file (
              one INTEGER PRIMARY KEY CHECK (one = 1), partitions INTEGER NOT NULL, started_us INTEGER NOT NULL,
              closed_us INTEGER)
            """,
        ),
    ),
)
TUNING = Tuning("FULL", autocheckpoint=0)

_POSITION_BITS = 48
_POSITION_MASK = (1 << _POSITION_BITS) - 1
_CHECKPOINT_BYTES = 16 << 20

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[bytes])


class Frame(msgspec.Struct, frozen=True):
    """Records of one partition, ready to be written."""

    partition: int
    records: int
    crc: int
    body: bytes


def frame(partition: int, records: Sequence[bytes]) -> Frame:
    body = _encode(list(records))
    return Frame(partition, len(records), crc32(body), body)


def _place(partition: int, position: int) -> int:
    return partition << _POSITION_BITS | position


class LogFile:
    """A connection to one file. Not for several threads at once: the log's locks see to that."""

    def __init__(self, path: Path, partitions: int, *, read_only: bool) -> None:
        self.path = path
        self._partitions = partitions
        self._connection = open_database(path, SCHEMA, TUNING, read_only=read_only)
        self._checkpoints = Checkpointer(path, TUNING, _CHECKPOINT_BYTES)
        self._is_closed = False
        self.starts: list[int] = []
        """By partition: the highest position before this file. Empty while the file is half made."""
        self.started_us = 0
        try:
            self._read_header()
        except BaseException:
            self.close()
            raise

    def _read_header(self) -> None:
        with world(self.path):
            row = self._connection.execute("SELECT partitions, started_us, closed_us FROM file").fetchone()
            if row is None:
                return
            if row[0] != self._partitions:
                raise UsageError(
                    f"{self.path} was made for {row[0]} partitions, not {self._partitions}: "
                    "their number is fixed when the data folder is made"
                )
            rows = self._connection.execute("SELECT position FROM start ORDER BY partition").fetchall()
        self.starts = [position for (position,) in rows]
        self.started_us = row[1]
        self._is_closed = row[2] is not None

    def make(self, starts: Sequence[int], now_us: int) -> None:
        """Finish a half-made file, unless another process just did."""
        with world(self.path), transaction(self._connection):
            if self._connection.execute("SELECT 1 FROM file").fetchone() is None:
                self._connection.executemany("INSERT OR REPLACE INTO start VALUES (?, ?)", enumerate(starts))
                self._connection.execute("INSERT INTO file VALUES (1, ?, ?, NULL)", (self._partitions, now_us))
        self._read_header()

    def append(self, frames: Sequence[Frame], now_us: int, slice_us: int) -> dict[int, int] | None:
        """First positions by partition; None, and nothing written, where the file is (or is now) closed."""
        connection = self._connection
        self._checkpoints.finish(connection)  # All appenders take turns, so that nobody else writes.
        with world(self.path), transaction(connection):
            if self._closed_us() is not None:
                return None
            if now_us - self.started_us >= slice_us:
                connection.execute("UPDATE file SET closed_us = ?", (now_us,))
                return None
            firsts = {one.partition: self._end(one.partition) + 1 for one in frames}
            connection.executemany(
                "INSERT INTO frame VALUES (?, ?, ?, ?)",
                [(_place(one.partition, firsts[one.partition]), one.records, one.crc, one.body) for one in frames],
            )
        self._checkpoints.wrote(sum(len(one.body) + TUNING.page_size for one in frames))
        return firsts

    def end(self, partition: int) -> int:
        with world(self.path):
            return self._end(partition)

    def _end(self, partition: int) -> int:
        row = self._connection.execute(
            "SELECT place, records FROM frame WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1",
            (_place(partition, 0), _place(partition, _POSITION_MASK)),
        ).fetchone()
        return (row[0] & _POSITION_MASK) + int(row[1]) - 1 if row else self.starts[partition]

    def closed_us(self) -> int | None:
        with world(self.path):
            return self._closed_us()

    def _closed_us(self) -> int | None:
        closed_us: int | None = self._connection.execute("SELECT closed_us FROM file").fetchone()[0]
        return closed_us

    def is_closed(self) -> bool:
        if not self._is_closed:
            self._is_closed = self.closed_us() is not None
        return self._is_closed

    def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """About `limit` records behind `after`, whole frames, each checked. A hole or a damaged frame is an error."""
        found: list[tuple[int, bytes]] = []
        expected = max(after, self.starts[partition]) + 1
        with world(self.path):
            cursor = self._connection.execute(
                "SELECT place, records, crc, body FROM frame WHERE place BETWEEN ? AND ? ORDER BY place",
                (self._place_holding(partition, expected), _place(partition, _POSITION_MASK)),
            )
            try:
                for place, records, crc, body in cursor:
                    first = place & _POSITION_MASK
                    bodies = self._checked(partition, first, records, crc, body)
                    if first > expected or first + records <= expected:
                        raise self._damaged(partition, expected, f"position {expected} is missing before {first}")
                    found.extend(enumerate(bodies[expected - first :], start=expected))
                    expected = first + records
                    if len(found) >= limit:
                        break
            finally:
                cursor.close()  # A statement left open would hold the write-ahead log.
        return found

    def _place_holding(self, partition: int, position: int) -> int:
        """Where the frame with this position begins; readers go frame by frame, so it is nearly always its first."""
        place = _place(partition, position)
        row = self._connection.execute(
            "SELECT place, records FROM frame WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1",
            (_place(partition, 0), place),
        ).fetchone()
        return row[0] if row and row[0] + row[1] > place else place

    def _checked(self, partition: int, first: int, records: int, crc: int, body: bytes) -> list[bytes]:
        try:
            bodies = _decoder.decode(body) if crc32(body) == crc else []
        except (msgspec.DecodeError, TypeError):
            bodies = []
        if len(bodies) != records or not records:
            raise self._damaged(partition, first, "its checksum does not match")
        return bodies

    def _damaged(self, partition: int, position: int, what: str) -> TransientError:
        return TransientError(
            f"{self.path}: the frame of partition {partition} at position {position} is damaged ({what}). "
            "Nothing behind it is read. Stop the server, keep a copy, and put back a backup of the data folder."
        )

    def ends(self) -> list[int]:
        return [self.end(partition) for partition in range(self._partitions)]

    def copy_back(self) -> None:
        """Bring a closed file's write-ahead log home; readers elsewhere may prevent it, which does no harm."""
        with world(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        self._checkpoints.close()
        with suppress(sqlite3.Error):  # The last one to close copies back; where that fails, the next one to open will.
            self._connection.close()


def remove(path: Path) -> None:
    """The file first, durably: it must not come back without its write-ahead log."""
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
