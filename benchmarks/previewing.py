"""Previews of 20M events of 200,000 people: the number, the spread and the sample of an expression, and the 30 days
before it, in the process that asks; opening the history is counted in. The files are those of `history`.

`--people 20000` and `--people 2000000` are 2M and 200M events. Run `python -m benchmarks previewing`.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

from benchmarks import history, history_files
from benchmarks.history_questions import NOW_US, OWN
from benchmarks.place import Place, median, table
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.language.check import check
from tactful.operations.history import Opened
from tactful.operations.previewing_history import preview
from tactful.operations.terms import Terms

EXPRESSIONS = (
    'any("Order Completed", last="30d")',
    'count("Product Viewed", where=category == "shoes", last="30d") >= 5',
    'sum("Order Completed", total, last="90d") > 100',
    'time_since("Product Viewed") > "60d"',
)


def measure(files: Mapping[str, Sequence[Path]], rounds: int) -> tuple[list[tuple[float, float]], float]:
    """Of each expression the seconds without and with the days before it; megabytes at most."""
    queries = DuckDBQueries(history.MEMORY)
    found = []
    for text in EXPRESSIONS:
        times: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(rounds + 1):
            for is_brief, taken in times.items():
                begun = time.perf_counter()
                with queries.open(files) as session:
                    preview(Opened(session, queries, OWN, {}, Terms()), check(text, "value"), NOW_US, is_brief=is_brief)
                if turn:
                    taken.append(time.perf_counter() - begun)
        found.append((median(times[True]), median(times[False])))
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def run(here: Place) -> None:
    rows = here.people * history_files.EACH or here.scaled(history.ROWS, history.QUICK_ROWS)
    files = history.lake(here, rows)
    with get_context("spawn").Pool(1) as pool:
        found, megabytes = pool.apply(measure, (files, here.rounds))
    figures = [
        (text, f"{brief:.2f}, with 30 days {whole:.2f}")
        for text, (brief, whole) in zip(EXPRESSIONS, found, strict=True)
    ]
    table(f"previewing: {rows:,} events, s", [*figures, ("memory at most, MB", f"{megabytes:,.0f}")])


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
