"""Simulating: can the shoppers give the server more than it takes? Beside the bare load of `collect` in the same run.

The server is collect's, pinned to one core. The bare load sends bodies that were made before; the shoppers make people,
carts and orders up while they send. Saturated is the server where its core has nothing left: then its rate is its own.
Run `python -m benchmarks simulating`.
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import uvloop

from benchmarks.collect import KEY, load, pin, serve, used
from benchmarks.place import Place, cores_of_machine
from tactful.shoppers.calls import Door
from tactful.shoppers.catalogue import made_up
from tactful.shoppers.people import Town
from tactful.shoppers.racing import Race, Result, run_all

PEOPLE = 20_000
SAMPLE_S = 0.25


def busy_shares(process: int, racing: "Future[list[Result]]") -> Iterator[float]:
    """Of one core, sampled while the race goes on."""
    at, before = time.perf_counter(), used(process)
    while not racing.done():
        wait([racing], SAMPLE_S)
        now, after = time.perf_counter(), used(process)
        yield (after - before) / (now - at)
        at, before = now, after


def measure(seconds: float, core: int, others: set[int]) -> tuple[float, float, float, float]:
    """Events per second and busy share of the server's core: of the bare load, then of the shoppers."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        here, there = spawn.Pipe()
        server = spawn.Process(target=serve, args=(Path(folder), core, there))
        server.start()
        there.close()  # Its own: a server that does not come up is not waited for.
        try:
            port = here.recv()
            pin(others)
            assert server.pid
            before = used(server.pid)
            bare, _ = uvloop.run(load(port, "batches", seconds))
            bare_busy = (used(server.pid) - before) / seconds
            race = Race(
                f"http://127.0.0.1:{port}", Town(people=PEOPLE), tuple(made_up(7)), Door(KEY, KEY), seconds=seconds
            )
            with ThreadPoolExecutor(1) as thread:
                racing = thread.submit(run_all, race, len(others))
                busy = list(busy_shares(server.pid, racing))
                results = racing.result()
            lasted = max(one.seconds for one in results)
            events = sum(one.events for one in results)
            # Before, people are made up and accounts told; afterwards the processes end.
            last = busy[-int(seconds / SAMPLE_S) - 1 : -1] or busy
            return bare, bare_busy, events / lasted, statistics.median(last)
        finally:
            server.terminate()
            server.join()


def run(place: Place) -> None:
    seconds, rounds = (0.5, 1) if place.is_quick else (5.0, place.rounds)
    core, others = place.core, set(place.others) - {place.core} or {place.core}
    found = [measure(seconds, core, others) for _ in range(rounds)]
    pin(set(cores_of_machine()))
    bare, bare_busy, rate, busy = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"\n{'simulating: events/s into one core of collect':48}{'events/s':>10}{'of bare':>9}{'core busy':>11}")
    print(f"{'bare load, batches of 100 made before':48}{bare:>10,.0f}{1.0:>9.2f}{bare_busy:>11.2f}")
    print(f"{f'shoppers, {len(others)} processes':48}{rate:>10,.0f}{rate / bare:>9.2f}{busy:>11.2f}")
