"""Live: what an open page of events costs the engine, and what two thousand events a second cost the page.

One server on one core, with a million people. In turns, with no page open and with /live open in Chromium (on cores of
its own): two thousand events a second in batches of twenty, with the time until each is answered, the server's
processor time, and how long after the last one the trail has them all; then as many events as it takes, until the trail
has them. In the page: tasks that block it for more than 50 ms (W3C Long Tasks), gaps between frames, and at the end a
minute of the same load, with the heap and the nodes after collecting garbage. Run `python -m benchmarks live`.
"""

import asyncio
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

from playwright.sync_api import Page, sync_playwright

from benchmarks import load, shop
from benchmarks.apart import fresh
from benchmarks.place import Place, percentile, table
from benchmarks.server import Server, pin

EVENTS_A_S = 2_000
BATCH = 20
WARM_S = 2
_WATCH = """() => {
  window.seen = { tasks: [], gaps: [], at: performance.now() };
  new PerformanceObserver((list) => list.getEntries().forEach((one) => seen.tasks.push(one.duration)))
    .observe({ type: "longtask" });
  const frame = (now) => { seen.gaps.push(now - seen.at); seen.at = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
_TAKE = "() => { const all = { tasks: seen.tasks, gaps: seen.gaps }; seen.tasks = []; seen.gaps = []; return all; }"


class Turn(NamedTuple):
    """With or without a page."""

    latencies: list[float]
    """Seconds of a call at a steady rate."""
    busy_s: dict[str, float]
    """Of the processor in a second of it, by role."""
    behind_s: float
    """From the last answer until the trail has everything."""
    rate: float
    """Events a second until the trail has them, when they come as fast as they are taken."""


class Drawn(NamedTuple):
    """What the page did meanwhile."""

    tasks: list[float]
    """Milliseconds of those that blocked it for more than 50."""
    gaps: list[float]
    """Milliseconds between frames."""


def steady(port: int, seconds: float, profiles: int, seed: int) -> list[float]:
    draw = random.Random(seed)

    def build() -> bytes:
        at = load.now()
        return load.batches([load.call(draw, load.user(draw, profiles), at) for _ in range(BATCH)])[0]

    begin = time.monotonic() + 0.1
    batches = [(begin + number * BATCH / EVENTS_A_S, build) for number in range(int(seconds * EVENTS_A_S / BATCH))]
    return asyncio.run(load.Pacer(port).send(batches))


def burst(port: int, number: int, profiles: int, seed: int) -> float:
    """Seconds until the last of them was answered; they are made before."""
    requests = load.batches(list(load.calls(seed, number, profiles)))
    begun = time.perf_counter()
    asyncio.run(load.send_all(port, requests))
    return time.perf_counter() - begun


def turn(server: Server, loader: Executor, place: Place, seed: int) -> Turn:
    seconds, number = place.scaled(10, 1), place.scaled(50_000, 1_000)
    before, begun = server.busy_s(), time.perf_counter()
    latencies = loader.submit(steady, server.port, seconds, place.profiles, seed).result()
    ended = time.perf_counter()
    server.watched.wait(server.watched.last_events())
    behind_s = time.perf_counter() - ended
    busy = {role: (spent - before.get(role, 0.0)) / (ended - begun) for role, spent in server.busy_s().items()}
    lasted = loader.submit(burst, server.port, number, place.profiles, seed + 1).result()
    answered = time.perf_counter()
    server.watched.wait(server.watched.last_events())
    return Turn(latencies, busy, behind_s, number / (lasted + time.perf_counter() - answered))


@contextmanager
def chromium(address: str) -> Iterator[Page]:
    """An empty page; Debian's own browser, nothing is downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--js-flags=--expose-gc"],
        )
        yield browser.new_page(base_url=address, viewport={"width": 1440, "height": 900})
        browser.close()


def look(page: Page) -> None:
    page.goto("/live")
    page.locator("[data-live-said]", has_text="events a second").wait_for()
    page.evaluate(_WATCH)


def drawn(page: Page) -> Drawn:
    found: Any = page.evaluate(_TAKE)
    return Drawn(found["tasks"], found["gaps"])


def sizes(page: Page, server: Server, loader: Executor, place: Place) -> list[tuple[float, int, float]]:
    """Megabytes of the heap, nodes, and megabytes of the console's process, every tenth of a minute of load."""
    seconds = place.scaled(60, 3)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    found, newest = [], set()
    pouring = loader.submit(steady, server.port, seconds, place.profiles, 77)
    for _ in range(7):
        devtools.send("HeapProfiler.collectGarbage")
        metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        found.append((metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"]), server.memory()["show"][0] / 1e6))
        newest.add(page.locator("[data-live] > li").first.get_attribute("data-id"))
        page.wait_for_timeout(seconds * 1000 / 6.5)
    pouring.result()
    assert len(newest) > 4, "the page stood still"
    return found


def run(place: Place) -> None:
    files = shop.project()
    without: list[Turn] = []
    opened: list[Turn] = []
    shown: list[Drawn] = []
    with place.copy(place.seeded(files)) as data, place.server(data, files) as server:
        *for_browser, for_load = place.others
        with fresh(1, {for_load}) as loader:
            pin(for_browser or place.others)
            with chromium(f"http://127.0.0.1:{server.port}") as page:
                loader.submit(steady, server.port, WARM_S, place.profiles, 1).result()
                for number in range(place.rounds):
                    page.goto("about:blank")
                    without.append(turn(server, loader, place, 10 * number + 2))
                    pouring = loader.submit(steady, server.port, WARM_S, place.profiles, 10 * number + 4)
                    look(page)
                    pouring.result()
                    drawn(page)
                    opened.append(turn(server, loader, place, 10 * number + 6))
                    shown.append(drawn(page))
                held = sizes(page, server, loader, place)
    _tell(place, without, opened, shown, held)


def _tell(
    place: Place, without: list[Turn], opened: list[Turn], shown: list[Drawn], held: list[tuple[float, int, float]]
) -> None:
    def both(name: str, value: str, of: list[float], other: list[float]) -> tuple[str, str]:
        return name, f"{format(median(of), value)} / {format(median(other), value)}"

    def share(turns: list[Turn], at: float) -> list[float]:
        return [percentile(one.latencies, at) * 1e3 for one in turns]

    gaps = [gap for one in shown for gap in one.gaps]
    tasks = [task for one in shown for task in one.tasks]
    ratio = median(page.rate / bare.rate for page, bare in zip(opened, without, strict=True))
    roles = sorted({role for one in opened for role in one.busy_s})
    table(
        f"live: {place.profiles:,} people, one core; no page open / one open in Chromium, medians of {place.rounds}",
        [
            both("events/s, as many as it takes", ",.0f", [one.rate for one in without], [one.rate for one in opened]),
            ("with the page, of without it", f"{ratio:.2f}"),
            both(f"a call at {EVENTS_A_S:,} events/s, ms: half", ".1f", share(without, 0.5), share(opened, 0.5)),
            both("99 of 100", ".1f", share(without, 0.99), share(opened, 0.99)),
            both(
                "ms behind the last call until the trail has all",
                ".0f",
                [one.behind_s * 1e3 for one in without],
                [one.behind_s * 1e3 for one in opened],
            ),
            *(
                both(
                    f"share of the core, {role}",
                    ".2f",
                    [one.busy_s.get(role, 0.0) for one in without],
                    [one.busy_s.get(role, 0.0) for one in opened],
                )
                for role in roles
            ),
            ("page: tasks that blocked it for more than 50 ms", f"{len(tasks)}, longest {max(tasks, default=0):.0f}"),
            ("frames: half after, 99 of 100, the last, ms", _frames(gaps)),
            ("heap of the page through a minute, MB", " ".join(f"{heap:.1f}" for heap, _, _ in held)),
            ("nodes of it", " ".join(f"{nodes}" for _, nodes, _ in held)),
            ("the console's process, MB", " ".join(f"{size:.0f}" for _, _, size in held)),
        ],
    )


def _frames(gaps: list[float]) -> str:
    return ", ".join(f"{percentile(gaps, at):.0f}" for at in (0.5, 0.99, 1.0))
