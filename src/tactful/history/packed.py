"""Calls as they stand in the log, turned into columns without being made objects of (history/columns.py: of all calls).

A record (events/records.py) begins with what few differ in: source, kind, name; then come identifiers and times, which
are read where they stand; then properties, taken together by outline (history/outlines.py); and at the end the context
and what else a call says. Beginnings and ends repeat: each is read once. Pure.
"""

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw, Struct

from tactful.events import zones
from tactful.events.records import CALL, EMPTY_MAP, unpack
from tactful.history import filling
from tactful.history.cells import KeptEvent
from tactful.history.kept import Calls
from tactful.history.outlines import Alike, alike
from tactful.history.own import found as found_in
from tactful.history.shapes import Columns, Numbers, jsons, scattered
from tactful.history.spans import FALSE, LONGER, TEXT, Flags, Packed, Places
from tactful.history.table import FLAG, schema
from tactful.history.table import TEXT as TEXTS
from tactful.history.traits import written
from tactful.language.sql.layout import EVENTS

_U64 = 0xCF
_ONE = 0x90
"""An array of as many as the last four bits say."""
_MOST_IDS = 15
_FIVE = b"\x95"
"""By which an array of five begins."""
_NOTHING = bytes(EMPTY_MAP)


class _Head(Struct, array_like=True, frozen=True):
    """What a call begins with."""

    version: int
    source: str
    trust: str
    kind: str
    name: str


class _Rest(Struct, array_like=True, frozen=True):
    """What a call ends with."""

    context: Raw
    extra: Raw
    is_verified: bool
    salt: bytes
    is_import: bool


_head, _rest = msgspec.msgpack.Decoder(_Head).decode, msgspec.msgpack.Decoder(_Rest).decode


class _Part(Struct, frozen=True):
    """Calls that were turned together."""

    table: pa.Table
    """But for what their ends say."""
    ends: pa.DictionaryArray


class PackedCalls:
    def __init__(self) -> None:
        self.traits: list[pa.Table] = []
        """Of those that were added."""
        self._parts: list[_Part] = []

    def add(self, calls: Calls) -> list[KeptEvent]:
        """Returns those that are odd, and are not taken."""
        walk = _Walk(calls)
        places = walk.places
        if len(places):
            self._parts.append(part := walk.turned())
            self.traits += walk.traits(part.table)
        if len(places) == len(calls):
            return []
        odd = np.ones(len(calls), np.bool_)
        odd[places] = False
        return [calls.opened(place) for place in np.flatnonzero(odd).tolist()]

    def tables(self) -> list[pa.Table]:
        """Of all, in the order in which they were added."""
        if not self._parts:
            return []
        ends = pa.chunked_array([one.ends for one in self._parts]).unify_dictionaries()
        known = _ends(ends.chunk(0).dictionary)
        return [_with(part.table, known, one.indices) for part, one in zip(self._parts, ends.chunks, strict=True)]


class _Walk:
    """Through many calls at once, from field to field."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.packed, self.begin, self.end = calls.packed, calls.begin, calls.end
        at = self.begin + len(CALL)
        fine = self.packed.letters(at) < 0x80
        at += 1
        for _ in range(4):
            _, at, fine = self._text(at, fine)
        headed = at
        self.key, at, fine = self._text(at, fine)
        at, fine = self._ids(at, fine)
        self.message_id, at, fine = self._text(at, fine)
        self.times = at + 1, at + 10
        for one in (at, at + 9):
            fine &= self.packed.letters(one) == _U64
        self.properties = at + 18
        self._heads(headed, np.flatnonzero(fine))
        self.alike, self.places = self._outlines(np.flatnonzero(fine))
        self.row = np.zeros(len(self.begin), np.int64)
        """Of each call that is taken."""
        self.row[self.places] = np.arange(len(self.places))

    def _text(self, at: Places, fine: Flags) -> tuple[tuple[Places, Places], Places, Flags]:
        """Where it begins and ends, and where it goes on."""
        values = self.packed.values(at)
        is_text = (values.kinds >= TEXT) & (values.kinds <= LONGER)
        return (at + values.kinds, values.end), values.end, fine & is_text

    def _ids(self, at: Places, fine: Flags) -> tuple[Places, Flags]:
        tags = self.packed.letters(at)
        fine = fine & (tags >= _ONE) & (tags <= _ONE + _MOST_IDS)
        number = np.where(fine, tags & _MOST_IDS, 0).astype(np.int64)
        self.number, at = number, at + 1
        self.ids: list[tuple[Places, tuple[Places, Places]]] = []
        """Which calls have so many, and where they stand."""
        for place in range(int(number.max(initial=0))):
            some = np.flatnonzero(number > place)
            held, end, are_texts = self._text(at[some], fine[some])
            at[some], fine[some] = end, are_texts
            self.ids.append((some, held))
        return at, fine

    def _heads(self, end: Places, fine: Places) -> None:
        """What they begin with."""
        coded = self.packed.bytes(self.begin[fine] + len(CALL), end[fine]).dictionary_encode()
        self.heads = [_head(_FIVE + one) for one in coded.dictionary.to_pylist()]
        self.head = np.zeros(len(end), np.int32)
        self.head[fine] = coded.indices

    def _outlines(self, fine: Places) -> tuple[list[Alike], Places]:
        """Properties by outline, and which calls have any."""
        found = alike(self.packed, self.properties[fine])
        every = [one._replace(places=fine[one.places]) for one in found]
        places = np.sort(np.concatenate([one.places for one in every])) if every else fine[:0]
        self.behind = np.zeros(len(self.begin), np.int64)
        for one in every:
            self.behind[one.places] = one.end
        return every, places

    def turned(self) -> _Part:
        packed, places, calls = self.packed, self.places, self._calls
        heads, codes = self.heads, pa.array(self.head[places])
        arrays = {
            "identifier": self._texts(self.key),
            "epoch": pa.array(calls.epochs[places]),
            "kind": pa.array([one.kind for one in heads], TEXTS).take(codes),
            "name": pa.array([one.name for one in heads], TEXTS).take(codes),
            "timestamp": packed.u64(self.times[0][places]),
            "received_at": packed.u64(self.times[1][places]),
            "ref": pa.array(calls.refs[places]),
            "applied": pa.array(calls.applied[places]),
            "message_id": self._texts(self.message_id),
            "source": pa.array([one.source for one in heads], TEXTS).take(codes),
            "is_server": pa.array([one.trust == "server" for one in heads]).take(codes),
            "ids": self._lists(),
            "properties": self._cells(),
        }
        table = pa.table({name: arrays[name] for name in schema(EVENTS).names if name in arrays})
        return _Part(table, packed.bytes(self.behind[places], self.end[places]).dictionary_encode())

    def traits(self, events: pa.Table) -> list[pa.Table]:
        """What identify calls among these have written, as one table at most."""
        wanted = np.array([one.kind == "identify" for one in self.heads], np.bool_)[self.head]
        every = [one.only(wanted[one.places]) for one in self.alike if one.outline.paths or one.outline.objects]
        every = [one._replace(places=self.row[one.places]) for one in every if len(one.places)]
        if not every:
            return []
        browsers = np.array([one.trust == "browser" for one in self.heads], np.bool_)[self.head]
        some = self.places[(wanted & browsers)[self.places]]
        opened = {
            int(self.row[one]): self._calls.opened(one).event for one in some[self._may_be_verified(some)].tolist()
        }
        return [written(self.packed, events, every, opened)]

    def _may_be_verified(self, some: Places) -> Flags:
        """Of these calls: it stands behind the context and what else they say."""
        context = self.packed.ends(self.behind[some])
        end = self.packed.ends(np.maximum(context, 0))
        is_known = (context >= 0) & (end >= 0)
        may_be: Flags = ~is_known | (self.packed.letters(np.maximum(end, 0)) != FALSE)
        return may_be

    def _texts(self, span: tuple[Places, Places]) -> pa.Array:
        return self.packed.texts(span[0][self.places], span[1][self.places])

    def _lists(self) -> pa.Array:
        """Call by call."""
        number = self.number[self.places]
        ends = np.zeros(len(number) + 1, np.int64)
        np.cumsum(number, out=ends[1:])
        row = np.full(len(self.begin), -1)
        row[self.places] = np.arange(len(self.places))
        begin, end = np.empty(ends[-1], np.int64), np.empty(ends[-1], np.int64)
        for place, (some, held) in enumerate(self.ids):
            rows = row[some]
            at = ends[rows[rows >= 0]] + place
            begin[at], end[at] = held[0][rows >= 0], held[1][rows >= 0]
        return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), self.packed.texts(begin, end))

    def _cells(self) -> pa.StructArray:
        held, rows = Columns(len(self.places)), [self.row[one.places] for one in self.alike]
        texts = filling.take(held, self.packed, self.alike, rows)
        return held.struct(scattered(list(zip(rows, texts, strict=True))))


# ---- ends ------------------------------------------------------------------------------------------------------------


def _ends(bodies: pa.Array) -> pa.Table:
    """What each different end says: columns of `events`."""
    offsets = np.frombuffer(bodies.buffers()[1], np.int32)[bodies.offset :][: len(bodies) + 1].astype(np.int64)
    packed, begin, end = Packed([bodies.buffers()[2].to_pybytes()]), offsets[:-1], offsets[1:]
    cells, behind = _contexts(packed, begin, end)
    coded = packed.bytes(behind, end).dictionary_encode()
    said = [_rest(_FIVE + _NOTHING + one) for one in coded.dictionary.to_pylist()]
    return pa.table(
        {
            "context": cells,
            "zone": _zones(cells),
            "is_verified": pa.array([one.is_verified for one in said], FLAG).take(coded.indices),
            "is_import": pa.array([one.is_import for one in said], FLAG).take(coded.indices),
            "extra": jsons([unpack(one.extra) for one in said]).take(coded.indices),
        }
    )


def _contexts(packed: Packed, begin: Places, end: Places) -> tuple[pa.StructArray, Places]:
    """And where they end."""
    held, behind = Columns(len(begin)), np.full(len(begin), -1, np.int64)
    every = list(alike(packed, begin))
    rows: list[Numbers] = [one.places for one in every]
    texts = list(zip(rows, filling.take(held, packed, every, rows), strict=True))
    for one in every:
        behind[one.places] = one.end
    odd = np.flatnonzero(behind < 0)
    if len(odd):
        contexts = [_rest(_FIVE + packed.body[begin[one] : end[one]]).context for one in odd]
        behind[odd] = begin[odd] + np.array([len(one) for one in contexts])
        values = [unpack(one) for one in contexts]
        held.take(values, odd.astype(np.int32))
        texts.append((odd, jsons(values)))
    return held.struct(scattered(texts)), behind


def _zones(cells: pa.StructArray) -> pa.Array:
    """What the contexts have as `timezone`, where there is such a zone."""
    held = cells.field("texts")
    places = found_in(held, held.keys, ("timezone",)).get("timezone")
    if places is None:
        return pa.nulls(len(cells), TEXTS)
    coded = held.items.take(pa.array(places, mask=places < 0)).dictionary_encode()
    known = pa.array([one if one in zones.names() else None for one in coded.dictionary.to_pylist()], TEXTS)
    return known.take(coded.indices)


def _with(table: pa.Table, ends: pa.Table, codes: pa.Array) -> pa.Table:
    columns = {name: ends.column(name).chunk(0).take(codes) for name in ends.column_names}
    columns |= {name: table.column(name) for name in table.column_names}
    shape = schema(EVENTS)
    return pa.Table.from_arrays([columns[name] for name in shape.names], schema=shape)
