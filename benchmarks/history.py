"""SQL over the history: 20 windowed segments in one pass, and 40 features, of 20M events and 200,000 people, beside the
best SQL written by hand.

Both read the same files of a lake (docs/history.md, 64 buckets and more) with DuckDB in the same process, in turns, and
both find out whose each event is: a tenth of them stand under a device's identifier. What they read has columns of its
own.
`--people 20000` and `--people 2000000` are 2M and 200M events: how time and memory grow. The files of the largest take
12 GB, and 15 minutes to be written. Run `python -m benchmarks history`.
"""

import json
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import history_files, history_questions
from benchmarks.apart import fresh
from benchmarks.history_questions import NOW_US, OWN, Asked
from benchmarks.place import Place, median, table
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.history.queries import Session
from tactful.language.check import check
from tactful.language.sql.engines import write
from tactful.language.sql.query import ask

ROWS, QUICK_ROWS = 20_000_000, 60_000
BUCKETS, BUCKET_ROWS = 64, 312_500
"""At least so many, and no more rows in each: a lake that grows wants more of them."""
MEMORY = "1500MB"


def measure(files: Mapping[str, Sequence[Path]], asked: Sequence[Asked], rounds: int) -> tuple[float, float, float]:
    """Seconds of the engine's SQL and of that by hand, and the megabytes that this process has taken at most."""
    trees = {one.name: check(one.expression, "value").tree for one in asked}
    query = ask(trees, layout=OWN, kinds={one.name: one.kind for one in asked})
    ours, theirs = write(query.query, "duckdb").given({"t": NOW_US}), history_questions.by_hand(asked)
    names = {one.name: f"v{query.columns[one.name].begin - 1}" for one in asked}
    times: tuple[list[float], list[float]] = ([], [])
    with DuckDBQueries(MEMORY).open(files) as session:
        for turn in range(rounds + 1):
            found = [
                _counted(session, ours, list(names.values()), times[0]),
                _counted(session, theirs, list(names), times[1]),
            ]
            assert found[0] == found[1], f"they do not find the same: {found}"
            if turn == 0:
                times[0].clear()
                times[1].clear()
    return median(times[0]), median(times[1]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _counted(session: Session, query: str, names: Sequence[str], times: list[float]) -> Sequence[object]:
    """How many people, and of each column how many have a value, and the greatest."""
    looked_at = ", ".join(f"count({name}), max({name})" for name in names)
    begun = time.perf_counter()
    (found,) = session.rows(f"SELECT count(*), {looked_at} FROM ({query})")
    times.append(time.perf_counter() - begun)
    return [round(one, 4) if isinstance(one, float) else one for one in found]


def lake(here: Place, rows: int) -> dict[str, list[Path]]:
    """The files by table, made once."""
    folder = here.folder / f"history-{rows}"
    named = folder / "files.json"
    if not named.exists():
        files = history_files.write(folder, rows, max(BUCKETS, rows // BUCKET_ROWS), NOW_US, OWN)
        named.write_text(json.dumps({name: [str(path) for path in paths] for name, paths in files.items()}))
    return {name: [Path(path) for path in paths] for name, paths in json.loads(named.read_text()).items()}


def run(here: Place) -> None:
    rows = here.people * history_files.EACH or here.scaled(ROWS, QUICK_ROWS)
    _measured(here, rows, here.rounds)


def _measured(here: Place, rows: int, rounds: int) -> None:
    files = lake(here, rows)
    figures = []
    for title, asked in (
        ("20 segments in one pass", history_questions.segments()),
        ("40 features", history_questions.features()),
    ):
        with fresh() as pool:
            ours, theirs, megabytes = pool.submit(measure, files, asked, rounds).result()
        figures += [
            (f"{title}, s", f"{ours:.2f}"),
            ("  floor: the best SQL by hand, s", f"{theirs:.2f}"),
            ("  of the floor", f"{ours / theirs:.2f}"),
            ("  memory at most, MB", f"{megabytes:,.0f}"),
        ]
    table(f"history: {rows:,} events of {max(rows // history_files.EACH, 1):,} people", figures)


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
