"""One partition's file of the trail: pieces of derived rows by their last position, compressed."""

import json
import logging
import os
import zlib
from collections.abc import Generator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from tactful.adapters.sqlite.checkpoints import Checkpointer
from tactful.adapters.sqlite.connection import Schema, Tuning, open_database, transaction, world
from tactful.errors import TransientError
from tactful.events.derived import Closed, decode_closed, decode_groups, encode_groups
from tactful.events.mentions import Tallies, Tally, definitions, told, within

SCHEMA = Schema(
    "trail",
    0x7AC7_0004,
    (
        (
            "CREATE TABLE piece (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, body BLOB NOT NULL)",
            "CREATE TABLE mention (definition TEXT, last INTEGER, PRIMARY KEY (definition, last)) WITHOUT ROWID",
        ),
        (
            # By hour first: what is written now lies together. `first` and `last` are of the pieces behind the number.
            """
            CREATE TABLE tally (
              hour INTEGER, definition TEXT, what TEXT, name TEXT, detail TEXT, number INTEGER NOT NULL,
              first INTEGER NOT NULL, last INTEGER NOT NULL,
              PRIMARY KEY (hour, definition, what, name, detail)) WITHOUT ROWID
            """,
            "CREATE TABLE tallied (one INTEGER PRIMARY KEY CHECK (one = 1))",
        ),
    ),
)
TUNING = Tuning("NORMAL", autocheckpoint=0)
_ADD = """
UPDATE tally SET number = number + ?, last = ?
WHERE hour = ? AND definition = ? AND what = ? AND name = ? AND detail = ?
"""
_KINDS = "SELECT count(*) FROM tally WHERE hour = ? AND definition = ? AND what = ?"
_PUT = """
INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET number = number + excluded.number, last = excluded.last
"""
_COLUMNS = "tally.hour, definition, what, name, detail, number"
_ENDS = "SELECT (SELECT min(hour) FROM tally), (SELECT max(hour) FROM tally)"
_ALL = f"SELECT {_COLUMNS} FROM tally WHERE hour BETWEEN ? AND ? ORDER BY hour, definition, what, name, detail"
_HOURS = """
WITH RECURSIVE hours (hour) AS (SELECT ?1 WHERE ?1 <= ?2 UNION ALL SELECT hour + 1 FROM hours WHERE hour < ?2)
"""
"""One search for each hour, since others lie between."""
_OF_ONE = f"""
{_HOURS} SELECT {_COLUMNS} FROM hours CROSS JOIN tally ON tally.hour = hours.hour AND definition = ?3
ORDER BY tally.hour, what, name, detail
"""
_SUMS = f"""
{_HOURS} SELECT ?3, definition, what, name, detail, sum(number)
FROM hours CROSS JOIN tally ON tally.hour = hours.hour AND definition BETWEEN ?4 AND ?5
WHERE ?6 = '[]' OR what IN (SELECT value FROM json_each(?6))
GROUP BY definition, what, name, detail ORDER BY definition, what, name, detail
"""
_LAST_CHARACTER = "\U0010ffff"
_SPAN = f"""
{_HOURS} SELECT min(first), max(last) FROM hours CROSS JOIN tally ON tally.hour = hours.hour AND definition = ?3
WHERE what IN (SELECT value FROM json_each(?4))
"""
_CHECKPOINT_BYTES = 16 << 20
_OPENED = 16
"""Pieces of which the groups stay in memory for who follows a person back; each has some hundred kilobytes."""
_NONE = encode_groups([])
_log = logging.getLogger(__name__)
_LEVEL = 1
"""Of zlib: groups repeat the same names and texts, so that the fastest level already makes them a fraction."""


class TrailFile:
    """A connection to the file; the trail's lock keeps threads apart."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._connection = open_database(path, SCHEMA, TUNING, read_only=read_only)
        self._checkpoints = Checkpointer(path, TUNING, _CHECKPOINT_BYTES)
        self._opened: dict[int, dict[tuple[int, str], Closed]] = {}
        self._is_listed = False
        """The folder's entry for the write-ahead log, which is new each time, is durable."""
        if not read_only:
            self._tally_what_was_before()

    def append(self, first: int, last: int, groups: bytes) -> None:
        self._checkpoints.finish(self._connection)
        with world(self._path), transaction(self._connection):
            known = self._end()
            if last <= known:
                return
            if first <= known and groups:
                groups = encode_groups([group for group in decode_groups(groups) if group.position > known])
            first = max(first, known + 1)
            body = zlib.compress(groups, _LEVEL)
            self._connection.execute("INSERT INTO piece VALUES (?, ?, ?)", (last, first, body))
            counted = told(groups) if groups else {}
            mentioned = definitions(counted)
            self._connection.executemany("INSERT INTO mention VALUES (?, ?)", [(one, last) for one in mentioned])
            self._tally(counted, first, last)
        self._checkpoints.wrote(len(body) + (len(mentioned) + 4) * TUNING.page_size)

    def _tally(self, counted: Tallies, first: int, last: int) -> None:
        execute = self._connection.execute
        for key, number in sorted(counted.items()):
            if execute(_ADD, (number, last, *key)).rowcount:
                continue
            (known,) = execute(_KINDS, key[:3]).fetchone()
            execute(_PUT, (*within(key, known), number, first, last))

    def _tally_what_was_before(self) -> None:
        """Once, for a file of before there were tallies: all its pieces are read."""
        with world(self._path), transaction(self._connection):
            if self._connection.execute("SELECT 1 FROM tallied").fetchone() is not None:
                return
            if self._end():
                _log.info("%s: counting by hour what happened so far, this once", self._path)
            for first, last, body in self._connection.execute("SELECT first, last, body FROM piece ORDER BY last"):
                if groups := self._inflated(last, body):
                    self._tally(told(groups), first, last)
            self._connection.execute("INSERT INTO tallied VALUES (1)")

    def tallies(self, first_hour: int, last_hour: int, definition: str | None) -> list[Tally]:
        with world(self._path):
            execute = self._connection.execute
            if definition is None:
                return [Tally(*row) for row in execute(_ALL, (first_hour, last_hour))]
            return [Tally(*row) for row in execute(_OF_ONE, (*self._within(first_hour, last_hour), definition))]

    def sums(self, edges: Sequence[int], definition: str | None, whats: Sequence[str]) -> list[Tally]:
        low, high = definition or "", definition or ""
        if definition is None or definition.endswith("/"):
            high += _LAST_CHARACTER
        with world(self._path):
            first, last = self._within(edges[0], edges[-1] - 1)
            asked = low, high, json.dumps(list(whats))
            return [
                Tally(*row)
                for begin, end in pairwise(edges)
                if begin <= last and end > first
                for row in self._connection.execute(_SUMS, (max(begin, first), min(end - 1, last), begin, *asked))
            ]

    def span(self, first_hour: int, last_hour: int, definition: str, whats: Sequence[str]) -> tuple[int, int] | None:
        with world(self._path):
            ends = self._within(first_hour, last_hour)
            first, last = self._connection.execute(_SPAN, (*ends, definition, json.dumps(list(whats)))).fetchone()
            return None if first is None else (first, last)

    def _within(self, first_hour: int, last_hour: int) -> tuple[int, int]:
        """Hours in which anything happened."""
        low, high = self._connection.execute(_ENDS).fetchone()
        return (max(first_hour, low), min(last_hour, high)) if low is not None else (1, 0)

    def end(self) -> int:
        with world(self._path):
            return self._end()

    def _end(self) -> int:
        row = self._connection.execute("SELECT last FROM piece ORDER BY last DESC LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def group(self, position: int, key: str) -> Closed | None:
        """Of the piece that covers the position; a person's groups often stand in the same one."""
        sql = "SELECT last, first FROM piece WHERE last >= ? ORDER BY last LIMIT 1"
        with world(self._path):
            last, first = self._connection.execute(sql, (position,)).fetchone() or (0, 1)
            if not first <= position <= last:
                return None
            groups = self._opened.pop(last, None)
            if groups is None:
                (body,) = self._connection.execute("SELECT body FROM piece WHERE last = ?", (last,)).fetchone()
                groups = {(group.position, group.key): group for group in self._unpacked(last, body)[1]}
            self._opened[last] = groups  # The newest is the last to go.
            if len(self._opened) > _OPENED:
                del self._opened[next(iter(self._opened))]
        return groups.get((position, key))

    def between(self, first: int, last: int) -> list[bytes]:
        sql = "SELECT last, first, body FROM piece WHERE last >= ? AND first <= ? ORDER BY last"
        with world(self._path):
            rows = self._connection.execute(sql, (first, last)).fetchall()
        return [self._inflated(last, body) or _NONE for last, _, body in rows]

    def newest_first(self, below: int) -> Generator[list[Closed], None, None]:
        sql = "SELECT last, body FROM piece WHERE first < ? ORDER BY last DESC"
        return self._pieces(sql, (below,))

    def mentioning(self, definition: str, below: int) -> Generator[list[Closed], None, None]:
        sql = """
            SELECT last, body FROM mention JOIN piece USING (last) WHERE definition = ? AND first < ?
            ORDER BY last DESC
        """
        return self._pieces(sql, (definition, below))

    def onward(self, definition: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Pieces as they stand, not decoded."""
        sql = """
            SELECT last, body FROM mention JOIN piece USING (last) WHERE definition = ? AND last > ?
            ORDER BY last LIMIT ?
        """
        with world(self._path):
            rows = self._connection.execute(sql, (definition, after, limit)).fetchall()
        return [(last, self._inflated(last, body)) for last, body in rows]

    def _pieces(self, sql: str, parameters: Sequence[object]) -> Generator[list[Closed], None, None]:
        with world(self._path):
            cursor = self._connection.execute(sql, parameters)
            try:
                for last, body in cursor:
                    yield self._unpacked(last, body)[1]
            finally:
                cursor.close()  # A statement left open would hold the write-ahead log.

    def _unpacked(self, last: int, body: bytes) -> tuple[bytes, list[Closed]]:
        groups = self._inflated(last, body) or _NONE
        try:
            return groups, decode_closed(groups)
        except msgspec.DecodeError as error:
            raise self._damaged(last, error) from error

    def _inflated(self, last: int, body: bytes) -> bytes:
        try:
            return zlib.decompress(body)
        except zlib.error as error:
            raise self._damaged(last, error) from error

    def _damaged(self, last: int, error: Exception) -> TransientError:
        return TransientError(
            f"{self._path}: the piece that ends at position {last} is damaged ({error}). The trail can be made "
            "again from the log; what the log no longer holds needs a backup of the data folder."
        )

    def sync(self) -> int:
        """The write-ahead log is where commits stand first; SQLite never locks that file, so it may be opened here."""
        with world(self._path):
            end = self._end()
            _sync_file(f"{self._path}-wal")
            if not self._is_listed:
                _sync_file(self._path.parent)
                self._is_listed = True
        return end

    def close(self) -> None:
        self._checkpoints.close()
        with world(self._path):
            self._connection.close()


def _sync_file(path: Path | str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
