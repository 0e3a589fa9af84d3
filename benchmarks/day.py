"""A day: the example shop and its shoppers, 24 hours in 14 minutes. Does anything grow that should not?

The real processes under `tactful up --speed 100`, the real shoppers of `tactful simulate`, looked at from outside every
few seconds: what the processes hold, what lies on disk, how long a call takes and how late mail leaves. Nothing is
pinned: engine and shoppers share the machine, as on a laptop. Draws what it saw.
"""

import base64
import json
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from benchmarks.curves import Curve, Panel, drawn
from benchmarks.place import Place, cores_of_machine, median, percentile, place, table
from benchmarks.server import Server, pin
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.operations.definitions import scaffold
from tactful.values import HOUR_US, SECOND_US

SPEED, PEOPLE, VISITS = 100, 10_000, 7
BEGIN = "2025-03-12T00:00:00Z"
PICTURE = Path(__file__).parent / "pictures" / "day.svg"
MB = 1_000_000
EVERY_S = 4.0


class Sample(NamedTuple):
    hour: float
    """Of the shop's clock, since its beginning."""
    memory: dict[str, int]
    """Proportional bytes by role."""
    disk: dict[str, int]
    """Bytes by part of the data folder."""
    call_ms: float
    mails_ms: list[float]
    """From due to handed over, of the mails since the last sample."""


class Watch:
    """Looks at a server from outside."""

    def __init__(self, server: Server, key: str, speed: int) -> None:
        self._server, self._speed = server, speed
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
            "Content-Type": "application/json",
        }
        self._outbox: SqliteOutbox | None = None
        self._seen: set[str] = set()
        self._begin = self._clock()

    def _clock(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._server.port}/v1/clock", timeout=60) as answer:
            return int(json.load(answer)["now_us"])

    def _call(self) -> float:
        """Milliseconds of one call, as a client of the shop feels them."""
        body = {"userId": "watch", "event": "Products Searched", "properties": {"query": "lamp"}}
        address = f"http://127.0.0.1:{self._server.port}/v1/track"
        request = urllib.request.Request(address, json.dumps(body).encode(), self._headers)
        begun = time.perf_counter()
        urllib.request.urlopen(request, timeout=60).close()
        return (time.perf_counter() - begun) * 1000

    def _mails(self) -> list[float]:
        if self._outbox is None:
            self._outbox = SqliteOutbox(self._server.data / "outbox.db", read_only=True)
        found = []
        for row in self._outbox.rows("sent", limit=2_000):
            if row.intent.intent not in self._seen and row.finished_at is not None:
                self._seen.add(row.intent.intent)
                late_us = row.finished_at - max(row.intent.due, row.not_before)
                found.append(late_us / self._speed / 1000)
        return found

    def sample(self) -> Sample:
        disk: dict[str, int] = defaultdict(int)
        for path in self._server.data.rglob("*"):
            part = path.relative_to(self._server.data).parts[0].partition(".")[0]
            try:
                disk[part] += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                continue  # A log's file was closed meanwhile.
        memory = {role: proportional for role, (_, proportional) in self._server.memory().items()}
        return Sample((self._clock() - self._begin) / HOUR_US, memory, dict(disk), self._call(), self._mails())


def observe(folder: Path, *, hours: float, speed: int, people: int) -> list[Sample]:
    """So many hours of the shop's clock."""
    project, data = folder / "project", folder / "data"
    keys = (f"key-of-the-benchmark-{number:06}" for number in range(100))
    key = scaffold.init(project, scaffold.Wanted("Nordlicht", "shop", "Europe/Lisbon"), lambda: next(keys)).server_key
    settings = tomllib.loads((project / "tactful.toml").read_text(encoding="utf-8"))
    assert any(source["write_key"] == key for source in settings["sources"].values())
    options = ("--dev", "--speed", str(speed), "--begin", BEGIN)
    pin(cores_of_machine())
    with Server(project, data, cores_of_machine(), options) as server:
        where = ["--project", str(project), "--data", str(data), "--url", f"http://127.0.0.1:{server.port}"]
        crowd = ["--people", str(people), "--visits", str(VISITS)]
        shoppers = subprocess.Popen(
            [sys.executable, "-m", "tactful", "simulate", *where, *crowd],
            stdin=subprocess.DEVNULL,
            stderr=(folder / "shoppers.log").open("wb"),
        )
        watch, samples = Watch(server, key, speed), list[Sample]()
        try:
            while not samples or samples[-1].hour < hours:
                time.sleep(min(EVERY_S, hours * 3600 / speed / 10))
                samples.append(watch.sample())
                assert shoppers.poll() is None, (folder / "shoppers.log").read_text()
        finally:
            shoppers.terminate()
            shoppers.wait(60)
    return samples


def by_half_hour(samples: list[Sample], share: float) -> list[tuple[float, float]]:
    """Lateness of mails, where there were enough to say so."""
    found: dict[int, list[float]] = defaultdict(list)
    for sample in samples:
        found[int(sample.hour * 2)] += sample.mails_ms
    return [(half / 2 + 0.25, percentile(late, share)) for half, late in sorted(found.items()) if len(late) >= 5]


def panels(samples: list[Sample]) -> list[Panel]:
    def over(value: str, names: list[str]) -> list[Curve]:
        return [
            Curve(name, [(sample.hour, getattr(sample, value).get(name, 0) / MB) for sample in samples])
            for name in names
        ]

    roles = sorted({role for sample in samples for role in sample.memory})
    last = samples[-1].disk
    parts = sorted(
        (part for part, size in last.items() if size > 0.02 * sum(last.values())), key=lambda part: -last[part]
    )
    together = [(sample.hour, sum(sample.memory.values()) / MB) for sample in samples]
    whole = [(sample.hour, sum(sample.disk.values()) / MB) for sample in samples]
    return [
        Panel("Memory of all processes", "MB", [Curve("together", together), *over("memory", roles)]),
        Panel("Data folder", "MB", [Curve("together", whole), *over("disk", parts)]),
        Panel("A call until its 200", "ms", [Curve("each", [(sample.hour, sample.call_ms) for sample in samples])]),
        Panel(
            "A mail from due to handed over",
            "ms",
            [Curve("half within", by_half_hour(samples, 0.5)), Curve("99 of 100 within", by_half_hour(samples, 0.99))],
        ),
    ]


def run(here: Place) -> None:
    hours, speed = (0.5, 200) if here.is_quick else (24.0, SPEED)
    people = here.people or here.scaled(PEOPLE, 300)
    samples = observe(here.folder, hours=hours, speed=speed, people=people)
    picture = here.folder / "day.svg" if here.is_quick else PICTURE
    picture.parent.mkdir(exist_ok=True)
    picture.write_text(drawn(f"{hours:g} hours of a shop of {people:,} at {speed} times the speed", panels(samples)))
    third = max(1, len(samples) // 3)
    early, late = samples[:third], samples[-third:]

    def both(value: str) -> tuple[float, float]:
        first, last = ([sum(getattr(one, value).values()) / MB for one in some] for some in (early, late))
        return median(first), median(last)

    mails = [[late for one in some for late in one.mails_ms] or [0.0] for some in (early, late)]
    calls = [[one.call_ms for one in some] for some in (early, late)]
    rows = [
        ("memory together, first and last third of the day, MB", "{:,.0f} {:,.0f}".format(*both("memory"))),
        ("memory at most, MB", f"{max(sum(one.memory.values()) for one in samples) / MB:,.0f}"),
        ("data folder, first and last third of the day, MB", "{:,.0f} {:,.0f}".format(*both("disk"))),
        ("a call, half within, ms", f"{median(calls[0]):.1f} {median(calls[1]):.1f}"),
        ("mails handed over", f"{sum(len(one.mails_ms) for one in samples):,}"),
        ("a mail from due to handed over, half within, ms", f"{median(mails[0]):,.0f} {median(mails[1]):,.0f}"),
        ("99 of 100 within, ms", f"{percentile(mails[0], 0.99):,.0f} {percentile(mails[1], 0.99):,.0f}"),
    ]
    seconds = hours * HOUR_US / speed / SECOND_US
    table(f"a day: {hours:g} h at {speed} times the speed, in {seconds:,.0f} s", rows, f"drawn in {picture}")


if __name__ == "__main__":
    with place(None, __doc__) as somewhere:
        run(somewhere)
