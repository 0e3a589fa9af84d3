"""Import: rows mapped, judged by a tracking plan and durable in the log per second on one core, beside collect in
batches in the same run; also by processor time, which is what is left when neighbours take their share of the core.

The rows hold what the calls of `collect` hold, as Parquet, CSV and JSON Lines, and as order lines of which five make
one order. Workers are no part of it, as they are none of collect. Run `python -m benchmarks importing`.
"""

import csv
import json
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.collect import PARTITIONS, Run, WallClock, event, measure_server, pin
from benchmarks.place import Place, cores_of_machine
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.tables.opening import FileTables
from tactful.events.naming import DEFAULT
from tactful.events.records import Plan, Publish
from tactful.events.sources import Source
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.operations.imports.preparing import prepare
from tactful.operations.imports.report import Report
from tactful.operations.imports.taking import Job, Road, backfill
from tactful.runtime.ports import Quarantined

NAMES = ("Product Viewed", "Product Added", "Order Completed", "Cart Viewed")
LINES = 5
PROPERTIES = ("product_id", "name", "price", "quantity", "category", "url")
_TYPES = "types: {price: number, quantity: number}\n"
_PROPERTIES = "{product_id: product_id, name: name, price: price, quantity: quantity, category: category, url: url}"
_CONTEXT = "{ip: ip, locale: locale, timezone: timezone, page.path: path, page.title: title}"
SINGLE = f"""source: shop
events:
  - event: {{column: event}}
    user_id: user
    timestamp: at
    id: id
    properties: {_PROPERTIES}
    context: {_CONTEXT}
"""
ORDERS = f"""source: shop
events:
  - event: Order Completed
    rows: order
    user_id: user
    timestamp: at
    properties: {{order_id: order, total: {{sum: price * quantity}}}}
    products: {_PROPERTIES}
"""


class ToLog(Road):
    def __init__(self, log: SqliteLog) -> None:
        self._log = log

    def append(self, records: Mapping[int, Sequence[bytes]], refused: Sequence[Quarantined]) -> None:
        assert not refused
        self._log.append(records)

    def finish(self) -> None:
        """Nobody applies them here."""


def rows(number: int) -> list[dict[str, Any]]:
    draw = random.Random(7)
    made: list[dict[str, Any]] = []
    for place in range(number):
        call: Any = event(draw, place)
        context = call["context"]
        made.append(
            {
                "id": call["messageId"],
                "order": f"A{place // LINES}",
                "user": call["userId"] if place % LINES == 0 else made[-1]["user"],
                "event": call["event"],
                "at": call["timestamp"],
                **call["properties"],
                **{name: context[name] for name in ("ip", "locale", "timezone")},
                **context["page"],
            }
        )
    return made


def write(folder: Path, number: int) -> dict[str, tuple[Path, str]]:
    made = rows(number)
    files = {name: folder / f"rows.{name}" for name in ("parquet", "csv", "jsonl")}
    pq.write_table(pa.Table.from_pylist(made), files["parquet"])
    with files["csv"].open("w", newline="") as file:
        writer = csv.DictWriter(file, made[0])
        writer.writeheader()
        writer.writerows(made)
    files["jsonl"].write_text("".join(json.dumps(row) + "\n" for row in made))
    return {
        "Parquet, a row an event": (files["parquet"], SINGLE),
        "CSV, a row an event": (files["csv"], _TYPES + SINGLE),
        "JSON Lines, a row an event": (files["jsonl"], SINGLE),
        f"Parquet, {LINES} rows an order": (files["parquet"], ORDERS),
    }


def plan() -> CompiledPlan:
    """Every property is declared, so that every value is looked at."""
    declared = "\n".join(f"  {one}: {'number' if one in ('price', 'quantity') else 'text'}" for one in PROPERTIES)
    files = {f"events/{place}.yaml": f"name: {name}\nproperties:\n{declared}\n" for place, name in enumerate(NAMES)}
    publish = Publish(WallClock().now_us(), files, {"time_zone": "UTC"})
    return adopt(None, Plan(1, publish), publish.received_at, is_empty=True)[1]


class Taken(NamedTuple):
    """From opening the file until the last event is durable."""

    events: float
    """A second."""
    rows: float
    cpu_s: float
    """Of an event."""


def measure(path: Path, mapping: str) -> Taken:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        log = SqliteLog(Path(folder) / "log", PARTITIONS, WallClock())
        judging = plan()
        begun, used = time.perf_counter(), time.process_time()
        prepared = prepare(FileTables(), path, mapping, Path("mapping.yaml"))
        calls = prepared.calls()
        job = Job(
            file=path.name,
            digest=prepared.digest,
            calls=calls,
            source=Source("shop", "", "server"),
            naming=DEFAULT,
            salt_key=b"",
            plan=judging,
            partitions=PARTITIONS,
        )
        report = Report(path.name)
        backfill(
            job,
            prepared.rows(calls, in_lots=True),
            ToLog(log),
            WallClock().now_us,
            report,
            lambda report, share: None,
        )
        lasted, used = time.perf_counter() - begun, time.process_time() - used
        log.close()
    assert not report.refused, report.refused
    return Taken(report.kept / lasted, report.rows / lasted, used / report.kept)


def run(place: Place) -> None:
    number, seconds, rounds = (2_000, 0.3, 1) if place.is_quick else (150_000, 3.0, place.rounds)
    collected: list[Run] = []
    taken: dict[str, list[Taken]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), number)
        for _ in range(rounds):  # In turns, so that a noisy neighbour meets all alike.
            collected.append(measure_server("batches", seconds, place.core, set(place.others)))
            pin({place.core})
            for name, (path, mapping) in files.items():
                taken.setdefault(name, []).append(measure(path, mapping))
    pin(set(cores_of_machine()))
    collect = statistics.median_low(collected)
    print(f"\n{'import: one pinned core':34}{'events/s':>10}{'rows/s':>10}{'CPU us':>8}{'of collect':>12}{'by CPU':>8}")
    print(f"{'collect, batches of 100':34}{collect.rate:>10,.0f}{'':>10}{collect.cpu_s * 1e6:>8.2f}")
    for name, found in taken.items():
        one = statistics.median_low(found)
        print(
            f"{name:34}{one.events:>10,.0f}{one.rows:>10,.0f}{one.cpu_s * 1e6:>8.2f}"
            f"{one.events / collect.rate:>12.2f}{collect.cpu_s / one.cpu_s:>8.2f}"
        )
