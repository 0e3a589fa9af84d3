"""What stays of events that have expired (docs/history.md): that somebody is known, since when, and where they were
last. Live keeps that of everybody; what the event was called and what it said is gone.

Of each fragment the first row stays, the first that a server said, the newest that knows a time zone and the newest
that knows a country, as rows of the kind `past` without name and properties; what stayed before counts again, so it
does not grow. Whole tables at once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tactful.events.sources import OWN_SOURCES
from tactful.history.cells import EMPTY, Cells, cells
from tactful.history.table import CELLS
from tactful.language.sql.defaults import CODES

PAST = "past"
"""The kind of these rows."""
_COUNTRY = "location.country"
_BLANK: dict[str, Any] = {"kind": PAST, "name": None, "message_id": "", "extra": "{}"}
Flags = npt.NDArray[np.bool_]


def with_remains(events: pa.Table, gone: Flags) -> pa.Table:
    """`events` without the rows that are gone, in the same order, with what stays of them."""
    past = gone | pc.equal(events.column("kind"), PAST).fill_null(False).to_numpy()
    places = np.flatnonzero(past)
    those = events.take(pa.array(places))
    country = _countries(those.column("context").combine_chunks())
    chosen = _chosen(those, country)
    kept = np.flatnonzero(~past)
    left = pa.concat_tables([events.take(pa.array(kept)), _blanked(those.take(pa.array(chosen)), country.take(chosen))])
    return left.take(pa.array(np.argsort(np.concatenate([kept, places[chosen]]), kind="stable")))


def _chosen(those: pa.Table, country: pa.Array) -> npt.NDArray[np.int64]:
    """Places of the rows that stay, ascending."""
    names = ("identifier", "epoch", "timestamp", "received_at", "ref")
    told = [("is_zoned", pc.is_valid(those.column("zone"))), ("has_country", pc.is_valid(country))]
    table = pa.table({name: those.column(name) for name in names} | dict(told))
    table = table.append_column("place", pa.array(np.arange(len(those))))
    by_receipt = [(one, "ascending") for one in ("received_at", "ref")]
    in_order = [(one, "ascending") for one in ("timestamp", "received_at", "ref")]
    found: set[int] = set()
    by = ["identifier", "epoch"]
    for some in (table, table.filter(_said_by_servers(those))):
        first = some.sort_by(by_receipt).group_by(by, use_threads=False).aggregate([("place", "first")])
        found.update(first.column("place_first").to_pylist())
    for flag, _ in told:
        some = table.filter(table.column(flag)).sort_by(in_order)
        last = some.group_by(by, use_threads=False).aggregate([("place", "last")])
        found.update(last.column("place_last").to_pylist())
    return np.array(sorted(found), np.int64)


def _said_by_servers(those: pa.Table) -> pa.Array:
    """Of each row, whether the shop's server spoke of the person."""
    own = pc.is_in(those.column("source"), pa.array(OWN_SOURCES))
    return pc.and_(pc.fill_null(those.column("is_server"), False), pc.invert(own))


def _countries(context: pa.StructArray | pa.ChunkedArray) -> pa.Array:
    """Of each row, the code of a country or null."""
    if isinstance(context, pa.ChunkedArray):
        context = context.chunk(0)
    texts = pc.struct_field(context, "texts")
    named = pc.map_lookup(texts, pa.scalar(_COUNTRY), "last")
    return pc.if_else(pc.is_in(named, pa.array(CODES)), named, pa.scalar(None, pa.string()))


def _blanked(rows: pa.Table, country: pa.Array) -> pa.Table:
    """Nothing but whose, when, and where."""
    zones = rows.column("zone").to_pylist()
    contexts = [_context(zone, code) for zone, code in zip(zones, country.to_pylist(), strict=True)]
    columns = {
        "properties": _of_cells([EMPTY] * len(rows)),
        "context": _of_cells(contexts),
        "ids": pa.array([[one] for one in rows.column("identifier").to_pylist()], rows.schema.field("ids").type),
    }
    arrays = []
    for field in rows.schema:
        if field.name in _BLANK:
            arrays.append(pa.array([_BLANK[field.name]] * len(rows), field.type))
        elif field.name == "own":
            arrays.append(pa.nulls(len(rows), field.type))
        else:
            arrays.append(columns.get(field.name, rows.column(field.name)))
    return pa.Table.from_arrays(arrays, schema=rows.schema)


def _context(zone: str | None, country: str | None) -> Cells:
    where = {"location": {"country": country}} if country is not None else {}
    return cells(where | ({"timezone": zone} if zone is not None else {}))


def _of_cells(held: list[Cells]) -> pa.StructArray:
    parts = [pa.array([getattr(one, inner.name) for one in held], inner.type) for inner in CELLS]
    return pa.StructArray.from_arrays(parts, fields=list(CELLS))
