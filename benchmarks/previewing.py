"""Previews of 20M events of 200,000 people: the number, the spread and the sample of an expression, and the 30 days
before it, in the process that asks; opening the history is counted in. The files are those of `history`. And what the
states of as many people answer without it.

`--people 20000` and `--people 2000000` are 2M and 200M events. Run `python -m benchmarks previewing`.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import history, history_files, shop
from benchmarks.apart import fresh
from benchmarks.history_questions import NOW_US, OWN
from benchmarks.place import PARTITIONS, Place, median, table
from benchmarks.seeding import seed
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.sqlite.store import SqliteStore
from tactful.language.check import check
from tactful.operations.history.opened import Opened
from tactful.operations.history.terms import Terms
from tactful.operations.previews.previewing_history import preview
from tactful.operations.reading.matching import Matching

EXPRESSIONS = (
    'any("Order Completed", last="30d")',
    'count("Product Viewed", where=category == "shoes", last="30d") >= 5',
    'sum("Order Completed", total, last="90d") > 100',
    'time_since("Product Viewed") > "60d"',
)
KNOWN = ('count("Product Viewed", last="10m") >= 2', 'not any("Order Completed", last="30d")')
"""A segment that is published, and a condition that is not, of what is counted."""


class Taken(NamedTuple):
    seconds: float
    processor: float
    """Seconds of all cores."""

    def __str__(self) -> str:
        return f"{self.seconds:.2f} ({self.processor:.1f} of processor)"


def measure(files: Mapping[str, Sequence[Path]], rounds: int) -> tuple[list[tuple[Taken, Taken]], float]:
    """Of each expression what it takes without and with the days before it; megabytes at most."""
    queries = DuckDBQueries(history.MEMORY)
    found = []
    for text in EXPRESSIONS:
        times: dict[bool, list[Taken]] = {True: [], False: []}
        for turn in range(rounds + 1):
            for is_brief, taken in times.items():
                begun, before = time.perf_counter(), time.process_time()
                with queries.open(files) as session:
                    preview(Opened(session, queries, OWN, {}, Terms()), check(text, "value"), NOW_US, is_brief=is_brief)
                if turn:
                    taken.append(Taken(time.perf_counter() - begun, time.process_time() - before))
        found.append((_median(times[True]), _median(times[False])))
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _median(taken: Sequence[Taken]) -> Taken:
    return Taken(*(median(one) for one in zip(*taken, strict=True)))


def answered(data: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of what live state answers, when it is asked first and from then on."""
    found = {}
    for text in KNOWN:
        first: list[float] = []
        again: list[float] = []
        for _ in range(rounds):
            stores = [SqliteStore(data / "store", one, read_only=True) for one in range(PARTITIONS)]
            live, condition = Matching(stores), check(text)
            for times in (first, again):
                begun = time.perf_counter()
                assert live.count(condition, NOW_US) is not None
                times.append((time.perf_counter() - begun) * 1000)
            for store in stores:
                store.close()
        found[text] = (median(first), median(again))
    return found


def run(here: Place) -> None:
    rows = here.people * history_files.EACH or here.scaled(history.ROWS, history.QUICK_ROWS)
    files = history.lake(here, rows)
    with fresh() as pool:
        found, megabytes = pool.submit(measure, files, here.rounds).result()
    figures = [
        (text, f"{brief}, with 30 days {whole}") for text, (brief, whole) in zip(EXPRESSIONS, found, strict=True)
    ]
    table(f"previewing: {rows:,} events, s", [*figures, ("memory at most, MB", f"{megabytes:,.0f}")])
    people = max(rows // history_files.EACH, 1)
    data = here.folder / f"states-{people}"
    if not data.exists():
        seed(data, shop.project(), PARTITIONS, NOW_US, people)
    with fresh() as pool:
        known = pool.submit(answered, data, here.rounds).result()
    table(
        f"previewing: what live state answers, of {people:,} people, ms",
        [(text, f"{first:.0f}, from then on {again:.0f}") for text, (first, again) in known.items()],
    )


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
