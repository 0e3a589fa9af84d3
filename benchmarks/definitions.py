"""Definitions: what a thousand more that do not read the events cost each event, in one worker on one core.

Both sides take turns over the same records, with a tenth of the people, in one partition.
Run `python -m benchmarks definitions`.
"""

import gc
import random
import time
from pathlib import Path

import msgspec

from benchmarks import load, shop
from benchmarks.parts import SLOTS
from benchmarks.place import Place, alone, median, table
from benchmarks.server import WallClock
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.events.intake import Arrival, accept
from tactful.events.records import Event, encode
from tactful.events.sources import Source
from tactful.runtime.worker import Worker

MORE = 1_000


def drive(data: Path, events: int, people: int) -> float:
    """Seconds of the worker for so many events, appended beforehand."""
    clock = WallClock()
    log = SqliteLog(data / "log", 1, clock)
    draw = random.Random(6)
    for _ in range(0, events, 1000):
        log.append({0: [_record(draw, people) for _ in range(1000)]})
    outbox, trail = SqliteOutbox(data / "outbox.db"), SqliteTrail(data / "trail")
    store = SqliteStore(data / "store", 0)
    worker = Worker(0, log, store, outbox, trail, MemoryQuarantine(), MemoryLedger(), MemoryBells(), clock, SLOTS)
    gc.disable()
    end = log.end(0)
    begun = time.perf_counter()
    while worker.position < end:
        worker.turn()
        worker.maintain()
    lasted = time.perf_counter() - begun
    store.close()
    outbox.close()
    trail.close()
    log.close()
    return lasted


def _record(draw: random.Random, people: int) -> bytes:
    at = load.now()
    call = msgspec.json.encode(load.call(draw, load.user(draw, people), at))
    taken = accept(call, Arrival(Source("bench", shop.KEY, "server"), WallClock().now_us()))
    assert isinstance(taken, Event)
    return encode(taken)


def run(place: Place) -> None:
    events = place.scaled(60_000, 2_000)
    place.profiles //= 10
    sides = {
        "20 segments and 5 journeys": place.seeded(shop.project(), "tenth", 1),
        f"{MORE:,} definitions more": place.seeded({**shop.project(), **shop.unrelated(MORE)}, "more", 1),
    }
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(place.rounds):
        for side, data in sides.items():
            with place.copy(data) as mine:
                taken[side].append(alone(place.core, drive, mine, events, place.profiles))
    place.profiles *= 10
    few, many = taken.values()
    table(
        f"definitions: us per event in the worker, medians of {place.rounds}",
        [
            *[(side, f"{median(spent) / events * 1e6:.1f}") for side, spent in taken.items()],
            ("more per event", f"{(median(many) / median(few) - 1) * 100:.1f} %"),
        ],
    )
