"""Columns of their own, made from the maps of whole tables at once (docs/history.md): a map is opened once, and what
each path has in it is one take."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tactful.history.table import CELL, schema
from tactful.language.sql.layout import EVENTS, Layout

_KINDS = {"nums": "num", "texts": "text", "flags": "flag", "times": "time", "lists": "list"}
Places = dict[str, npt.NDArray[np.int64]]
"""By path and row, where its value stands among the items of all rows; -1 for none."""


def with_own(events: pa.Table, layout: Layout) -> pa.Table:
    """The same rows of `events` with exactly these columns, whatever they had."""
    shape = schema(EVENTS, layout)
    if events.schema.equals(shape):
        return events
    plain = events.select([field.name for field in schema(EVENTS)])
    if not layout.own:
        return plain
    plain = plain.combine_chunks()  # DuckDB reads no struct in a struct that is cut to fit the pieces of the others.
    own = _own(_whole(plain.column("properties")), layout.own)
    return plain.append_column(shape.field("own"), own)


def _own(properties: pa.StructArray, paths: tuple[str, ...]) -> pa.StructArray:
    rows = len(properties)
    parts: dict[str, dict[str, pa.Array]] = {path: {} for path in paths}
    for kind, part in _KINDS.items():
        held = properties.field(kind)
        items = held.items
        for path, places in found(held, held.keys, paths).items():
            parts[path][part] = items.take(pa.array(places, mask=places < 0))
    objects = properties.field("objects")
    for path, places in found(objects, objects.values, paths).items():
        parts[path]["object"] = pa.array(np.ones(rows, np.bool_), mask=places < 0)
    return pa.StructArray.from_arrays([_cell(parts[path], rows) for path in paths], names=list(paths))


def found(held: Any, keys: pa.Array, paths: tuple[str, ...]) -> Places:
    """Where a list or map array, whose `keys` are those of all rows in turn, has these paths."""
    rows = len(held)
    offsets = held.offsets.to_numpy()
    first, end = int(offsets[0]), int(offsets[-1])
    if first == end:
        return {}
    coded = keys.slice(first, end - first).dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    numbers = {name: number for number, name in enumerate(coded.dictionary.to_pylist())}
    of_row = np.repeat(np.arange(rows, dtype=np.int64), np.diff(offsets))
    places_of: Places = {}
    for path in paths:
        if path in numbers:
            hits = np.flatnonzero(codes == numbers[path])
            places = np.full(rows, -1, np.int64)
            places[of_row[hits]] = hits + first
            places_of[path] = places
    return places_of


def _cell(parts: dict[str, pa.Array], rows: int) -> pa.StructArray:
    """Null where the path has nothing."""
    arrays = [parts.get(field.name) for field in CELL]
    known = np.zeros(rows, np.bool_)
    for one in arrays:
        if one is not None:
            known |= one.is_valid().to_numpy(zero_copy_only=False)
    filled = [pa.nulls(rows, field.type) if one is None else one for one, field in zip(arrays, CELL, strict=True)]
    return pa.StructArray.from_arrays(filled, fields=list(CELL), mask=pa.array(~known))


def _whole(column: pa.ChunkedArray) -> pa.StructArray:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    return whole
