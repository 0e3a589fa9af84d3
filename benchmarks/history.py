"""SQL over the history: 20 windowed segments in one pass over 20M events, beside the best SQL written by hand.

Both read the same Parquet files (docs/history.md) with DuckDB in the same process, in turns. What the segments read has
columns of its own; a second pair of figures has everything in the maps. Run `python -m benchmarks history`.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

from benchmarks import history_files
from benchmarks.place import Place, median, table
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.history.queries import Session
from tactful.history.table import parquet
from tactful.language.check import check
from tactful.language.sql.engines import write
from tactful.language.sql.layout import EVENTS, SHARED, TABLES, Layout, layout
from tactful.language.sql.query import ask
from tactful.values import DAY_US

ROWS, QUICK_ROWS = 20_000_000, 60_000
FILES = 64
MEMORY = "1500MB"
NOW_US = 1_750_000_000_000_000
OWN = layout([("category",), ("path",), ("price",), ("products", "category"), ("query",), ("total",)])
"""What the segments read."""


# ---- the segments, and what somebody who knows the files writes for them ---------------------------------------------


def segments() -> dict[str, tuple[str, str]]:
    """By name: the expression, and the SQL by hand. `{n:x}`, `{t:x}` and `{l:x}` are where the property x is found."""
    found: dict[str, tuple[str, str]] = {}

    def add(expression: str, sql: str) -> None:
        found[f"s{len(found)}"] = (expression, sql)

    for event, days, least in (
        ("Product Viewed", 7, 3),
        ("Product Viewed", 30, 5),
        ("Product Added", 2, 1),
        ("$page", 7, 4),
        ("Products Searched", 30, 2),
        ("Order Completed", 90, 2),
    ):
        add(f'count("{event}", last="{days}d") >= {least}', f"count(*) FILTER ({_in(event, days)}) >= {least}")
    for event, days, price in (("Product Viewed", 7, 150), ("Product Added", 30, 100), ("Cart Viewed", 30, 20)):
        add(
            f'any("{event}", where=price >= {price}, last="{days}d")',
            f"count(*) FILTER (CASE WHEN {_in(event, days)} THEN {{n:price}} >= {price} END) > 0",
        )
    for category, days in (("shoes", 7), ("hats", 30), ("books", 60)):
        add(
            f'count("Product Viewed", where=category == "{category}", last="{days}d") >= 3',
            f"count(*) FILTER (CASE WHEN {_in('Product Viewed', days)} THEN {{t:category}} = '{category}' END) >= 3",
        )
    for days, least in ((90, 100), (365, 400)):
        amount = "CAST(floor({n:total} * 1e6 + 0.5) AS BIGINT)"
        add(
            f'sum("Order Completed", total, last="{days}d") > {least}',
            f"sum(CASE WHEN {_in('Order Completed', days)} THEN {amount} END) > {least}000000",
        )
    add(
        'any("$page", where=path == "/cart", last="3d") and not any("Order Completed", last="3d")',
        f"count(*) FILTER (CASE WHEN {_in('$page', 3)} THEN {{t:path}} = '/cart' END) > 0"
        f" AND count(*) FILTER ({_in('Order Completed', 3)}) = 0",
    )
    add(
        'count("Products Searched", where=contains(query, "shoe"), last="14d") >= 2',
        f"count(*) FILTER (CASE WHEN {_in('Products Searched', 14)} THEN contains({{t:query}}, 'shoe') END) >= 2",
    )
    add(
        'any("Order Completed", where="shoes" in products.category, last="365d")',
        f"count(*) FILTER (CASE WHEN {_in('Order Completed', 365)}"
        " THEN list_contains({l:products.category}.texts, 'shoes') END) > 0",
    )
    add(
        'any("Order Completed") and not any("Order Completed", last="90d")',
        f"count(*) FILTER (name = 'Order Completed') > 0 AND count(*) FILTER ({_in('Order Completed', 90)}) = 0",
    )
    add(
        'time_since("Product Viewed") > "60d"',
        f"max(CASE WHEN name = 'Product Viewed' THEN timestamp END) < {NOW_US - 60 * DAY_US}",
    )
    add(
        'max("Product Added", price, between=("60d", "7d")) > 150',
        f"max(CASE WHEN {_in('Product Added', 60)} AND timestamp <= {NOW_US - 7 * DAY_US} THEN {{n:price}} END) > 150",
    )
    assert len(found) == 20
    return found


def _in(event: str, days: int) -> str:
    return f"name = '{event}' AND timestamp > {NOW_US - days * DAY_US}"


def by_hand(own: Layout) -> str:
    """One pass. Where a property has a column, what lies in the maps for it needs no look."""
    columns = ", ".join(f"coalesce({sql}, false) AS {name}" for name, (_, sql) in segments().items())
    for name in OWN.own:
        for letter, part in (("n", "num"), ("t", "text"), ("l", "list")):
            place = f'own."{name}".{part}' if name in own.own else f"properties.{part}s['{name}']"
            columns = columns.replace(f"{{{letter}:{name}}}", place)
    return f"SELECT identifier, {columns} FROM events WHERE received_at <= {NOW_US} GROUP BY identifier"


# ---- measuring -------------------------------------------------------------------------------------------------------


def measure(files: Mapping[str, Sequence[Path]], own: Layout, rounds: int) -> tuple[float, float, float]:
    """Seconds of the engine's SQL and of that by hand, and the megabytes that this process has taken at most."""
    trees = {name: check(text).tree for name, (text, _) in segments().items()}
    asked = ask(trees, layout=own, has_ties=False)  # Nobody is tied in it, as its writer knows.
    ours, theirs = write(asked.query, "duckdb").given({"t": NOW_US}), by_hand(own)
    names = [f"v{number}" for number in range(len(asked.columns))]
    times: tuple[list[float], list[float]] = ([], [])
    with DuckDBQueries(MEMORY).open(files) as session:
        for turn in range(rounds + 1):
            found = [
                _counted(session, ours, names, times[0]),
                _counted(session, theirs, list(segments()), times[1]),
            ]
            assert found[0] == found[1], f"they do not find the same: {found}"
            if turn == 0:
                times[0].clear()
                times[1].clear()
    return median(times[0]), median(times[1]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _counted(session: Session, query: str, names: Sequence[str], times: list[float]) -> Sequence[int]:
    """How many people, and how many of them are in each segment."""
    counts = ", ".join(f"count(*) FILTER ({name})" for name in names)
    begun = time.perf_counter()
    (found,) = session.rows(f"SELECT count(*), {counts} FROM ({query})")
    times.append(time.perf_counter() - begun)
    return found


def run(here: Place) -> None:
    rows = here.scaled(ROWS, QUICK_ROWS)
    figures = []
    for title, own in (("what they read in columns of its own", OWN), ("all properties in maps", SHARED)):
        folder = here.folder / f"history-{rows}-{len(own.own)}"
        if not (folder / "done").exists():
            history_files.write(folder, rows, FILES, NOW_US, own)
            for name in TABLES[1:]:
                (folder / name).write_bytes(parquet(name, []))
            (folder / "done").touch()
        files = {name: [folder / name] for name in TABLES} | {EVENTS: sorted(folder.glob("*.parquet"))}
        with get_context("spawn").Pool(1) as pool:
            ours, theirs, megabytes = pool.apply(measure, (files, own, here.rounds))
        figures += [
            (f"{title}, s", f"{ours:.2f}"),
            ("  floor: the best SQL by hand, s", f"{theirs:.2f}"),
            ("  of the floor", f"{ours / theirs:.2f}"),
            ("  memory at most, MB", f"{megabytes:,.0f}"),
        ]
    table(f"history: 20 segments over {rows:,} events, in one pass", figures)


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
