"""The compiled mapping gives the records, and the report, that the general way gives."""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tactful.adapters.tables.opening import FileTables
from tactful.events.naming import DEFAULT
from tactful.events.records import Plan, Publish
from tactful.events.sources import Source
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.operations.imports.columns import instants
from tactful.operations.imports.mapping import ColumnType
from tactful.operations.imports.preparing import prepare
from tactful.operations.imports.quick import compiled
from tactful.operations.imports.report import Report, as_json
from tactful.operations.imports.taking import Job, Road, backfill
from tactful.operations.imports.texts import UNREAD, reader
from tactful.runtime.ports import Quarantined
from tactful.values import parse_time

from .folders import NOW

COLUMNS = ("id", "user", "guest", "kind", "at", "amount", "paid", "note", "country", "Unit Price")
TEXTS = (
    "",
    "a",
    " b ",
    "é",
    "x" * 130,
    "line\nbreak",
    "n/a",
    "12",
    "1,5",
    "germany",
    "€",
    "null",
    "\u200b",
    "a\u0000b",
)
TIMES = {
    "iso": ("2024-03-01T10:00:00Z", "2024-03-31T02:30:00", "2024-10-27T02:30:00", "2024-03-01", "2024-03-01 10:00:00.5",
            "2024-03-01T10:00:00+05:30", "never", "", "1999-01-01", "2031-01-01", " 2024-03-01 "),
    "milliseconds": (1709251200000, 1709251200123, 0, -5, 10**17, "1709251200000", "0x10", "1e12", "", None),
    "%d.%m.%Y": ("01.03.2024", "31.02.2024", "", "1.3.2024"),
}  # fmt: skip
NAMES = ("Order Completed", "Product Viewed", "$identify", "", "n/a", "Undeclared", "y" * 1001)
USERS = ("7", " 8 ", "", "null", "0", "ada", "aaaaaa", "u" * 600, 9, 9.0, 1.5, True, None)
AMOUNTS = (1, 2.5, "3", "4,5", "", None, "many", 2**60, -0.0, True, "1e3", float("inf"), float("nan"))
PROPERTIES = (
    "amount: amount", "note: note", "paid: paid", "country: country", "currency: note", "price.net: amount",
    "price.note: note", "fixed: {constant: 5}", "none: {constant: null}",
    "translated: {column: note, values: {a: Alpha, '12': 13, b: true}}", "double: amount * 2", "is_big: amount > 2",
    "unit: Unit_Price", "lower: lower(note)", "products: note", "ratio: amount / Unit_Price",
)  # fmt: skip
CONTEXT = ("page.title: note", "locale: country", "location.country: country", "page.deep.er: amount")
IDS = ("", "id: id", "id: [id, amount]", "id: user")
CONDITIONS = ("", "if: amount > 1", "if: note is not None", 'if: kind == "Order Completed" or amount < 3', "if: paid")
EVENTS = ("event: {column: kind}", "event: Order Completed", "event: {column: kind, values: {a: Order Completed}}",
          "type: page", "type: page; name: Article", "type: screen; name: {column: note}", "type: identify")  # fmt: skip
FILES = {
    "events/order.yaml": "name: Order Completed\nproperties:\n  amount: {type: number, required: true}\n  note: text\n"
    "  paid: boolean\n  translated: {type: text, enum: [Alpha, Beta]}\n",
    "events/viewed.yaml": "name: Product Viewed\nproperties: {amount: number, double: number, country: text}\n",
}


class Kept(Road):
    def __init__(self) -> None:
        self.records: dict[int, list[bytes]] = {}
        self.refused: list[tuple[Any, ...]] = []

    def append(self, records: Mapping[int, Sequence[bytes]], refused: Sequence[Quarantined]) -> None:
        for home, bodies in records.items():
            self.records.setdefault(home, []).extend(bodies)
        self.refused += [(one.code, one.field, one.message, one.body, one.call) for one in refused]

    def finish(self) -> None:
        pass


def plan(unplanned: str) -> CompiledPlan:
    settings = {"time_zone": "UTC", "sources": json.dumps({"shop": {"trust": "server", "unplanned": unplanned}})}
    return adopt(None, Plan(1, Publish(NOW, FILES, settings)), NOW, is_empty=True)[1]


def taken(path: Path, mapping: str, judging: CompiledPlan, *, in_lots: bool) -> tuple[Any, ...]:
    prepared = prepare(FileTables(), path, mapping, Path("m.yaml"))
    calls = prepared.calls()
    job = Job(path.name, "d", calls, Source("shop", "", "server"), DEFAULT, b"", judging, 3, goes_on=True)
    road, report = Kept(), Report(path.name)
    backfill(job, prepared.rows(calls, in_lots=in_lots), road, lambda: NOW, report, lambda report, share: None)
    report.unreadable(calls.unread, {})
    return road.records, sorted(road.refused), json.loads(as_json(report))


def mapping_of(draw: random.Random, times: str) -> str:
    entries = []
    for _ in range(draw.choice((1, 1, 2))):
        parts = draw.choice(EVENTS).split("; ")
        parts += [one for one in (draw.choice(IDS), draw.choice(CONDITIONS)) if one]
        parts += draw.choice((["user_id: user"], ["user_id: user", "anonymous_id: guest"], ["anonymous_id: guest"]))
        parts += ["timestamp: at"]
        properties = draw.sample(PROPERTIES, draw.randrange(6))
        parts.append(f"{'traits' if 'type: identify' in parts else 'properties'}: {{{', '.join(properties)}}}")
        parts.append(f"context: {{{', '.join(draw.sample(CONTEXT, draw.randrange(3)))}}}")
        entries.append("  - " + "\n    ".join(parts))
    types = {"at": f'{{time: "{times}"}}'}
    types |= {
        one: kind for one, kind in (("amount", "number"), ("paid", "boolean"), ("note", "text")) if draw.random() < 0.6
    }
    told = ", ".join(f"{name}: {kind}" for name, kind in types.items())
    missing = "missing: [n/a]\n" if draw.random() < 0.3 else ""
    zone = draw.choice(("UTC", "Europe/Berlin"))
    return f"source: shop\nzone: {zone}\ntypes: {{{told}}}\n{missing}events:\n" + "\n".join(entries) + "\n"


def rows_of(draw: random.Random, times: str) -> list[dict[str, Any]]:
    choices = {"user": USERS, "guest": USERS, "kind": NAMES, "at": TIMES[times], "amount": AMOUNTS, "note": TEXTS,
               "country": TEXTS, "paid": ("yes", "no", "", None, True, "perhaps"), "id": (*TEXTS, 4, 4.0), "Unit Price": AMOUNTS}  # fmt: skip
    # Mostly what is fine, so that whole columns are.
    narrow = {
        name: draw.sample(values, draw.randrange(1, 4)) for name, values in choices.items() if draw.random() < 0.7
    }
    chosen = {**choices, **narrow}
    return [{name: draw.choice(chosen[name]) for name in COLUMNS} for _ in range(draw.randrange(1, 40))]


def write(folder: Path, rows: Sequence[Mapping[str, Any]], format: str) -> Path:
    path = folder / f"rows.{format}"
    if format == "jsonl":
        said = [{name: None if one == float("inf") or one != one else one for name, one in row.items()} for row in rows]
        told = [said[0], *({name: one for name, one in row.items() if one is not None} for row in said[1:])]
        path.write_text("".join(json.dumps(row) + "\n" for row in told))
    elif format == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    else:
        columns: dict[str, Any] = {}
        for name in COLUMNS:
            values = [row[name] for row in rows]
            kinds = {type(value) for value in values if value is not None}
            as_they_are = len(kinds) == 1
            columns[name] = pa.array(values if as_they_are else [None if one is None else str(one) for one in values])
        pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("seed", range(400))
def test_a_compiled_mapping_gives_what_the_general_way_gives(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    times = draw.choice(list(TIMES))
    mapping, judging = mapping_of(draw, times), plan(draw.choice(("keep", "mend", "quarantine", "drop")))
    path = write(tmp_path, rows_of(draw, times), draw.choice(("csv", "jsonl", "parquet")))
    assert taken(path, mapping, judging, in_lots=True) == taken(path, mapping, judging, in_lots=False), mapping


ONE_RULE = "source: shop\nevents:\n  - {event: Order Completed, user_id: user, timestamp: at, %s}\n"


@pytest.mark.parametrize(
    ("said", "amounts"),
    [
        ("id: amount", [1, True, 1.0, 1, "1"]),
        ("properties: {amount: amount}", [1, 2, None, 3]),
        ("properties: {amount: {column: amount, values: {'1': one, 'True': yes}}}", [1, True, 1.0, 2]),
        ("properties: {amount: amount, note: amount}", [1, 2, 3]),
    ],
)
def test_what_chance_seldom_brings(said: str, amounts: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"user": f"u{place}", "at": "2024-03-01", "amount": one} for place, one in enumerate(amounts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    judging = plan("quarantine")
    assert taken(path, ONE_RULE % said, judging, in_lots=True) == taken(path, ONE_RULE % said, judging, in_lots=False)


def test_most_mappings_are_compiled_and_none_is_by_mistake(tmp_path: Path) -> None:
    number = 0
    for seed in range(100):
        draw = random.Random(seed)
        path = write(tmp_path, rows_of(draw, "iso"), "csv")
        mapping = mapping_of(draw, "iso")
        found = compiled(prepare(FileTables(), path, mapping, Path("m.yaml")).mapping, path.name)
        assert found is None or "identify" not in mapping
        number += found is not None
    assert number > 50


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"])
def test_columns_of_times_are_read_as_each_is(zone: str) -> None:
    draw = random.Random(zone)
    kind = ColumnType("time", zone=zone)
    read, found = reader(kind), 0
    for number in range(300):
        day = f"{draw.randrange(1900, 2030)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 32):02}"
        clock = f"{draw.choice('T tx')}{draw.randrange(25):02}:{draw.randrange(61):02}" + draw.choice(
            ("", ":59", ":00.5", ":00.123456", ":00.1234567")
        )
        ends = draw.choice(("", "", "", "Z", "+02:00", "-0330", "+05", "z", " "))
        values = [day + (clock + ends if number % 4 else "")] * 2
        at_once = instants(kind, values, frozenset())
        if at_once is not None:
            found += 1
            text = read(values[0])
            assert text is not UNREAD
            assert at_once == [parse_time(text)] * 2, values
    assert found > 20
