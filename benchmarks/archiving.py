"""Archiving: from log and trail to committed Delta files, events a second on one core, beside bare Parquet of the same.

What is archived was decided by the production worker (20 segments, 5 journeys): what a shop sends (`mix.py`), and calls
of one outline, with neither lists nor traits (`load.py`). Then how long a question takes over the
same events, however many appends they came in, with the housekeeping that goes on between them. Run
`python -m benchmarks archiving`.
"""

import resource
import shutil
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from benchmarks import load, mix, shop
from benchmarks.place import Place, alone, median, table
from benchmarks.server import WallClock
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.events.identifiers import partition_of
from tactful.events.intake import Arrival, accept, accept_consent
from tactful.events.records import Publish, encode
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.history.columns import Batch
from tactful.language.check import check
from tactful.operations.history.opened import History
from tactful.runtime.archive import Archiver, Pace, thrifty
from tactful.runtime.decided import stretch
from tactful.runtime.worker import Worker

EVENTS, QUICK_EVENTS = 600_000, 4_000
PARTITIONS = 4
APPENDS, QUICK_APPENDS = (1, 10, 100, 1_000), (1, 5)
EACH = 200
"""Events of the smallest appends."""
_CALLS = 500
"""Of one frame of the log."""
_SOURCE = Source(shop.KEY, shop.KEY, "server")


MIXED, PLAIN = "mixed", "plain"
LOADS = {MIXED: "calls of every kind that a shop sends", PLAIN: "calls of one outline"}
_MAKE = {MIXED: mix.calls, PLAIN: load.calls}


def decided(folder: Path, events: int, profiles: int) -> tuple[SqliteLog, SqliteTrail]:
    """Log and trail of so many events, made once; the folder is called as the load."""
    is_there = (folder / "done").exists()
    clock = WallClock()
    if not is_there:
        shutil.rmtree(folder, ignore_errors=True)
    log, trail = SqliteLog(folder / "log", PARTITIONS, clock), SqliteTrail(folder / "trail")
    if not is_there:
        _decide(log, trail, clock, _MAKE[folder.name](1, events, profiles))
        (folder / "done").touch()
    return log, trail


def _decide(log: SqliteLog, trail: SqliteTrail, clock: WallClock, calls: Iterable[load.Call]) -> None:
    workers = [
        Worker(
            partition,
            log,
            MemoryStore(),
            MemoryOutbox(),
            trail,
            MemoryQuarantine(),
            MemoryLedger(),
            MemoryBells(),
            clock,
            {},
        )
        for partition in range(PARTITIONS)
    ]
    log.append({0: [encode(Publish(clock.now_us(), shop.project(), {"time_zone": "UTC"}))]})
    left = iter(calls)
    while some := list(islice(left, _CALLS)):
        log.append(_frames(some, Arrival(_SOURCE, clock.now_us())))
        for worker in workers:
            worker.turn()
    while any([worker.turn() for worker in workers]):
        pass
    for worker in workers:
        worker.maintain()


def _frames(calls: Iterable[load.Call], arrival: Arrival) -> dict[int, list[bytes]]:
    """What stands in the log, by partition."""
    frames: dict[int, list[bytes]] = {}
    for call in calls:
        body = msgspec.json.encode(call)
        read = accept_consent(body, arrival) if call["type"] == "consent" else [accept(body, arrival)]
        assert not isinstance(read, Refusal), read
        for record in read:
            assert not isinstance(record, Refusal), record
            frames.setdefault(partition_of(record.key, PARTITIONS), []).append(encode(record))
    return frames


def rate(folder: Path, events: int, profiles: int, lake: Path) -> tuple[float, float, float, int]:
    """(seconds of the archiver, of bare Parquet of the same rows, megabytes taken at most, rows of all tables)."""
    log, trail = decided(folder, events, profiles)
    shutil.rmtree(lake, ignore_errors=True)
    archiver = Archiver(log, trail, DeltaLake(Folder(lake)), WallClock())
    with thrifty():
        begun = time.process_time()
        archiver.archive()
        lasted = time.process_time() - begun
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    batch = Batch()
    for partition in range(PARTITIONS):
        after = 0
        while (read := stretch(log, trail, partition, after)).upto > after and batch.rows < 200_000:
            read.into(batch)
            after = read.upto
    bare, rows = _bare(batch, lake.with_suffix(".parquet"))
    return lasted, bare * events / rows, megabytes, rows


def _bare(batch: Batch, path: Path) -> tuple[float, int]:
    """Seconds, and events."""
    tables = batch.tables()
    begun = time.process_time()
    for held in tables.values():
        pq.write_table(held, path, compression="zstd", compression_level=1, store_schema=False)
    lasted = time.process_time() - begun
    path.unlink()
    return lasted, len(tables["events"])


def appended(folder: Path, events: int, profiles: int, lake: Path, counts: Sequence[int]) -> list[tuple[int, float]]:
    """Seconds of a question over the same events, which came in so many appends, with housekeeping after each."""
    log, trail = decided(folder, events, profiles)
    tree = check('count("Order Completed", last="30d") >= 1').tree
    found = []
    for number in counts:
        shutil.rmtree(lake, ignore_errors=True)
        delta = DeltaLake(Folder(lake))
        each = -(-min(events, EACH * max(counts)) // number // PARTITIONS)
        archiver = Archiver(log, trail, delta, WallClock(), pace=Pace(rows=2 * events))
        for append in range(1, number + 1):
            archiver.append({one: min(append * each, trail.end(one)) for one in range(PARTITIONS)})
            while archiver.keep_house():
                pass
        times = []
        for _ in range(9):
            begun = time.perf_counter()
            with History(delta, DuckDBQueries()).open() as opened:
                query, _ = opened.written({"bought": tree}, WallClock().now_us())
                opened.session.rows(f"SELECT count(*) FILTER (v0) FROM ({query})")
            times.append(time.perf_counter() - begun)
        found.append((number, median(times)))
    return found


def run(here: Place) -> None:
    events = here.scaled(EVENTS, QUICK_EVENTS)
    folder, lake = here.folder / f"decided-{events}", here.folder / "lake"
    for name, said in LOADS.items():
        alone(here.core, decided_only, folder / name, events, here.profiles)
        rates = [alone(here.core, rate, folder / name, events, here.profiles, lake) for _ in range(here.rounds)]
        lasted, bare = median(one[0] for one in rates), median(one[1] for one in rates)
        table(
            f"archiving: {events:,} {said} from log and trail into the lake, one core",
            [
                ("events/s", f"{events / lasted:,.0f}"),
                ("us per event", f"{lasted / events * 1e6:.2f}"),
                ("floor: bare Parquet of the same rows, us per event", f"{bare / events * 1e6:.2f}"),
                ("memory at most, MB", f"{max(one[2] for one in rates):,.0f}"),
            ],
        )
    counts = APPENDS if not here.is_quick else QUICK_APPENDS
    asked = alone(here.core, appended, folder / PLAIN, events, here.profiles, lake, counts)
    table(
        "archiving: one question over the same events, which came in so many appends, seconds",
        [(f"{number:,}", f"{seconds:.3f}") for number, seconds in asked],
    )


def decided_only(folder: Path, events: int, profiles: int) -> None:
    """In a process of its own."""
    log, trail = decided(folder, events, profiles)
    log.close()
    trail.close()


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
