"""Console: how long a page takes to begin, and what it weighs, beside a million people and a shop that lives.

The people have twenty events each in their states. What the trail counted by hour is written for sixty days, as it
would stand there; then calls come by the engine's own road until the last hours are real. Each page is asked for one at
a time, while calls go on coming; the first request for a page is told apart, since it compiles its template. A first
view is what a browser without a cache loads: the page, styles, fonts, icons, scripts. The floor is /static/mark.svg,
the same road through both processes without a page. Run `python -m benchmarks console`.
"""

import asyncio
import gzip
import http.client
import random
import re
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from benchmarks import load, shop
from benchmarks.place import Place, percentile, table
from benchmarks.server import Server
from tactful.adapters.sqlite.trailfile import TrailFile
from tactful.values import HOUR_US

DAYS = 60
EVENTS_A_S = 200
ASKED = 20
PAGES = (
    "/",
    "/live",
    "/people",
    "/people/u:user-1",
    "/segments",
    "/segments/order_completed_7d",
    "/segments/order_completed_7d/people",
    "/journeys",
    "/journeys/remind_0",
    "/messages",
    "/outbox",
    "/events",
    "/events/Product%20Viewed",
    "/quarantine",
    "/consent",
    "/definitions",
    "/health",
)
FLOOR = "/static/mark.svg"
_OF_A_JOURNEY = (("started", ""), ("ended", "1"), ("intent", "1"), ("outcome", "sent"), ("outcome", "refused"))
_LINKED = re.compile(r'(?:href|src)="(/static/[^"#]+)')


class Asked(NamedTuple):
    first_byte_s: float
    bytes: int
    status: int
    body: str


def ask(port: int, path: str) -> Asked:
    """On a connection of its own, as a browser that packs what it can."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    taken = time.perf_counter() - begun
    body = answer.read()
    connection.close()
    text = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
    return Asked(taken, len(body), answer.status, text.decode("utf-8", "replace"))


def first_view(port: int, path: str) -> int:
    """Bytes, with all that the page and its styles name."""
    page = ask(port, path)
    found, waiting = {path: page.bytes}, set(_LINKED.findall(page.body))
    while waiting:
        one = waiting.pop()
        answer = ask(port, one)
        found[one] = answer.bytes
        waiting |= set(_LINKED.findall(answer.body)) - found.keys()
    return sum(found.values())


def count_hours(data: Path, files: dict[str, str], partitions: int, until_us: int) -> int:
    """Sixty days of tallies in every partition, of every definition: what a trail holds when its pieces are many."""
    definitions = [
        ("segment/" + name, what, cause)
        for name in (Path(path).stem for path in files if path.startswith("segments/"))
        for what, cause in (("entered", "event"), ("left", "time"))
    ]
    definitions += [
        ("journey/" + Path(path).stem, what, name)
        for path in files
        if path.startswith("journeys/")
        for what, name in (
            ("started", ""),
            ("ended", "1"),
            ("intent", "1"),
            ("outcome", "sent"),
            ("outcome", "refused"),
        )
    ]
    definitions += [("", "kept", name) for name in load.NAMES]
    draw, number = random.Random(3), 0
    for partition in range(partitions):
        path = data / "trail" / f"{partition}.db"
        TrailFile(path, read_only=False).close()  # Makes the tables where nothing was written yet.
        number += _fill(path, definitions, until_us, draw)
    return number


def _fill(path: Path, definitions: list[tuple[str, str, str]], until_us: int, draw: random.Random) -> int:
    last = until_us // HOUR_US
    rows = [
        (hour, definition, what, name, "", draw.randrange(1, 4_000), 0, 0)
        for hour in range(last - DAYS * 24, last)
        for definition, what, name in definitions
    ]
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT OR IGNORE INTO tally VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    return len(rows)


@contextmanager
def living(server: Server, profiles: int) -> Iterator[None]:
    """Calls go on coming meanwhile."""
    ended = Event()

    async def send() -> None:
        draw = random.Random(5)
        pacer = load.Pacer(server.port)

        def build() -> bytes:
            at = load.now()
            return load.batches([load.call(draw, load.user(draw, profiles), at) for _ in range(20)])[0]

        while not ended.is_set():
            begin = time.monotonic()
            await pacer.send([(begin + n * 20 / EVENTS_A_S, build) for n in range(EVENTS_A_S // 20)])

    thread = Thread(target=lambda: asyncio.run(send()))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def run(place: Place) -> None:
    files = shop.project()
    with place.copy(place.seeded(files)) as data:
        rows = count_hours(data, files, 4, time.time_ns() // 1000)
        with place.server(data, files) as server:
            events = [*load.calls(9, place.scaled(50_000, 1_000), place.profiles)]
            asyncio.run(load.send_all(server.port, load.batches(events)))
            server.watched.wait(server.watched.last_events())
            with living(server, place.profiles):
                floor = [ask(server.port, FLOOR).first_byte_s for _ in range(ASKED)]
                lines = [_line(server.port, page) for page in PAGES]
                weight = {
                    page: first_view(server.port, page)
                    for page in ("/", "/journeys/remind_0", "/segments", "/people/u:user-1")
                }
                memory = server.memory().get("show", (0, 0))[0]
    table(
        f"console: {place.profiles:,} people, {rows:,} hourly counts, {EVENTS_A_S} events/s meanwhile, one core; "
        f"first byte in ms, of {ASKED} requests each",
        [
            ("(floor: a picture of 267 bytes)", f"{statistics.median(floor) * 1e3:.1f}"),
            *lines,
            *((f"first view of {page}", f"{size / 1000:.0f} kB") for page, size in weight.items()),
            ("memory of the console's process", f"{memory / 1e6:.0f} MB"),
        ],
    )


def _line(port: int, page: str) -> tuple[str, str]:
    first = ask(port, page)
    taken = [ask(port, page).first_byte_s for _ in range(ASKED)]
    said = f"{statistics.median(taken) * 1e3:.0f}, p95 {percentile(taken, 0.95) * 1e3:.0f}"
    return page, f"{said}, the first {first.first_byte_s * 1e3:.0f} ({first.bytes / 1000:.0f} kB, {first.status})"
