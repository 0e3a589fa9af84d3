"""Engine: collect to committed state, derived rows and trail, the whole process tree on one pinned core.

Beside it the floor of the same run: decode the calls, bare step(), bare commit of the same states. A second table says
where the time goes. Run `python -m benchmarks engine`.
"""

import asyncio
import time
from pathlib import Path

from benchmarks import floors, load, parts, shop
from benchmarks.place import PARTITIONS, Place, alone, median, table
from benchmarks.server import Server


def drive(server: Server, requests: list[bytes], warm: int) -> tuple[float, dict[str, float]]:
    """(seconds until the trail's end has caught up, processor seconds by role) of all but the first `warm` requests."""
    asyncio.run(load.send_all(server.port, requests[:warm]))
    server.watched.wait(server.watched.last_events())
    before = server.busy_s()
    begun = time.perf_counter()
    asyncio.run(load.send_all(server.port, requests[warm:]))
    server.watched.wait(server.watched.last_events())
    lasted = time.perf_counter() - begun
    after = server.busy_s()
    return lasted, {role: after[role] - before.get(role, 0) for role in after}


def once(place: Place, data: Path, events: int, seed: int) -> tuple[float, float, float, float, dict[str, float]]:
    """(events/s, then microseconds per event: floor of decode, step, commit; processor time by role)."""
    files = shop.project()
    requests = load.batches(list(load.calls(seed, events, place.profiles)))
    warm = len(requests) // 5
    with place.copy(data) as mine:
        with place.server(mine, files) as server:
            lasted, busy = drive(server, requests, warm)
        counted = (len(requests) - warm) * 100
        with place.copy(data) as bare:
            _put_log(mine, bare)
            decode_s = alone(place.core, floors.decoding, requests)
            step_s, commit_s, number = alone(place.core, floors.stepping, bare, PARTITIONS)
    each = 1e6 / number
    busy_us = {role: 1e6 * spent / counted for role, spent in busy.items()}
    return counted / lasted, decode_s * each, step_s * each, commit_s * each, busy_us


def _put_log(source: Path, target: Path) -> None:
    """The records of a run beside the people as they were before it."""
    for path in (target / "log").iterdir():
        path.unlink()
    for path in (source / "log").iterdir():
        (target / "log" / path.name).write_bytes(path.read_bytes())


def run(place: Place) -> None:
    data = place.seeded(shop.project())
    events = place.scaled(200_000, 3_000)
    rates, ratios = [], []
    for seed in range(place.rounds):
        rate, decode, step, commit, busy = once(place, data, events, seed)
        floor = decode + step + commit
        rates.append(rate)
        ratios.append(rate * floor / 1e6)
        print(
            f"  round {seed + 1}: {rate:,.0f} events/s, {ratios[-1]:.2f} of its floor "
            f"(decode {decode:.1f} + step() {step:.1f} + commit {commit:.1f} = {floor:.1f} us per event)"
        )
    table(
        f"engine: collect to trail, one core, {place.profiles:,} people",
        [
            ("events/s, median of rounds", f"{median(rates):,.0f}"),
            ("of the floor (decode + bare step() + bare commit)", f"{median(ratios):.2f}"),
            *[(f"processor time per event, {role}, us", f"{spent:.1f}") for role, spent in busy.items()],
        ],
    )
    _tell_parts(place, data, events)


def _tell_parts(place: Place, data: Path, events: int) -> None:
    """The same records through one worker after the other, with stop-watches."""
    requests = load.batches(list(load.calls(99, events, place.profiles)))
    with place.copy(data) as mine:
        with place.server(mine, shop.project()) as server:
            asyncio.run(load.send_all(server.port, requests))
        with place.copy(data) as bare:
            _put_log(mine, bare)
            spent, lasted = alone(place.core, parts.measure, bare, PARTITIONS)
    each = 1e6 / events
    table(
        "engine: parts of the worker, us per event (the stop-watches add a little to each)",
        [
            *[(part, f"{seconds * each:.2f}") for part, seconds in sorted(spent.items()) if seconds * each >= 0.005],
            ("everything else", f"{(lasted - sum(spent.values())) * each:.2f}"),
            ("together", f"{lasted * each:.2f}"),
        ],
    )
