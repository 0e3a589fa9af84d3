"""Collect: events accepted and durable per second on one core, beside its floor in the same run.

The floor is what nothing in Python could leave out: decode each call with msgspec and append the same records in group
commits to the same log, in one loop without HTTP. Server and floor are pinned to one core, the load to others. Run
`python -m benchmarks collect`.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import uvicorn
import uvloop

from benchmarks.place import Place, cores_of_machine
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.quarantine import SqliteQuarantine
from tactful.events.calls import Call
from tactful.events.intake import Arrival, accept
from tactful.events.records import Event, encode
from tactful.events.sources import Source
from tactful.runtime.intake import Intake
from tactful.runtime.ports import Clock
from tactful.web.answers import Message, Receive, Scope, Send
from tactful.web.collect import collect_app

PARTITIONS = 4
PROFILES = 1_000_000
BATCH = 100
BODIES = 200
CONNECTIONS = {"batches": 16, "singles": 64}
KEY = "bench"
Latency = tuple[float, float]


class Run(NamedTuple):
    rate: float
    """Events per second."""
    cpu_s: float
    """Processor seconds for one event: what is left when neighbours take their share of the core."""
    latency: Latency
    """Median and p99 of a request."""


class WallClock(Clock):
    def now_us(self) -> int:
        return time.time_ns() // 1000


def event(draw: random.Random, number: int) -> dict[str, object]:
    """About 600 bytes, as analytics-python sends them; users by a rough Zipf law."""
    product = draw.randrange(10_000)
    return {
        "type": "track",
        "messageId": f"{number:08x}-5b1c-4a53-9d7e-{draw.randrange(1 << 48):012x}",
        "userId": f"user-{int(PROFILES ** draw.random())}",
        "anonymousId": None,
        "event": draw.choice(["Product Viewed", "Product Added", "Order Completed", "Cart Viewed"]),
        "timestamp": "2025-03-06T22:59:56.123000+00:00",
        "integrations": {"All": True},
        "properties": {
            "product_id": f"SKU-{product}",
            "name": f"Kettle No. {product}",
            "price": round(draw.uniform(1, 200), 2),
            "quantity": draw.randrange(1, 5),
            "category": "kettles",
            "url": f"https://shop.example.test/products/{product}",
        },
        "context": {
            "ip": "203.0.113.7",
            "locale": "pt-PT",
            "timezone": "Europe/Lisbon",
            "page": {"path": f"/products/{product}", "title": "Kettles"},
            "library": {"name": "analytics-python", "version": "2.4.0"},
        },
    }


def bodies(kind: str) -> list[bytes]:
    draw = random.Random(7)
    if kind == "singles":
        return [json.dumps(event(draw, number)).encode() for number in range(BODIES * 10)]
    return [
        json.dumps(
            {
                "batch": [event(draw, number * BATCH + place) for place in range(BATCH)],
                "sentAt": "2025-03-06T22:59:57.000000+00:00",
                "writeKey": KEY,
            }
        ).encode()
        for number in range(BODIES)
    ]


def pin(cores: set[int]) -> None:
    os.sched_setaffinity(0, cores)


# ---- the server ------------------------------------------------------------------------------------------------


async def nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    message: Message = {"type": "http.response.start", "status": 404, "headers": []}
    await send(message)
    await send({"type": "http.response.body", "body": b""})


def serve(folder: Path, core: int, told: Connection) -> None:
    """Answer with the port, then with the processor seconds used whenever asked."""
    pin({core})
    clock = WallClock()
    log = SqliteLog(folder / "log", PARTITIONS, clock)
    intake = Intake(log, SqliteQuarantine(folder / "quarantine.db"), MemoryBells(), clock)
    app = collect_app(intake, [Source("bench", KEY, "server")], clock, nothing_else)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(app, http="httptools", lifespan="off", access_log=False, log_level="warning")

    async def main() -> None:
        intake.start()
        told.send(listening.getsockname()[1])
        await uvicorn.Server(config).serve([listening])

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())


# ---- the load --------------------------------------------------------------------------------------------------


class Client(asyncio.Protocol):
    """One connection that sends the next request when the last one is answered, until the time is up."""

    def __init__(self, requests: list[bytes], until: float, done: Callable[["Client"], None]) -> None:
        self.requests = requests
        self.until = until
        self.done = done
        self.at = random.randrange(len(requests))
        self.latencies: list[float] = []
        self.failures = 0
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class, which does not say so
        self.send()

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.transport.write(self.requests[self.at % len(self.requests)])
        self.at += 1

    def data_received(self, data: bytes) -> None:
        if not data.endswith(b"}"):
            return
        now = time.perf_counter()
        self.latencies.append(now - self.sent_at)
        self.failures += b'"success":true' not in data
        if now < self.until:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.done(self)


async def load(port: int, kind: str, seconds: float) -> tuple[float, Latency]:
    """(events per second, (median, p99) seconds of a request)."""
    path = "/v1/batch" if kind == "batches" else "/v1/track"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YmVuY2g6\r\n"
    requests = [head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies(kind)]
    loop = asyncio.get_running_loop()
    left: asyncio.Queue[Client] = asyncio.Queue()
    begun = time.perf_counter()
    for _ in range(CONNECTIONS[kind]):
        await loop.create_connection(lambda: Client(requests, begun + seconds, left.put_nowait), "127.0.0.1", port)
    clients = [await left.get() for _ in range(CONNECTIONS[kind])]
    lasted = time.perf_counter() - begun
    latencies = sorted(latency for client in clients for latency in client.latencies)
    assert not any(client.failures for client in clients), "not every call was accepted"
    events = len(latencies) * (BATCH if kind == "batches" else 1)
    return events / lasted, (latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)])


def used(process: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_server(kind: str, seconds: float, core: int, others: set[int]) -> Run:
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        here, there = spawn.Pipe()
        server = spawn.Process(target=serve, args=(Path(folder), core, there))
        server.start()
        there.close()  # Its own: a server that does not come up is not waited for.
        try:
            port = here.recv()
            pin(others)
            uvloop.run(load(port, kind, 1.0))
            assert server.pid
            before = used(server.pid)
            rate, latency = uvloop.run(load(port, kind, seconds))
            return Run(rate, (used(server.pid) - before) / (rate * seconds), latency)
        finally:
            server.terminate()
            server.join()


# ---- the floor -------------------------------------------------------------------------------------------------


class TypedBatch(msgspec.Struct):
    batch: list[Call]


def record(call: bytes) -> bytes:
    """What the server would append for this call."""
    taken = accept(call, Arrival(Source("bench", KEY, "server"), WallClock().now_us()))
    assert isinstance(taken, Event)
    return encode(taken)


def measure_floor(seconds: float, core: int) -> Run:
    """Events per second of decode plus bare group commit, a thousand events a commit."""
    pin({core})
    decode = msgspec.json.Decoder(TypedBatch).decode
    calls = bodies("batches")
    pieces = [record(json.dumps(one).encode()) for body in calls for one in json.loads(body)["batch"]]
    with tempfile.TemporaryDirectory() as folder:
        log = SqliteLog(Path(folder) / "log", PARTITIONS, WallClock())
        events, begun, at = 0, time.perf_counter(), 0
        used_before = time.process_time()
        while time.perf_counter() - begun < seconds:
            group: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
            for _ in range(10):
                number = at % BODIES
                decode(calls[number])
                group[number % PARTITIONS] += pieces[number * BATCH : (number + 1) * BATCH]
                at += 1
            log.append(group)
            events += 10 * BATCH
        lasted = time.perf_counter() - begun
        run = Run(events / lasted, (time.process_time() - used_before) / events, (0.0, 0.0))
        log.close()
    return run


def run(place: Place) -> None:
    seconds, rounds = (0.3, 1) if place.is_quick else (3.0, place.rounds)
    core, others = place.core, set(place.others)
    floors, batches, singles = [], [], []
    for _ in range(rounds):  # In turns, so that a noisy neighbour meets all three alike.
        floors.append(measure_floor(seconds, core))
        batches.append(measure_server("batches", seconds, core, others))
        singles.append(measure_server("singles", seconds, core, others))
    floor = statistics.median_low(floors)
    pin(set(cores_of_machine()))
    print(
        f"\n{'collect: one pinned core':30}{'events/s':>10}{'of floor':>10}{'CPU us':>8}{'of floor':>10}"
        f"{'p50 ms':>8}{'p99 ms':>8}"
    )
    rows = [("floor: decode + group commit", floor)]
    rows += [("batches of 100", statistics.median_low(batches)), ("single requests", statistics.median_low(singles))]
    for name, one in rows:
        speeds = (
            f"{one.rate:>10,.0f}{one.rate / floor.rate:>10.2f}{one.cpu_s * 1e6:>8.2f}{floor.cpu_s / one.cpu_s:>10.2f}"
        )
        print(f"{name:30}{speeds}{one.latency[0] * 1e3:>8.2f}{one.latency[1] * 1e3:>8.2f}")
