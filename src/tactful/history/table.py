"""The tables of the history as Parquet (docs/history.md): their schema, and rows to bytes.

Every file of a table has the same schema, whatever its rows hold: engines need not look at more than one.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tactful.history.cells import (
    Cell,
    Cells,
    ConsentRow,
    EventRow,
    IdentityRow,
    MembershipRow,
    PlanRow,
    Row,
    ScoreRow,
    SteeringRow,
    ThresholdRow,
    TraitRow,
    ZoneRow,
)
from tactful.language.sql.layout import (
    CONSENTS,
    EVENTS,
    IDENTITY,
    MEMBERSHIPS,
    PLANS,
    SCORES,
    SHARED,
    STEERING,
    THRESHOLDS,
    TRAITS,
    ZONES,
    Layout,
)

TEXT, NUMBER, FLAG, MICROSECONDS = pa.string(), pa.float64(), pa.bool_(), pa.int64()
ELEMENTS = pa.struct(
    [
        ("nums", pa.list_(NUMBER)),
        ("texts", pa.list_(TEXT)),
        ("flags", pa.list_(FLAG)),
        ("times", pa.list_(MICROSECONDS)),
        ("keys", pa.list_(TEXT)),
    ]
)
CELL = pa.struct(
    [("num", NUMBER), ("text", TEXT), ("flag", FLAG), ("time", MICROSECONDS), ("list", ELEMENTS), ("object", FLAG)]
)
CELLS = pa.struct(
    [
        ("nums", pa.map_(TEXT, NUMBER)),
        ("texts", pa.map_(TEXT, TEXT)),
        ("flags", pa.map_(TEXT, FLAG)),
        ("times", pa.map_(TEXT, MICROSECONDS)),
        ("lists", pa.map_(TEXT, ELEMENTS)),
        ("objects", pa.list_(TEXT)),
        ("elements", pa.map_(TEXT, CELL)),
        ("json", TEXT),
    ]
)
_RECEIPT = [("received_at", MICROSECONDS), ("ref", MICROSECONDS), ("applied", MICROSECONDS)]
_ORDER = [("timestamp", MICROSECONDS), *_RECEIPT]
_FRAGMENT = [("identifier", TEXT), ("epoch", MICROSECONDS)]
_COLUMNS: Mapping[str, list[tuple[str, pa.DataType]]] = {
    EVENTS: [
        *(*_FRAGMENT, ("kind", TEXT), ("name", TEXT), *_ORDER, ("message_id", TEXT), ("zone", TEXT)),
        *(("source", TEXT), ("is_server", FLAG), ("is_verified", FLAG), ("is_import", FLAG), ("ids", pa.list_(TEXT))),
        *(("properties", CELLS), ("context", CELLS), ("extra", TEXT)),
    ],
    TRAITS: [
        *_FRAGMENT,
        ("name", TEXT),
        *_ORDER,
        ("source", TEXT),
        ("traits", CELLS),
        ("is_hearsay", FLAG),
        ("address", TEXT),
    ],
    SCORES: [*_FRAGMENT, ("model", TEXT), ("value", NUMBER), *_RECEIPT],
    THRESHOLDS: [("metric", TEXT), ("percent", NUMBER), ("value", NUMBER), *_RECEIPT],
    CONSENTS: [
        *(*_FRAGMENT, ("by", TEXT), ("by_epoch", MICROSECONDS)),
        *(("purpose", TEXT), ("granted", FLAG), ("is_gpc", FLAG), *_ORDER),
        *(("origin", TEXT), ("text_version", TEXT), ("source", TEXT), ("is_hearsay", FLAG), ("address", TEXT)),
    ],
    IDENTITY: [
        *(*_FRAGMENT, ("person", TEXT), *_ORDER),
        *(("cause", TEXT), ("hop", MICROSECONDS), ("place", MICROSECONDS)),
    ],
    PLANS: [
        *(("version", MICROSECONDS), ("published_at", MICROSECONDS), *_RECEIPT),
        *(("author", TEXT), ("files", TEXT), ("settings", TEXT)),
    ],
    MEMBERSHIPS: [
        *(("identifier", TEXT), ("segment", TEXT), ("entered", FLAG), ("at", MICROSECONDS)),
        *(("cause", TEXT), ("applied", MICROSECONDS)),
    ],
    STEERING: [
        *(("journey", TEXT), ("what", TEXT), ("version", TEXT), ("author", TEXT), ("approved_by", TEXT)),
        *(("reason", TEXT), *_RECEIPT),
    ],
    ZONES: [("zone", TEXT), ("from_us", MICROSECONDS), ("until_us", MICROSECONDS), ("offset_us", MICROSECONDS)],
}
_ROWS: Mapping[type[Row], str] = {
    EventRow: EVENTS,
    TraitRow: TRAITS,
    ScoreRow: SCORES,
    ThresholdRow: THRESHOLDS,
    ConsentRow: CONSENTS,
    IdentityRow: IDENTITY,
    ZoneRow: ZONES,
    PlanRow: PLANS,
    MembershipRow: MEMBERSHIPS,
    SteeringRow: STEERING,
}
GROUP_ROWS = 122_880
"""Of a row group: what DuckDB reads with one thread at a time."""


def schema(table: str, layout: Layout = SHARED) -> pa.Schema:
    """Of one of layout.TABLES."""
    columns = list(_COLUMNS[table])
    if table == EVENTS and layout.own:
        columns.append(("own", pa.struct([(path, CELL) for path in layout.own])))
    return pa.schema(columns)


def sorted_out(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by table."""
    found: dict[str, list[Row]] = {name: [] for name in _COLUMNS}
    for row in rows:
        found[_ROWS[type(row)]].append(row)
    return found


def of_rows(table: str, rows: Sequence[Row], layout: Layout = SHARED) -> pa.Table:
    """Rows of one table, one by one; history/columns.py is for many."""
    shape = schema(table, layout)
    return pa.table({field.name: _column(field, rows, layout) for field in shape}, schema=shape)


def parquet(table: str, rows: Sequence[Row], layout: Layout = SHARED) -> bytes:
    """A file with these rows of one table."""
    sink = pa.BufferOutputStream()
    held = of_rows(table, rows, layout)
    pq.write_table(held, sink, compression="zstd", row_group_size=GROUP_ROWS, use_dictionary=True)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def _column(field: pa.Field, rows: Sequence[Any], layout: Layout) -> pa.Array:
    if field.name == "own":
        return _own([row.properties for row in rows], layout)
    values = list(map(attrgetter(field.name), rows))
    if field.type != CELLS:
        return pa.array(values, field.type)
    return pa.StructArray.from_arrays(
        [pa.array([getattr(one, inner.name) for one in values], inner.type) for inner in CELLS], fields=list(CELLS)
    )


_MAPS = ("nums", "texts", "flags", "times", "lists")


def _own(every: Sequence[Cells], layout: Layout) -> pa.Array:
    columns: dict[str, list[Cell | None]] = {path: [None] * len(every) for path in layout.own}
    for row, cells in enumerate(every):
        held: dict[str, dict[str, Any]] = {}
        for name in _MAPS:
            for path, value in getattr(cells, name):
                if path in columns:
                    held.setdefault(path, {})[name.removesuffix("s")] = value
        for path in cells.objects:
            if path in columns:
                held.setdefault(path, {})["object"] = True
        for path, parts in held.items():
            columns[path][row] = Cell(**parts)
    arrays = [pa.array(columns[path], CELL) for path in layout.own]
    return pa.StructArray.from_arrays(arrays, names=list(layout.own))
