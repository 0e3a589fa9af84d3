"""Timers: how late a segment ends by itself, at a thousand a second, and when a hundred thousand are due in one.

Orders that are told of an hour late, but for a moment, make people fall out of "ordered in the last hour" at instants
chosen beforehand. An observer on another core reads the trail and notes when each flip, and each fresh event, can be
seen. The drain's floor is bare step() and bare commit of the same people. Run `python -m benchmarks timers`.
"""

import asyncio
import gc
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import floors, load, shop
from benchmarks.place import PARTITIONS, Place, alone, percentile, snapshot, table
from benchmarks.server import Server, Watched
from tactful.events.derived import EventKept, SegmentLeft, decode_groups
from tactful.events.records import Tick
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.runtime.ports import StateWrite

SEGMENT = "order_completed_1h"
WINDOW = timedelta(hours=1)
FRESH_A_S = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Observer:
    """Reads the trail as it grows, in a thread, and notes what can be seen since when (wall clock, seconds)."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.left: list[tuple[float, float]] = []
        """(instant, seen) of every end of the membership."""
        self.kept: dict[int, float] = {}
        """Seen, by the time of an event in microseconds."""
        self._is_stopped = False
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        watched = Watched(self._data)
        seen = [watched.trail.end(partition) for partition in watched.partitions]
        while not self._is_stopped:
            for partition in watched.partitions:
                end = watched.trail.end(partition)
                if end > seen[partition]:
                    now = time.time()
                    for blob in watched.trail.between(partition, seen[partition] + 1, end):
                        self._note(blob, seen[partition], now)
                    seen[partition] = end
            time.sleep(0.002)
        watched.close()

    def _note(self, blob: bytes, after: int, now: float) -> None:
        for group in decode_groups(blob):
            if group.position <= after:
                continue
            for row in group.rows:
                if isinstance(row, SegmentLeft) and row.segment == SEGMENT and row.cause == "time":
                    self.left.append((row.at / 1e6, now))
                elif isinstance(row, EventKept):
                    self.kept[row.at] = now

    def stop(self) -> None:
        self._is_stopped = True
        self._thread.join()


def orders(people: range, ends: Callable[[int], datetime]) -> list[bytes]:
    """One late order each, so that the person leaves the segment at `ends(n)`."""
    draw = random.Random(3)
    events = []
    for number, person in enumerate(people):
        event = load.call(draw, f"user-{person}", ends(number) - WINDOW, "Order Completed")
        event["properties"]["price"] = 199
        events.append(event)
    return [load.request("/v1/batch", {"batch": events[at : at + 100]}) for at in range(0, len(events), 100)]


def steady(place: Place, data: Path) -> list[float]:
    """Lateness in seconds of timers, a thousand a second."""
    number = place.scaled(10_000, 500)
    with place.copy(data) as mine, place.server(mine, shop.project()) as server:
        begin = load.now() + timedelta(seconds=place.scaled(8, 3))
        people = range(place.profiles - number, place.profiles)
        requests = orders(people, lambda n: begin + timedelta(milliseconds=n))
        observer = Observer(mine)
        asyncio.run(load.send_all(server.port, requests))
        _wait(observer, number, begin.timestamp() + number / 1000)
        observer.stop()
    return [seen - at for at, seen in observer.left if at >= begin.timestamp()]


def _wait(observer: Observer, number: int, until: float) -> None:
    while time.time() < until or (len(observer.left) < number * 0.99 and time.time() < until + 120):
        time.sleep(0.1)


def crowd(place: Place, data: Path) -> tuple[float, float, list[float]]:
    """(flips per second drained, by the floor, seconds from fresh events to their place in the trail)."""
    number = place.scaled(100_000, 1_000)
    begun = time.perf_counter()
    with place.copy(data) as mine, place.server(mine, shop.project()) as server:
        copying_s = time.perf_counter() - begun
        loading_s = _loading_s(place, server, number)
        begin = load.now() + timedelta(seconds=2 * (loading_s + copying_s) + 10)
        people = range(place.profiles - number, place.profiles)
        requests = orders(people, lambda n: begin + timedelta(seconds=n / number))
        asyncio.run(load.send_all(server.port, requests))
        server.watched.wait(server.watched.last_events())
        before = snapshot(mine, mine.parent / "before")
        assert load.now() < begin - timedelta(seconds=3), "this machine became too slow for the chosen instant"
        observer = Observer(mine)
        sent = asyncio.run(_fresh(server, begin.timestamp() - 1, number, observer))
        observer.stop()
        due_us = (begin + timedelta(seconds=1) - _EPOCH) // timedelta(microseconds=1)
        spent_s, flips = alone(place.core, drain, before, PARTITIONS, due_us)
    last = max(seen for at, seen in observer.left if at >= begin.timestamp())
    fresh = [observer.kept[at] - at / 1e6 for at in sent]
    return len(observer.left) / (last - begin.timestamp()), flips / spent_s, fresh


def _loading_s(place: Place, server: Server, number: int) -> float:
    """How long so many orders will take, by how long some calls of others do."""
    probes = place.scaled(5_000, 500)
    calls = load.batches(list(load.calls(9, probes, place.profiles - number)))
    begun = time.perf_counter()
    asyncio.run(load.send_all(server.port, calls))
    server.watched.wait(server.watched.last_events())
    return (time.perf_counter() - begun) * number / probes


async def _fresh(server: Server, begin: float, number: int, observer: Observer) -> list[int]:
    """Fresh events, steadily, until all timers have fired; their times."""
    draw = random.Random(4)
    sent: list[int] = []

    def build() -> bytes:
        at = load.now()
        sent.append((at - _EPOCH) // timedelta(microseconds=1))
        return load.request("/v1/track", load.call(draw, f"user-{draw.randrange(1, 1000)}", at, "$page"))

    while time.time() < begin + 2 or len(observer.left) < number * 0.99:
        first = max(time.monotonic(), time.monotonic() + begin - time.time())
        await load.Pacer(server.port).send([(first + n / FRESH_A_S, build) for n in range(FRESH_A_S // 2)])
        assert time.time() < begin + 120, "the timers do not fire"
    await asyncio.sleep(0.5)
    return sent


def drain(data: Path, partitions: int, until_us: int) -> tuple[float, int]:
    """(seconds of bare step() and bare commit, people) until nobody is due."""
    spent_s, people = 0.0, 0
    for partition in range(partitions):
        bare = floors.Bare(data, partitions, partition)
        known = bare.load(bare.store.due(until_us, 1 << 40))
        gc.collect()
        gc.freeze()
        while due := bare.store.due(until_us, 500):
            turn = bare.turn(known.get)
            begun = time.perf_counter()
            step(turn, Tick(until_us, 500), bare.position + 1, due)
            spent_s += time.perf_counter() - begun
            states = [StateWrite(key, encode_state(one), one.wake_at) for key, one in turn.changed.items()]
            begun = time.perf_counter()
            bare.commit(states, b"", bare.position + 1)
            spent_s += time.perf_counter() - begun
            people += len(due)
        gc.unfreeze()
        bare.close()
    return spent_s, people


def run(place: Place) -> None:
    data = place.seeded(shop.project())
    late = steady(place, data)
    table(
        "timers: lateness at 1,000 due per second, one core",
        [("median, ms", f"{percentile(late, 0.5) * 1e3:.1f}"), ("p99, ms", f"{percentile(late, 0.99) * 1e3:.1f}")],
    )
    drained, floor, fresh = crowd(place, data)
    table(
        f"timers: {place.scaled(100_000, 1_000):,} due in one second, one core",
        [
            ("drained per second", f"{drained:,.0f}"),
            ("floor: bare step() + bare commit, per second", f"{floor:,.0f}"),
            ("of the floor", f"{drained / floor:.2f}"),
            (
                f"fresh events meanwhile ({FRESH_A_S}/s): to the trail, median, ms",
                f"{percentile(fresh, 0.5) * 1e3:.1f}",
            ),
            ("p99, ms", f"{percentile(fresh, 0.99) * 1e3:.1f}"),
        ],
    )
