"""Traits as identify calls wrote them, a row each: of calls as they stand in the log (history/columns.py: of others).
Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tactful.events.records import Event, unpack
from tactful.history import filling
from tactful.history.cells import address, is_hearsay
from tactful.history.outlines import Alike
from tactful.history.shapes import Columns, Numbers
from tactful.history.spans import LONGER, NULL, TEXT, Packed
from tactful.history.table import TEXT as TEXTS
from tactful.history.table import schema
from tactful.kernel.addresses import TRAITS as ADDRESSES
from tactful.language.sql.layout import TRAITS

_SAYABLE = frozenset(ADDRESSES.values())
"""Traits that a token may prove."""


def written(packed: Packed, events: pa.Table, calls: Sequence[Alike], opened: Mapping[int, Event]) -> pa.Table:
    """Of these calls, each at its place among the events; `opened` are those whose token may prove something."""
    parts = [(name, part) for one in calls for name, part in one.parts()]
    ends = np.cumsum([0, *(len(part.places) for _, part in parts)])
    held, rows = Columns(int(ends[-1])), np.split(np.arange(ends[-1]), ends[1:-1])
    texts = filling.take(held, packed, [part for _, part in parts], rows)
    names, number = pa.array([name for name, _ in parts], TEXTS), [len(part.places) for _, part in parts]
    is_server = events.column("is_server").to_numpy()
    arrays = {
        "name": names.take(pa.array(np.repeat(np.arange(len(parts)), number))),
        "traits": held.struct(
            pa.concat_arrays([_text(part, text) for (_, part), text in zip(parts, texts, strict=True)])
        ),
        "is_hearsay": pa.array(
            np.concatenate([_hearsay(name, part.places, is_server, opened) for name, part in parts])
        ),
        "address": pa.concat_arrays([_addresses(packed, name, part) for name, part in parts]),
    }
    shape = schema(TRAITS)
    beside = events.select([one for one in shape.names if one not in arrays])
    beside = beside.take(pa.array(np.concatenate([part.places for _, part in parts])))
    columns = [arrays[name] if name in arrays else beside.column(name) for name in shape.names]
    return pa.Table.from_arrays(columns, schema=shape)


def _text(part: Alike, text: pa.Array) -> pa.Array:
    """Of an object with this trait alone; without it where the call cleared it."""
    if part.outline.objects or NULL not in part.values[0].kinds:
        return text
    return pc.if_else(pa.array(part.values[0].kinds == NULL), "{}", text)


def _hearsay(name: str, places: Numbers, is_server: Numbers, opened: Mapping[int, Event]) -> Numbers:
    found: Numbers = ~is_server[places]
    if name in _SAYABLE and opened:
        for row, place in enumerate(places.tolist()):
            if event := opened.get(place):
                found[row] = is_hearsay(event, name, unpack(event.properties)[name])
    return found


def _addresses(packed: Packed, name: str, part: Alike) -> pa.Array:
    if name != "email" or part.outline.objects:
        return pa.nulls(len(part.places), TEXTS)
    (values,) = part.values
    are_texts = (values.kinds >= TEXT) & (values.kinds <= LONGER)
    found = pa.array([address(name, one) for one in packed.of_texts(values.only(are_texts)).to_pylist()], TEXTS)
    return pc.replace_with_mask(pa.nulls(len(are_texts), TEXTS), pa.array(are_texts), found)
