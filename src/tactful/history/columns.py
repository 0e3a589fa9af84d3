"""What the producer gives as the tables of the history (docs/history.md), many rows at once.

Calls are most of it. They are turned a few thousand at a time, as they come and while a processor's cache still holds
them (history/shapes.py); contexts repeat, so each is unfolded once. No row is moved: to put nested columns in order
costs as much as to make them, and is done when files are dealt out to buckets. Pure.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw

from tactful.events import zones
from tactful.events.records import EMPTY_MAP, Event
from tactful.history.cells import EventRow, Item, KeptEvent, Row, address, is_hearsay
from tactful.history.kept import Calls
from tactful.history.packed import PackedCalls
from tactful.history.shapes import Columns, Numbers, jsons
from tactful.history.table import FLAG, MICROSECONDS, TEXT, of_rows, schema, sorted_out
from tactful.language.sql.layout import EVENTS, TRAITS

AT_ONCE = 16_000
"""Calls that are turned together: many, since every array that is made costs some microseconds by itself."""
OTHERS_AT_ONCE = 2_000
"""Likewise, of all else: soon, while a processor's cache still holds them."""
_encode = msgspec.msgpack.Encoder().encode
_objects = msgspec.msgpack.Decoder(list[dict[str, Any]])
_json = msgspec.json.Decoder(dict[str, Any])


class Batch:
    """Items become rows, `rows` of them so far; they hold no columns of their own (history/own.py)."""

    def __init__(self) -> None:
        self.rows = 0
        self._waiting: list[KeptEvent] = []
        self._packed = PackedCalls()
        self._others: list[Row] = []
        self._tables: dict[str, list[pa.Table]] = {}
        self._calls: list[pa.Table] = []
        self._contexts = _Contexts()
        self._traits: list[pa.Table] = []

    def take(self, items: Sequence[Item]) -> None:
        self.rows += len(items)
        for item in items:
            if isinstance(item, KeptEvent):
                self._waiting.append(item)
            elif isinstance(item, EventRow):
                self._waiting.append(_as_kept(item))
            else:
                self._others.append(item)
        if len(self._waiting) >= AT_ONCE:
            self._turn()
        if len(self._others) >= OTHERS_AT_ONCE:
            self._sort_out()

    def pack(self, calls: Calls) -> None:
        """Likewise, of calls as they stand in the log."""
        self.rows += len(calls)
        if len(calls):
            self._waiting += self._packed.add(calls)
        if len(self._waiting) >= AT_ONCE:
            self._turn()

    def tables(self) -> dict[str, pa.Table]:
        """Those that have rows, in the order in which they came."""
        self._turn()
        found: dict[str, pa.Table] = {}
        events = self._packed.tables()
        if self._calls:
            events.append(self._contexts.beside(pa.concat_tables(self._calls)))
        if events:
            found[EVENTS] = pa.concat_tables(events)
        if traits := [*self._packed.traits, *self._traits]:
            found[TRAITS] = pa.concat_tables(traits)
        self._sort_out()
        return found | {name: pa.concat_tables(held) for name, held in self._tables.items()}

    def _sort_out(self) -> None:
        """What is no call, into columns."""
        for name, rows in sorted_out(self._others).items():
            if rows:
                self._tables.setdefault(name, []).append(of_rows(name, rows))
        self._others = []

    def _turn(self) -> None:
        """Calls that wait, into columns."""
        part = self._waiting
        if part:
            self._waiting = []
            events = [one.event for one in part]
            values, kinds = _unpacked([one.properties for one in events]), [one.kind for one in events]
            self._calls.append(_events(part, events, kinds, values))
            self._contexts.add([one.context for one in events])
            if "identify" in kinds:
                self._traits.append(_traits(part, values))


def _events(
    part: Sequence[KeptEvent], events: Sequence[Event], kinds: Sequence[str], values: Sequence[dict[str, Any]]
) -> pa.Table:
    """But for what stands in the context."""
    _, epochs, refs, applied, _ = zip(*part, strict=True)
    held = Columns(len(part))
    held.take(values, np.arange(len(part), dtype=np.int32))
    ids = [one.ids for one in events]
    ends = np.zeros(len(part) + 1, np.int32)
    np.cumsum(list(map(len, ids)), out=ends[1:])
    arrays = {
        "identifier": pa.array([one.key for one in events], TEXT),
        "epoch": pa.array(epochs, MICROSECONDS),
        "kind": pa.array(kinds, TEXT),
        "name": pa.array([one.name for one in events], TEXT),
        "timestamp": pa.array([one.timestamp for one in events], MICROSECONDS),
        "received_at": pa.array([one.received_at for one in events], MICROSECONDS),
        "ref": pa.array(refs, MICROSECONDS),
        "applied": pa.array(applied, MICROSECONDS),
        "message_id": pa.array([one.message_id for one in events], TEXT),
        "source": pa.array([one.source for one in events], TEXT),
        "is_server": pa.array([one.trust == "server" for one in events], FLAG),
        "is_verified": pa.array([one.is_verified for one in events], FLAG),
        "is_import": pa.array([one.is_import for one in events], FLAG),
        "ids": pa.ListArray.from_arrays(pa.array(ends), pa.array(list(chain.from_iterable(ids)), TEXT)),
        "properties": held.struct(jsons(values)),
        "extra": _extras([one.extra for one in events]),
    }
    shape = [field for field in schema(EVENTS) if field.name in arrays]
    return pa.Table.from_arrays([arrays[field.name] for field in shape], schema=pa.schema(shape))


def _traits(part: Sequence[KeptEvent], values: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A row for each trait that an identify call may write."""
    written = [
        (one, name, value)
        for one, each in zip(part, values, strict=True)
        if one.event.kind == "identify"
        for name, value in each.items()
        if name not in one.refused
    ]
    objects = [{name: value} if value is not None else {} for _, name, value in written]
    held = Columns(len(objects))
    held.take(objects, np.arange(len(objects), dtype=np.int32))
    arrays = {
        "identifier": [one.event.key for one, _, _ in written],
        "epoch": [one.epoch for one, _, _ in written],
        "name": [name for _, name, _ in written],
        "timestamp": [one.event.timestamp for one, _, _ in written],
        "received_at": [one.event.received_at for one, _, _ in written],
        "ref": [one.ref for one, _, _ in written],
        "applied": [one.applied for one, _, _ in written],
        "source": [one.event.source for one, _, _ in written],
        "traits": held.struct(jsons(objects)),
        "is_hearsay": [is_hearsay(one.event, name, value) for one, name, value in written],
        "address": [address(name, value) for _, name, value in written],
    }
    shape = schema(TRAITS)
    return pa.table({field.name: pa.array(arrays[field.name], field.type) for field in shape}, schema=shape)


class _Contexts:
    """The contexts of calls, each different one unfolded once."""

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}
        self._places: list[Numbers] = []
        self._cells: list[pa.StructArray] = []
        self._zones: list[pa.Array] = []

    def add(self, every: Sequence[Raw]) -> None:
        """Of the next calls."""
        known, before = self._known, len(self._known)
        self._places.append(np.array([known.setdefault(one, len(known)) for one in map(bytes, every)], np.int32))
        if len(known) > before:
            values = _unpacked([Raw(one) for one in islice(reversed(known), len(known) - before)])
            values.reverse()
            held = Columns(len(values))
            held.take(values, np.arange(len(values), dtype=np.int32))
            self._cells.append(held.struct(jsons(values)))
            self._zones.append(pa.array([_zone(one.get("timezone")) for one in values], TEXT))

    def beside(self, calls: pa.Table) -> pa.Table:
        """The calls, with cells and time zones of theirs."""
        cells, named = pa.concat_arrays(self._cells), pa.concat_arrays(self._zones)
        columns = {
            "context": pa.chunked_array([cells.take(pa.array(one)) for one in self._places]),
            "zone": pa.chunked_array([named.take(pa.array(one)) for one in self._places]),
        }
        shape = schema(EVENTS)
        arrays = [columns[name] if name in columns else calls.column(name) for name in shape.names]
        return pa.Table.from_arrays(arrays, schema=shape)


def _zone(named: object) -> str | None:
    return named if isinstance(named, str) and named in zones.names() else None


def _unpacked(values: Sequence[Raw]) -> list[dict[str, Any]]:
    return _objects.decode(_encode(values))


def _extras(every: Sequence[Raw]) -> pa.Array:
    """What calls say beside all else; most say nothing, or the same."""
    known: dict[bytes, int] = {bytes(EMPTY_MAP): 0}
    places = np.zeros(len(every), np.int32)
    for place in np.flatnonzero(np.fromiter(map(len, every), np.int32) != len(EMPTY_MAP)).tolist():
        places[place] = known.setdefault(bytes(every[place]), len(known))
    return jsons(_unpacked(list(map(Raw, known)))).take(pa.array(places))


def _as_kept(row: EventRow) -> KeptEvent:
    """What is no call and stands among them."""

    def packed(text: str) -> Raw:
        return Raw(_encode(_json.decode(text))) if text != "{}" else EMPTY_MAP

    event = Event(
        1,
        row.source,
        "server" if row.is_server else "browser",
        row.kind,  # type: ignore[arg-type]  # a row has more kinds than a call
        row.name,  # type: ignore[arg-type]  # what is no call has no name
        row.identifier,
        tuple(row.ids),
        row.message_id,
        row.timestamp,
        row.received_at,
        packed(row.properties.json),
        packed(row.context.json),
        packed(row.extra),
        row.is_verified,
        is_import=row.is_import,
    )
    return KeptEvent(event, row.epoch, row.ref, row.applied)
