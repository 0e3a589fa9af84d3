"""The files are as docs/history.md says, whatever is in them."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tactful.history.cells import EventRow, cells
from tactful.history.table import CELL, CELLS, ELEMENTS, parquet, schema, sorted_out
from tactful.language.sql.layout import EVENTS, TABLES, layout

DOCUMENT = (Path(__file__).parents[2] / "docs/history.md").read_text()
TYPES = {pa.string(): "text", pa.float64(): "number", pa.bool_(): "flag", ELEMENTS: "elements", CELL: "cell"}

WHOLE = ("ref", "applied", "epoch", "by_epoch", "hop", "place", "version")


def written(name: str, kind: pa.DataType) -> str:
    """A type as the document calls it."""
    if kind == CELLS:
        return "cells"
    if pa.types.is_map(kind):
        return f"map of {written(name, kind.item_type)}"
    if pa.types.is_list(kind):
        return f"list of {written(name, kind.value_type)}"
    if kind == pa.int64():
        return "whole" if name in WHOLE else "microseconds"
    return TYPES[kind]


def told(text: str) -> dict[str, str]:
    """The first table behind a place in the document."""
    rows = re.search(r"\|---\|---\|---\|\n((?:\|.*\n)+)", text)
    assert rows is not None
    cut = [[part.strip() for part in row.split("|")[1:3]] for row in rows[1].splitlines()]
    return {name.strip("`"): kind for name, kind in cut}


def named(fields: pa.Schema | pa.StructType) -> dict[str, str]:
    return {field.name: written(field.name, field.type) for field in fields}


@pytest.mark.parametrize("table", TABLES)
def test_the_document_has_every_column(table: str) -> None:
    columns = told(DOCUMENT.split(f"\n### {table}\n")[1])
    if table == EVENTS:
        assert columns.pop("own") == "columns"
    assert columns == named(schema(table))


def test_the_document_has_every_field_of_a_cell() -> None:
    inner = DOCUMENT.split("\n## Cells\n")[1]
    assert told(inner) == named(CELLS)
    assert told(inner.split("`elements` is a list")[1]) == named(ELEMENTS)
    assert told(inner.split("`cell` is one value")[1]) == named(CELL)


@pytest.mark.parametrize("table", TABLES)
def test_a_file_without_rows_has_the_same_columns(table: str) -> None:
    own = layout([("total",), ("Total",), ("order id",)])
    for chosen in (layout([]), own):
        assert pq.read_schema(pa.BufferReader(parquet(table, [], chosen))).equals(schema(table, chosen))


def test_own_columns_hold_what_the_maps_hold_as_well() -> None:
    own = layout([("total",), ("products",), ("box",)])
    values = {"total": "5", "products": [1], "box": {"x": 1}, "other": 2}
    row = EventRow("u:ada", 1, "track", "A", 1, 2, 3, "m", None, cells(values), cells({}))
    (read,) = pq.read_table(pa.BufferReader(parquet(EVENTS, [row], own))).to_pylist()
    assert read["properties"]["nums"] == [("box.x", 1.0), ("other", 2.0)]
    assert read["properties"]["texts"] == [("total", "5")] and read["properties"]["objects"] == ["box"]
    assert [name for name, _ in read["properties"]["lists"]] == ["products"]
    assert read["own"]["total"]["text"] == "5" and read["own"]["total"]["num"] is None
    assert read["own"]["products"]["list"]["nums"] == [1.0] and read["own"]["box"]["object"] is True


def test_rows_are_sorted_out_by_table() -> None:
    found = sorted_out([EventRow("u", 1, "track", "A", 1, 2, 3, "m", None, cells({}), cells({}))])
    assert {name: len(rows) for name, rows in found.items()} == {name: int(name == EVENTS) for name in TABLES}
