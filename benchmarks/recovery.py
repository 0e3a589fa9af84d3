"""Recovery: kill -9 of everything with 100,000 records unread; how long until all is caught up again, one core.

The workers are held (SIGSTOP) while the records come, then every process is killed. Beside it the bare replay of the
same records from a copy of the same files: read, decode, step(), commit in one process, nothing else running.
Run `python -m benchmarks recovery`.
"""

import asyncio
import fcntl
import os
import signal
import time
from pathlib import Path

from benchmarks import floors, load, shop
from benchmarks.place import PARTITIONS, Place, alone, copied, median, table


def once(place: Place, seed: int) -> tuple[float, float, int]:
    """(seconds from the start of the processes until caught up, of the bare replay, records)."""
    files = shop.project()
    number = place.scaled(100_000, 2_000)
    requests = load.batches(list(load.calls(seed, number + 5_000, place.profiles)))
    with place.copy(place.seeded(files)) as data:
        with place.server(data, files) as server:
            asyncio.run(load.send_all(server.port, requests[:50]))
            server.watched.wait(server.watched.last_events())
            hold([number for number, role in server.processes().items() if role == "work"], data)
            asyncio.run(load.send_all(server.port, requests[50:]))
            targets = server.watched.last_events()
            server.kill()
        bare = copied(data, data.parent / "bare")
        again = place.server(data, files)
        begun = time.perf_counter()
        again.start()
        again.watched.wait(targets)
        lasted = time.perf_counter() - begun
        again.stop()
        replayed_s, records = alone(place.core, floors.replaying, bare, PARTITIONS)
    return lasted, replayed_s, records


def hold(workers: list[int], data: Path) -> None:
    """Stop the workers, and not in the middle of an append: collect would wait for its end."""
    while True:
        for number in workers:
            os.kill(number, signal.SIGSTOP)
        with (data / "log" / "append.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                for number in workers:
                    os.kill(number, signal.SIGCONT)
                time.sleep(0.01)
            else:
                return


def run(place: Place) -> None:
    taken = [once(place, seed) for seed in range(place.rounds)]
    table(
        f"recovery: kill -9 with {taken[0][2]:,} unread records, one core, medians of {len(taken)}",
        [
            ("caught up after, s", f"{median(one[0] for one in taken):.2f}"),
            ("floor: bare replay, s", f"{median(one[1] for one in taken):.2f}"),
            ("times the floor", f"{median(one[0] / one[1] for one in taken):.2f}"),
        ],
    )
