"""Memory: what a person at rest takes, and what all processes together take with a million of them.

Processes share the pages of their code: "resident" counts those in each, "proportional" once (PSS, proc(5)).
Run `python -m benchmarks memory`.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks import load, shop
from benchmarks.place import Place, cores_of_machine, table


def stored(data: Path) -> tuple[int, float, float]:
    """(people, bytes of a state, bytes of the file per person)."""
    people = size = file = 0
    for path in (data / "store").glob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT count(*), sum(length(state)) FROM profile WHERE key > '%'").fetchone()
        people, size, file = people + rows[0], size + rows[1], file + path.stat().st_size
    return people, size / people, file / people


def run(place: Place) -> None:
    data = place.seeded(shop.project())
    people, state, file = stored(data)
    table(
        f"memory: {people:,} people at rest, 20 events each",
        [("bytes of a state", f"{state:,.0f}"), ("bytes on disk, keys and indexes included", f"{file:,.0f}")],
    )
    requests = load.batches(list(load.calls(8, place.scaled(200_000, 2_000), place.profiles)))
    for workers in (1, 4):
        on = [place.core] if workers == 1 else cores_of_machine()
        with place.copy(data) as mine, place.server(mine, shop.project(), on, workers=workers) as server:
            asyncio.run(load.send_all(server.port, requests))
            server.watched.wait(server.watched.last_events())
            used = server.memory()
        table(
            f"memory: after {len(requests) * 100:,} events, {workers} worker process(es), MB resident",
            [
                *[(role, f"{resident / 1e6:.0f}") for role, (resident, _) in used.items()],
                ("together, resident", f"{sum(resident for resident, _ in used.values()) / 1e6:.0f}"),
                ("together, proportional", f"{sum(shared for _, shared in used.values()) / 1e6:.0f}"),
            ],
        )
