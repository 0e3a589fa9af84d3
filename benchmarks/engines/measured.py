"""Times of turns, as the tables show them. Means hold whatever a turn costs later: checkpoints, compactions, syncs."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct


class Measured(Struct):
    """Of one engine: seconds of each turn, and the process's CPU seconds (all threads) over all of them."""

    name: str
    turns_s: list[float]
    cpu_s: float
    per_turn: int
    """How many events or profiles a turn brings."""
    note: str = ""

    def line(self) -> str:
        times = sorted(self.turns_s)
        mean = sum(times) / len(times)
        cells = [
            f"{self.per_turn / mean / 1000:.1f}k/s",
            f"{times[len(times) // 2] * 1e3:.2f}",
            f"{mean * 1e3:.2f}",
            f"{times[int(len(times) * 0.99)] * 1e3:.1f}",
            f"{times[-1] * 1e3:.0f}",
            f"{self.cpu_s / len(times) * 1e3:.2f}",
            self.note,
        ]
        return f"| {self.name} | {' | '.join(cells)} |"


HEADER = """\
| engine | mean rate | median ms | mean ms | p99 ms | worst ms | CPU ms | |
|---|---|---|---|---|---|---|---|"""


def measure(name: str, turns: Iterator[Callable[[], None]], per_turn: int, finish: Callable[[], None]) -> Measured:
    """Run the turns; `finish` brings home what is still owed, and counts into the mean as one more turn's time."""
    times = []
    cpu = time.process_time()
    for turn in turns:
        begun = time.perf_counter()
        turn()
        times.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    finish()
    owed = (time.perf_counter() - begun) / len(times)
    return Measured(name, [one + owed for one in times], time.process_time() - cpu, per_turn)


@contextmanager
def on_disk(path: str) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        yield handle
    finally:
        os.close(handle)
