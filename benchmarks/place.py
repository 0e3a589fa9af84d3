"""Where a benchmark runs: its folders, the seeded data folder that it copies, the cores, and how much it should do."""

import argparse
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from benchmarks import shop
from benchmarks.apart import fresh
from benchmarks.load import PROFILES
from benchmarks.seeding import EVENTS, seed
from benchmarks.server import Server, cores, pin

PARTITIONS = 4
Result = TypeVar("Result")


class Place:
    """Folders of one run; people are seeded once and copied for each benchmark."""

    def __init__(self, folder: Path, *, is_quick: bool, rounds: int, people: int = 0, is_kept: bool = False) -> None:
        self.folder = folder
        self.people = people
        """How many are asked for; 0: as many as the benchmark says."""
        self.is_kept = is_kept
        """Whether the folder stays for the next run."""
        self.is_quick = is_quick
        self.rounds = rounds
        self.profiles = 2_000 if is_quick else PROFILES
        all_cores = cores()
        self.core = all_cores[-1]
        self.others = all_cores[:-1] or all_cores
        self._count = 0

    def scaled(self, number: int, quick: int) -> int:
        return quick if self.is_quick else number

    def seeded(self, files: Mapping[str, str], name: str = "plain", partitions: int = PARTITIONS) -> Path:
        """A data folder with everybody in it, to be copied."""
        data = self.folder / f"seed-{name}-{partitions}-{self.profiles}"
        if not data.exists():
            begun = time.perf_counter()
            half = data.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            seed(half, dict(files), partitions, time.time_ns() // 1000, self.profiles, EVENTS)
            half.rename(data)
            print(f"(seeded {self.profiles:,} people in {time.perf_counter() - begun:.0f} s)")
        return data

    @contextmanager
    def copy(self, data: Path) -> Iterator[Path]:
        """A copy that the benchmark may change."""
        self._count += 1
        scratch = self.folder / f"run-{self._count}"
        shutil.rmtree(scratch, ignore_errors=True)
        copied(data, scratch / "data")
        try:
            yield scratch / "data"
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def server(
        self,
        data: Path,
        files: dict[str, str],
        on: Iterable[int] | None = None,
        *,
        workers: int = 1,
        partitions: int = PARTITIONS,
        smtp_port: int = 0,
    ) -> Server:
        """The whole process tree, on one core unless told otherwise; the caller moves to the others."""
        project = data.parent / "project"
        shop.write(project, files, partitions=partitions, workers=workers, smtp_port=smtp_port)
        chosen = {self.core} if on is None else set(on)
        pin(set(cores_of_machine()) - chosen or cores_of_machine())
        return Server(project, data, chosen)


def copied(data: Path, target: Path) -> Path:
    """Its files, on disk, so that nothing measured waits for them; sockets of processes stay behind."""
    shutil.copytree(data, target, ignore=shutil.ignore_patterns("run", "lock"))
    os.sync()
    return target


def snapshot(data: Path, target: Path) -> Path:
    """Store and log as they are now, while processes work on them: each database whole, the stores before the log, so
    that no state is newer than its records."""
    for folder in ("store", "log"):
        (target / folder).mkdir(parents=True)
        for path in (data / folder).glob("*.db"):
            with (
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(target / folder / path.name)) as copy,
            ):
                source.backup(copy)
    return target


def cores_of_machine() -> list[int]:
    return _CORES


_CORES = cores()


def alone(core: int, function: Callable[..., Result], *arguments: object) -> Result:
    """Call the function in a fresh process that is pinned to the core."""
    with fresh(1, {core}) as pool:
        return pool.submit(function, *arguments).result()


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def table(title: str, rows: Iterable[tuple[str, str]], note: str = "") -> None:
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:58}{value:>14}")
    if note:
        print(f"  {note}")


@contextmanager
def place(arguments: list[str] | None = None, description: str | None = None) -> Iterator[Place]:
    """From the command line of one benchmark."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--quick", action="store_true", help="a smoke test: small numbers that mean nothing")
    options.add_argument("--rounds", type=int, default=3, help="runs of which the median is shown")
    options.add_argument("--people", type=int, default=0, help="how many there are, where the benchmark says so")
    options.add_argument("--folder", type=Path, help="keep the seeded people here, for the next run")
    chosen = options.parse_args(arguments)
    rounds = 1 if chosen.quick else chosen.rounds
    if chosen.folder:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        yield Place(chosen.folder, is_quick=chosen.quick, rounds=rounds, people=chosen.people, is_kept=True)
    else:
        with tempfile.TemporaryDirectory(prefix="tactful-bench-") as folder:
            yield Place(Path(folder), is_quick=chosen.quick, rounds=rounds, people=chosen.people)
