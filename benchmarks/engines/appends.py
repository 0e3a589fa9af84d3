"""Durable group append: each turn brings 100 events of 600 bytes to disk, synced before it returns."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
from rocksdict import Options, Rdict, WriteBatch, WriteOptions

from benchmarks.engines.measured import Measured, measure, on_disk
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.logfile import frame
from tactful.runtime.ports import Clock

EVENTS = 100
EVENT_BYTES = 600


class StillClock(Clock):
    def now_us(self) -> int:
        return 0


def _events(turn: int) -> list[bytes]:
    return [turn.to_bytes(4, "big") + os.urandom(EVENT_BYTES - 4) for _ in range(EVENTS)]


def raw_file(folder: Path, turns: int) -> Measured:
    """The floor: the same frames written to a file and synced, nothing else."""
    groups = [_events(turn) for turn in range(turns)]
    with on_disk(str(folder / "raw")) as handle:

        def turn(events: list[bytes]) -> Callable[[], None]:
            def run() -> None:
                os.write(handle, frame(0, events).body)
                os.fdatasync(handle)

            return run

        return measure("raw file, fdatasync (floor)", (turn(one) for one in groups), EVENTS, lambda: None)


def sqlite(folder: Path, turns: int) -> Measured:
    groups = [_events(turn) for turn in range(turns)]
    log = SqliteLog(folder / "log", 1, StillClock())

    def each() -> Iterator[Callable[[], None]]:
        for events in groups:

            def run(events: list[bytes] = events) -> None:
                log.append({0: events})

            yield run

    return measure("SQLite, as used", each(), EVENTS, log.close)


def lmdb_sync(folder: Path, turns: int) -> Measured:
    groups = [_events(turn) for turn in range(turns)]
    env = lmdb.open(str(folder / "lmdb"), map_size=8 << 30)

    def each() -> Iterator[Callable[[], None]]:
        for position, events in enumerate(groups):

            def run(position: int = position, events: list[bytes] = events) -> None:
                with env.begin(write=True) as transaction:
                    transaction.put(position.to_bytes(8, "big"), frame(0, events).body, append=True)

            yield run

    return measure("LMDB, sync", each(), EVENTS, env.close)


def rocks_sync(folder: Path, turns: int) -> Measured:
    groups = [_events(turn) for turn in range(turns)]
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    database = Rdict(str(folder / "rocks"), options)
    synced = WriteOptions()
    synced.sync = True

    def each() -> Iterator[Callable[[], None]]:
        for position, events in enumerate(groups):

            def run(position: int = position, events: list[bytes] = events) -> None:
                batch = WriteBatch(raw_mode=True)
                batch.put(position.to_bytes(8, "big"), frame(0, events).body)
                database.write(batch, synced)

            yield run

    return measure("RocksDB, sync", each(), EVENTS, database.close)


def run(name: str, folder: str, turns: int) -> None:
    """One engine, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        print({one.__name__: one for one in ALL}[name](Path(place), turns).line(), flush=True)


ALL = (raw_file, sqlite, lmdb_sync, rocks_sync)
