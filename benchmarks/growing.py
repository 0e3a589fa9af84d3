"""How questions grow with the history: 20 segments in one pass, a table of 40 features as Parquet, a preview, each of
2M and of 20M events; the files are those of `history`.

With `--people 2000000` of 200M events too. Run `python -m benchmarks growing`.
"""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import history, history_files, history_questions
from benchmarks.apart import fresh
from benchmarks.history_questions import NOW_US, OWN
from benchmarks.place import Place, median, table
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.language.check import check
from tactful.operations.features import feature_files
from tactful.operations.features import tables as features
from tactful.operations.history.opened import Opened
from tactful.operations.history.terms import Terms
from tactful.operations.previews.previewing_history import preview
from tactful.segments.features import Feature

SIZES, QUICK_SIZES = (2_000_000, 20_000_000), (30_000, 60_000)
PREVIEWED = 'count("Product Viewed", where=category == "shoes", last="30d") >= 5'
_Files = Mapping[str, Sequence[Path]]


class Cost(NamedTuple):
    seconds: float
    processor: float
    """Seconds of all cores."""


def segments(opened: Opened, _: Path) -> None:
    trees = {one.name: check(one.expression, "value").tree for one in history_questions.segments()}
    query, _asked = opened.written(trees, NOW_US)
    held = ", ".join(f"count(*) FILTER (v{place})" for place in range(len(trees)))
    opened.session.rows(f"SELECT count(*), {held} FROM ({query})")


def table_of_features(opened: Opened, folder: Path) -> None:
    asked = history_questions.features()
    wanted = [Feature(one.name, check(one.expression, "value"), one.kind) for one in asked]
    feature_files.write(features.table(opened, features.Wanted(wanted, [NOW_US])), folder / "features.parquet")


def previewed(opened: Opened, _: Path, *, is_brief: bool) -> None:
    preview(opened, check(PREVIEWED, "value"), NOW_US, is_brief=is_brief)


QUESTIONS: Mapping[str, Callable[[Opened, Path], None]] = {
    "20 segments in one pass": segments,
    "40 features, as Parquet": table_of_features,
    "preview": partial(previewed, is_brief=True),
    "preview with 30 days": partial(previewed, is_brief=False),
}


def measure(files: _Files, folder: Path, rounds: int) -> tuple[Mapping[str, Cost], float]:
    """What each question takes, opening the history counted in; and the megabytes of this process at most."""
    queries, found = DuckDBQueries(history.MEMORY), {}
    for name, ask in QUESTIONS.items():
        costs: list[Cost] = []
        for _ in range(rounds + 1):
            begun, before = time.perf_counter(), time.process_time()
            with queries.open(files) as session:
                ask(Opened(session, queries, OWN, {}, Terms()), folder)
            costs.append(Cost(time.perf_counter() - begun, time.process_time() - before))
        found[name] = Cost(*(median(one) for one in zip(*costs[1:], strict=True)))
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def run(here: Place) -> None:
    sizes = [*(QUICK_SIZES if here.is_quick else SIZES), *([here.people * history_files.EACH] if here.people else [])]
    for size in sizes:
        files = history.lake(here, size)
        with fresh() as pool:
            costs, megabytes = pool.submit(measure, files, here.folder, here.rounds).result()
        rows = [(name, f"{one.seconds:.2f} s, {one.processor:.1f} s of processor") for name, one in costs.items()]
        table(f"growing: {size:,} events", [*rows, ("memory at most, MB", f"{megabytes:,.0f}")])


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
