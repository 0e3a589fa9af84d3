"""One partition's states in SQLite: DATA/store/P.db.

Not synced at each commit: after a power cut a tail of commits may be gone, whole commits from the end, and is replayed
from the log. States stand under small integer ids, since a profile's key is looked up far more often than made; ids and
wake-ups of recent profiles are remembered, so that most states are read and written by row id alone, and the index of
wake-ups is touched only where a wake-up changed. What is remembered holds while nobody else commits, which is looked at
inside each transaction.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import RLock
from typing import Any

from tactful.adapters.sqlite.checkpoints import Checkpointer
from tactful.adapters.sqlite.connection import Schema, Tuning, open_database, transaction, world
from tactful.errors import Fenced
from tactful.kernel.state import FIRST_KEY
from tactful.runtime.ports import Checkpoint, Commit, Outgoing, StateWrite

SCHEMA = Schema(
    "store",
    0x7AC7_0002,
    (
        (
            "CREATE TABLE profile (id INTEGER PRIMARY KEY, key TEXT NOT NULL, wake_at INTEGER, state BLOB NOT NULL)",
            "CREATE UNIQUE INDEX profile_by_key ON profile (key)",
            "CREATE INDEX profile_by_wake ON profile (wake_at, key) WHERE wake_at IS NOT NULL",
            """
            CREATE TABLE head (
              one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, position INTEGER NOT NULL,
              state BLOB NOT NULL)
            """,
            "INSERT INTO head VALUES (1, 0, 0, x'')",
            "CREATE TABLE derived (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, body BLOB NOT NULL)",
            """
            CREATE TABLE outgoing (
              dst INTEGER, seq INTEGER, record BLOB NOT NULL, PRIMARY KEY (dst, seq)) WITHOUT ROWID
            """,
        ),
    ),
)
TUNING = Tuning("NORMAL", page_size=2048, cache_bytes=16 << 20, autocheckpoint=0)

_SLICES = (256, 64, 16, 4, 1)
_REMEMBERED = 100_000
"""Profiles whose id and wake-up are kept in memory, about 200 bytes each."""
_CHECKPOINT_BYTES = 8 << 20
"""Small rounds: on one core a round of four times as much held up whoever shares it for a tenth of a second."""


class SqliteStore:
    """The port `Store` over one file. `read_only` stands beside the worker that owns the partition."""

    def __init__(self, folder: Path, partition: int, *, read_only: bool = False, tuning: Tuning = TUNING) -> None:
        self._path = folder / f"{partition}.db"
        self._tuning = tuning
        self._connection = open_database(self._path, SCHEMA, tuning, read_only=read_only)
        head_start = _CHECKPOINT_BYTES // 4 * (partition % 4)
        self._checkpoints = Checkpointer(self._path, tuning, _CHECKPOINT_BYTES, head_start)
        self._lock = RLock()
        self._remembered: OrderedDict[str, tuple[int, int | None]] = OrderedDict()
        self._next_id = 0
        self._data_version = -1

    # ---- reading -----------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        row = self._all("SELECT version, position, state FROM head")[0]
        return Checkpoint(*row)

    def load(self, keys: Sequence[str]) -> dict[str, bytes]:
        with self._lock, world(self._path), self._snapshot():
            self._forget_if_changed()
            ids = {}
            unknown = []
            for key in dict.fromkeys(keys):
                place = self._remembered.get(key)
                if place is None:
                    unknown.append(key)
                else:
                    ids[place[0]] = key
            states = {}
            for id, state in self._in("SELECT id, state FROM profile WHERE id IN", sorted(ids)):
                states[ids[id]] = state
            for key, id, wake_at, state in self._in(
                "SELECT key, id, wake_at, state FROM profile WHERE key IN", unknown
            ):
                self._remember(key, id, wake_at)
                states[key] = state
            return states

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One read transaction for several statements, which is cheaper than one for each."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def _in(self, sql: str, values: Sequence[object]) -> Iterator[Any]:
        """Rows of `... IN (values)`, in slices of few sizes, so that each statement is prepared once."""
        taken = 0
        while taken < len(values):
            left = len(values) - taken
            size = next(size for size in _SLICES if left >= size)
            some = values[taken : taken + size]
            yield from self._connection.execute(f"{sql} ({','.join('?' * size)})", some)
            taken += size

    def due(self, at_us: int, limit: int) -> list[str]:
        return self._keys("SELECT key FROM profile WHERE wake_at <= ? ORDER BY wake_at, key LIMIT ?", (at_us, limit))

    def next_wake(self) -> int | None:
        rows = self._all("SELECT wake_at FROM profile WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1")
        return rows[0][0] if rows else None

    def keys_after(self, cursor: str, limit: int) -> list[str]:
        return self._keys("SELECT key FROM profile WHERE key > ? ORDER BY key LIMIT ?", (cursor, limit))

    def sample(self, share: float, seed: int) -> dict[str, bytes]:
        if share >= 1:
            return dict(self._all("SELECT key, state FROM profile WHERE key > ?", (FIRST_KEY,)))
        with self._lock, world(self._path), self._snapshot():
            (last,) = self._connection.execute("SELECT ifnull(max(id), 0) FROM profile").fetchone()
            # Ids are given in the order in which people come, and hardly any is free.
            drawn = sorted(Random(seed).sample(range(1, last + 1), round(last * share)))  # noqa: S311  (no secret)
            rows = self._in("SELECT key, state FROM profile WHERE id IN", drawn)
            return {key: state for key, state in rows if key > FIRST_KEY}

    def derived(self) -> list[tuple[int, int, bytes]]:
        return self._all("SELECT first, last, body FROM derived ORDER BY last")

    def outgoing(self) -> list[Outgoing]:
        return [Outgoing(*row) for row in self._all("SELECT dst, seq, record FROM outgoing ORDER BY dst, seq")]

    def _keys(self, sql: str, parameters: tuple[object, ...]) -> list[str]:
        return [key for (key,) in self._all(sql, parameters)]

    def _all(self, sql: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, world(self._path):
            return self._connection.execute(sql, parameters).fetchall()

    # ---- committing --------------------------------------------------------------------------------------------

    def commit(self, commit: Commit) -> None:
        with self._lock, world(self._path):
            with transaction(self._connection):
                self._advance_head(commit)
                self._forget_if_changed()
                places = self._places([write.key for write in commit.states])
                changes = self._write_states(commit.states, places)
                self._write_rows(commit)
            for key, place in changes:
                if place is None:
                    self._remembered.pop(key, None)
                else:
                    self._remember(key, *place)
        self._checkpoints.wrote(
            sum(self._tuning.page_size + len(write.state or b"") for write in commit.states)
            + 2 * len(commit.derived)
            + sum(len(one.record) for one in commit.outgoing)
            + 8 * self._tuning.page_size
        )

    def _advance_head(self, commit: Commit) -> None:
        moved = self._connection.execute(
            "UPDATE head SET version = version + 1, position = ?, state = ? WHERE version = ?",
            (commit.position, commit.partition_state, commit.version),
        )
        if moved.rowcount != 1:
            raise Fenced(f"{self._path}: another worker has committed since version {commit.version}")

    def _places(self, keys: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """Id and wake-up of those that exist."""
        places = {}
        for key in keys:
            place = self._remembered.get(key)
            if place is None:
                place = self._connection.execute("SELECT id, wake_at FROM profile WHERE key = ?", (key,)).fetchone()
            if place is not None:
                places[key] = place
        return places

    def _write_states(
        self, writes: Sequence[StateWrite], places: dict[str, tuple[int, int | None]]
    ) -> list[tuple[str, tuple[int, int | None] | None]]:
        """What is to be remembered once this is committed."""
        changes: list[tuple[str, tuple[int, int | None] | None]] = []
        same, moved, new, gone = [], [], [], []
        next_id = self._next_id or self._connection.execute("SELECT ifnull(max(id), 0) + 1 FROM profile").fetchone()[0]
        for key, state, wake_at in ((write.key, write.state, write.wake_at) for write in writes):
            place = places.get(key)
            if state is None:
                if place is not None:
                    gone.append((place[0],))
                changes.append((key, None))
                continue
            if place is None:
                place = (next_id, wake_at)
                new.append((next_id, key, wake_at, state))
                next_id += 1
            elif place[1] == wake_at:
                same.append((state, place[0]))
            else:
                place = (place[0], wake_at)
                moved.append((state, wake_at, place[0]))
            changes.append((key, place))
        # In the order of the rows, so that a page is looked for once.
        same.sort(key=_last)
        moved.sort(key=_last)
        many = self._connection.executemany
        many("UPDATE profile SET state = ? WHERE id = ?", same)
        many("UPDATE profile SET state = ?, wake_at = ? WHERE id = ?", moved)
        many("INSERT INTO profile VALUES (?, ?, ?, ?)", new)
        many("DELETE FROM profile WHERE id = ?", gone)
        self._next_id = next_id
        return changes

    def _write_rows(self, commit: Commit) -> None:
        execute, many = self._connection.execute, self._connection.executemany
        execute("DELETE FROM derived WHERE last <= ?", (commit.relayed,))
        many("DELETE FROM outgoing WHERE dst = ? AND seq <= ?", commit.sent.items())
        if commit.derived:
            execute("INSERT INTO derived VALUES (?, ?, ?)", (commit.position, commit.first_position, commit.derived))
        many("INSERT INTO outgoing VALUES (?, ?, ?)", [(one.dst, one.seq, one.record) for one in commit.outgoing])

    # ---- what is remembered ------------------------------------------------------------------------------------

    def _remember(self, key: str, id: int, wake_at: int | None) -> None:
        remembered = self._remembered
        remembered[key] = (id, wake_at)
        if len(remembered) > _REMEMBERED:
            remembered.popitem(last=False)

    def _forget_if_changed(self) -> None:
        """Where somebody else committed, ids may mean other profiles now."""
        (data_version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if data_version != self._data_version:
            self._data_version = data_version
            self._remembered.clear()
            self._next_id = 0

    # ---- keeping house -----------------------------------------------------------------------------------------

    def maintain(self) -> None:
        with self._lock:
            self._checkpoints.finish(self._connection)

    def close(self) -> None:
        self._checkpoints.close()
        with self._lock, world(self._path):
            self._connection.close()


def _last(row: tuple[object, ...]) -> int:
    id = row[-1]
    assert isinstance(id, int)
    return id
