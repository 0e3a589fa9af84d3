"""Keyed state: each turn loads the profiles that 1000 events touch (Zipf), and commits them changed, in one piece.

What a turn commits, with every engine: each profile's state of about 700 bytes, a wake-up that moves for one in ten
(kept in order, so that due ones are found), the partition's head, and a blob of derived rows of 50 KB that replaces
one from three turns ago. Nothing is synced within a turn but where the name says so.
"""

import random
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import lmdb
from msgspec import Struct
from rocksdict import Options, Rdict, WriteBatch, WriteOptions

from benchmarks.engines.measured import Measured, measure
from tactful.adapters.sqlite.store import SqliteStore
from tactful.runtime.ports import Commit, StateWrite

EVENTS = 1000
SEED = 7
_LOAD = 2_000


class Turn(Struct, frozen=True):
    """Which profiles are touched, and where their wake-ups move to (the others keep theirs)."""

    number: int
    keys: list[str]
    moves: dict[str, int]


class Work(Struct, frozen=True):
    profiles: int
    turns: list[Turn]
    states: list[bytes]
    derived: bytes

    def state(self, key: str, turn: int) -> bytes:
        return self.states[(hash(key) + turn) % len(self.states)]

    def touched(self) -> int:
        return sum(len(turn.keys) for turn in self.turns) // len(self.turns)


def key(number: int) -> str:
    return f"u:{number}"


def work(profiles: int, turns: int) -> Work:
    draw = random.Random(SEED)
    weights = list(accumulate(1 / rank for rank in range(1, profiles + 1)))
    names = [key(number) for number in range(profiles)]
    draw.shuffle(names)
    all_turns = []
    for number in range(turns):
        drawn = (names[bisect_left(weights, draw.random() * weights[-1])] for _ in range(EVENTS))
        keys = list(dict.fromkeys(drawn))
        moves = {one: draw.randrange(1 << 40) for one in keys if draw.random() < 0.1}
        all_turns.append(Turn(number, keys, moves))
    states = [draw.randbytes(draw.randrange(600, 800)) for _ in range(997)]
    return Work(profiles, all_turns, states, draw.randbytes(50_000))


def _wakes(some: Work) -> dict[str, int]:
    """One profile in four has a wake-up."""
    return {key(number): number * 7919 % 1_000_003 for number in range(0, some.profiles, 4)}


# ---- SQLite, as used -------------------------------------------------------------------------------------------------


def sqlite(folder: Path, some: Work) -> Measured:
    store = SqliteStore(folder / "store", 0)
    wakes = _wakes(some)
    version = 0
    for first in range(0, some.profiles, _LOAD):
        names = [key(number) for number in range(first, min(first + _LOAD, some.profiles))]
        states = [StateWrite(name, some.state(name, 0), wakes.get(name)) for name in names]
        store.commit(Commit(version, version + 1, b"", states, b"", 1, [], 0, {}))
        store.maintain()
        version += 1
    loaded = version

    def each() -> Iterator[Callable[[], None]]:
        for turn in some.turns:

            def run(turn: Turn = turn) -> None:
                found = store.load(turn.keys)
                assert len(found) == len(turn.keys)
                wakes.update(turn.moves)
                states = [StateWrite(name, some.state(name, turn.number), wakes.get(name)) for name in turn.keys]
                at = loaded + turn.number
                store.commit(Commit(at, at + 1, bytes(500), states, some.derived, at, [], at - 3, {}))
                store.maintain()

            yield run

    measured = measure("SQLite, as used", each(), some.touched(), store.close)
    measured.note = _size(folder)
    return measured


# ---- LMDB ------------------------------------------------------------------------------------------------------------


def lmdb_sync(folder: Path, some: Work) -> Measured:
    return _lmdb(folder, some, "LMDB, sync at each commit", is_synced=True)


def lmdb_nosync(folder: Path, some: Work) -> Measured:
    return _lmdb(folder, some, "LMDB, no sync (a power cut may destroy the file)", is_synced=False)


def _lmdb(folder: Path, some: Work, name: str, *, is_synced: bool) -> Measured:
    env = lmdb.open(str(folder / "lmdb"), map_size=32 << 30, max_dbs=3, sync=is_synced, writemap=False)
    profiles, wake_index, rest = (env.open_db(one) for one in (b"profile", b"wake", b"rest"))
    wakes = _wakes(some)
    for first in range(0, some.profiles, 20 * _LOAD):
        with env.begin(write=True) as transaction:
            for number in range(first, min(first + 20 * _LOAD, some.profiles)):
                one = key(number)
                transaction.put(one.encode(), some.state(one, 0), db=profiles)
                if one in wakes:
                    transaction.put(_wake(wakes[one], one), b"", db=wake_index)

    def each() -> Iterator[Callable[[], None]]:
        for turn in some.turns:

            def run(turn: Turn = turn) -> None:
                with env.begin(db=profiles) as reading:
                    assert all([reading.get(one.encode()) for one in turn.keys])
                with env.begin(write=True) as transaction:
                    for one in sorted(turn.keys):
                        transaction.put(one.encode(), some.state(one, turn.number), db=profiles)
                    for one, at in turn.moves.items():
                        if one in wakes:
                            transaction.delete(_wake(wakes[one], one), db=wake_index)
                        transaction.put(_wake(at, one), b"", db=wake_index)
                    transaction.put(b"head", bytes(500), db=rest)
                    transaction.put(b"derived %d" % turn.number, some.derived, db=rest)
                    transaction.delete(b"derived %d" % (turn.number - 3), db=rest)
                wakes.update(turn.moves)

            yield run

    def finish() -> None:
        env.sync(True)
        env.close()

    measured = measure(name, each(), some.touched(), finish)
    measured.note = _size(folder)
    return measured


def _wake(at: int, name: str) -> bytes:
    return at.to_bytes(8, "big") + name.encode()


# ---- RocksDB ---------------------------------------------------------------------------------------------------------


def rocks_sync(folder: Path, some: Work) -> Measured:
    return _rocks(folder, some, "RocksDB, sync at each commit", is_synced=True)


def rocks_nosync(folder: Path, some: Work) -> Measured:
    return _rocks(folder, some, "RocksDB, no sync", is_synced=False)


def _rocks(folder: Path, some: Work, name: str, *, is_synced: bool) -> Measured:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    database = Rdict(str(folder / "rocks"), options)
    how = WriteOptions()
    how.sync = is_synced
    wakes = _wakes(some)
    for first in range(0, some.profiles, _LOAD):
        batch = WriteBatch(raw_mode=True)
        for number in range(first, min(first + _LOAD, some.profiles)):
            one = key(number)
            batch.put(b"p" + one.encode(), some.state(one, 0))
            if one in wakes:
                batch.put(b"w" + _wake(wakes[one], one), b"")
        database.write(batch)

    def each() -> Iterator[Callable[[], None]]:
        for turn in some.turns:

            def run(turn: Turn = turn) -> None:
                found = database.get([b"p" + one.encode() for one in turn.keys])
                assert all(found or [None])
                batch = WriteBatch(raw_mode=True)
                for one in turn.keys:
                    batch.put(b"p" + one.encode(), some.state(one, turn.number))
                for one, at in turn.moves.items():
                    if one in wakes:
                        batch.delete(b"w" + _wake(wakes[one], one))
                    batch.put(b"w" + _wake(at, one), b"")
                batch.put(b"head", bytes(500))
                batch.put(b"derived %d" % turn.number, some.derived)
                batch.delete(b"derived %d" % (turn.number - 3))
                database.write(batch, how)
                wakes.update(turn.moves)

            yield run

    def finish() -> None:
        database.flush()
        database.close()

    measured = measure(name, each(), some.touched(), finish)
    measured.note = _size(folder)
    return measured


def _size(folder: Path) -> str:
    size = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
    return f"{size >> 20} MB on disk"


def run(name: str, folder: str, profiles: int, turns: int) -> None:
    """One engine, in a process of its own."""
    some = work(profiles, turns)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        print({one.__name__: one for one in ALL}[name](Path(place), some).line(), flush=True)


ALL = (sqlite, lmdb_sync, lmdb_nosync, rocks_sync, rocks_nosync)
