"""Seeds: what new definitions would have counted, from a year of a shop, by all cores; memory of all processes at once.

Ten aggregates begin at the end of the history: counts, sums, sequences, sessions, of which half read properties. What
is timed is all of it, from the question to the file of states. Run `python -m benchmarks seeds`.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.apart import fresh
from benchmarks.place import Place, table
from benchmarks.resident import Resident
from tactful.adapters.crew import Processes
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.sqlite.seeds import SqliteSeeds
from tactful.app.clocks import SystemClock
from tactful.events.records import Plan, Publish
from tactful.kernel.plan import adopt
from tactful.operations.seeds.seed_counting import Wanted, count_all
from tactful.runtime.seeds import Row
from tactful.values import DAY_US

EVENTS, QUICK_EVENTS = 20_000_000, 300_000
EACH = 100
NOW_US = 1_767_225_600_000_000
METRICS = {
    "orders": 'count("Order Completed")',
    "spend": 'sum("Order Completed", total)',
    "views": 'count("Product Viewed", last="90d")',
    "kinds": 'distinct("Product Viewed", category, last="30d")',
    "first_order": 'first("Order Completed", total)',
    "dear": 'max("Product Viewed", price, last="365d")',
    "days": 'active_days("*", last="365d")',
    "visits": 'sessions(last="90d")',
}
SEGMENTS = {
    "left_cart": 'sequence("Product Added", not "Order Completed", within="1h", last="30d")',
    "shoes": 'count("Product Viewed", where=category == "shoes") >= 3',
}
FILES = {
    **{f"metrics/{name}.yaml": f"value: '{text}'\n" for name, text in METRICS.items()},
    **{f"segments/{name}.yaml": f"when: '{text}'\n" for name, text in SEGMENTS.items()},
}


def write(path: Path, events: int) -> None:
    """As much of the table `events` as seeds read, in the order of a lake: by person and time."""
    half = path.with_suffix(".half")
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET temp_directory = '{path.parent}'")
        connection.execute("SET memory_limit = '3GB'")
        connection.execute(f"""
            COPY (
                SELECT 'u:' || person AS identifier, 1 AS epoch,
                    CASE WHEN drawn < 0.3 THEN 'page' ELSE 'track' END AS kind,
                    CASE WHEN drawn < 0.3 THEN '$page' WHEN drawn < 0.8 THEN 'Product Viewed' WHEN drawn < 0.92
                        THEN 'Product Added' WHEN drawn < 0.96 THEN 'Order Completed' ELSE 'Signed In' END AS name,
                    moment AS timestamp, moment + 2000000 AS received_at, number * 1024 AS ref,
                    number * 1024 AS applied,
                    struct_pack(json := '{{"price":' || (number % 200) || ',"total":' || (number % 300) ||
                        ',"category":"' || ['shoes', 'hats', 'toys', 'books'][number % 4 + 1] || '","product_id":"p' ||
                        (number % 20000) || '","url":"https://shop.example/products/' || number || '"}}') AS properties,
                    struct_pack(json := '{{}}') AS context
                FROM (
                    SELECT range AS number, hash(range) % {max(events // EACH, 1)} AS person,
                        (hash(range, 'drawn') % 10000) / 10000.0 AS drawn,
                        {NOW_US} - (hash(range, 'at') % {365 * DAY_US})::BIGINT AS moment
                    FROM range({events})
                ) ORDER BY person, moment
            ) TO '{half}' (FORMAT parquet, COMPRESSION zstd)
        """)
    half.rename(path)


def measure(path: Path, folder: Path, processes: int) -> tuple[float, int, int, float]:
    """Seconds, events, fragments, and the most megabytes of all processes together."""
    known, _ = adopt(None, Plan(1, Publish(NOW_US, FILES, {"time_zone": "UTC"})), NOW_US, is_empty=False)
    wanted = Wanted(tuple(known.ready), (1 << 50,), NOW_US)
    seeds, fragments, events = SqliteSeeds(folder, SystemClock()), 0, 0
    begun = time.perf_counter()
    with Resident() as memory, DuckDBQueries().open({"events": [path]}) as session:
        found = list[tuple[int, int]]()

        def rows() -> Iterator[Row]:
            for one in count_all(known, wanted, session, Processes(processes)):
                found.append((len(one.rows), one.events))
                yield from one.rows

        seeds.write(rows())
    seconds = time.perf_counter() - begun
    fragments, events = sum(one for one, _ in found), sum(many for _, many in found)
    return seconds, events, fragments, memory.megabytes


def run(here: Place) -> None:
    events = here.people * EACH or here.scaled(EVENTS, QUICK_EVENTS)
    path = here.folder / f"seeds-{events}.parquet"
    if not path.exists():
        write(path, events)
    figures = []
    for processes in (1, 0):
        with fresh() as pool:
            seconds, read, fragments, megabytes = pool.submit(measure, path, here.folder / "seeds", processes).result()
        title = "one process" if processes == 1 else "all cores"
        figures += [
            (f"{title}, s", f"{seconds:.1f}"),
            ("  events/s", f"{read / seconds:,.0f}"),
            ("  memory of all at most, MB", f"{megabytes:,.0f}"),
        ]
    table(f"seeds: 10 aggregates of {read:,} events, {fragments:,} people", figures)
