"""Objects as they stand in the log, of one outline taken together: the same names in the same order, at every depth.

The first object says what the outline is; whether others have it, and what they have at its places, is looked at for
all of them at once (history/spans.py), so that none is ever made. Lists, and outlines that few objects have, are for
history/shapes.py, beside which this is the quick way of saying the same. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tactful.history import spans
from tactful.history.shapes import Columns, Numbers, jsons, scattered
from tactful.history.spans import Packed, Places, Values
from tactful.language.sql.layout import escaped

FEW = 16
"""Objects of an outline that are not worth being taken together."""
_MOST = 64
"""Outlines that are looked for; each is a look at all that have none yet."""
_QUOTE, _BACKSLASH, _SPACE = ord('"'), ord("\\"), ord(" ")
_json = msgspec.json.Encoder().encode


class Outline:
    """Of the object that begins at a place: what stands before each value, byte for byte."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at, self._since = body, at, at
        self.before: list[bytes] = []
        """Each value."""
        self.paths: list[str] = []
        """Of each value (layout.key)."""
        self.objects: list[str] = []
        """Where objects are."""
        self.json: list[str] = [""]
        """What the object's text has before each value, and at the end."""
        self.is_whole = self._object(None)
        """Else something odd comes behind."""
        self.behind = body[self._since : self._at]
        """The last value, or before what is odd."""

    def _object(self, path: str | None) -> bool:
        tag = self._body[self._at]
        if not _is_object(tag):
            return False
        number, head = (tag & 0x0F, 1) if tag != _MANY else (int.from_bytes(self._body[self._at + 1 :][:2], "big"), 3)
        self._at += head
        if path is not None:
            self.objects.append(path)
        self.json[-1] += "{"
        for place in range(number):
            begin = self._at
            kind, end = spans.one(self._body, begin)
            if kind not in (spans.TEXT, spans.LONG):
                return False
            self._at = end
            name = self._body[begin + 1 + (kind == spans.LONG) : end].decode()
            self.json[-1] += f"{',' if place else ''}{_json(name).decode()}:"
            if not self._value(escaped(name) if path is None else f"{path}.{escaped(name)}"):
                return False
        self.json[-1] += "}"
        return True

    def _value(self, path: str) -> bool:
        if _is_object(self._body[self._at]):
            return self._object(path)
        kind, end = spans.one(self._body, self._at)
        if kind == spans.ODD:
            return False
        self.before.append(self._body[self._since : self._at])
        self.paths.append(path)
        self.json.append("")
        self._at = self._since = end
        return True


_MANY = 0xDE


def _is_object(tag: int) -> bool:
    return tag & 0xF0 == 0x80 or tag == _MANY


class Alike(NamedTuple):
    """Objects of one outline."""

    outline: Outline
    places: Places
    """Which they are, ascending."""
    values: list[Values]
    """At each place of the outline."""
    end: Places


def alike(packed: Packed, at: Places) -> Iterator[Alike]:
    """Of the objects that begin there; those that come in none are odd."""
    left = np.arange(len(at))
    for _ in range(_MOST):
        if len(left) < FEW:
            return
        outline = Outline(packed.body, int(at[left[0]]))
        found = _having(packed, outline, left, at[left])
        if outline.is_whole and len(found.places) >= FEW:
            yield found
        elif not outline.is_whole:
            found = found._replace(places=found.places[packed.values(found.end).kinds == spans.ODD])
        left = np.setdiff1d(left, found.places, assume_unique=True) if len(found.places) < len(left) else left[:0]


def _having(packed: Packed, outline: Outline, places: Places, cursor: Places) -> Alike:
    """The places that have all of it, up to what is odd."""
    held: list[Values] = []
    for before in outline.before:
        fine = packed.holds(cursor, before)
        if not fine.all():
            places, cursor, held = places[fine], cursor[fine], [one.only(fine) for one in held]
        values = packed.values(cursor + len(before))
        if values.kinds.min(initial=spans.NULL) == spans.ODD:
            fine = values.kinds != spans.ODD
            places, values, held = places[fine], values.only(fine), [one.only(fine) for one in held]
        held.append(values)
        cursor = values.end
    if outline.behind:
        fine = packed.holds(cursor, outline.behind)
        if not fine.all():
            places, cursor, held = places[fine], cursor[fine], [one.only(fine) for one in held]
    return Alike(outline, places, held, cursor + len(outline.behind))


def take(columns: Columns, packed: Packed, found: Alike, rows: Numbers) -> pa.Array:
    """These objects into columns, each of the row that stands beside it; returns their texts."""
    for path in found.outline.objects:
        columns.put_objects(path, rows)
    pieces: list[pa.Array | str] = [found.outline.json[0]]
    for path, values, behind in zip(found.outline.paths, found.values, found.outline.json[1:], strict=True):
        before, text, after = _take(columns, packed, path, values, rows)
        pieces[-1] += before
        pieces += [text, after + behind]
    return _joined(pieces, len(rows))


def _joined(pieces: Sequence[pa.Array | str], rows: int) -> pa.Array:
    if len(pieces) == 1:
        return pa.repeat(pa.scalar(pieces[0], pa.string()), rows)
    return pc.binary_join_element_wise(*[pa.scalar(one) if isinstance(one, str) else one for one in pieces], "")


def _take(columns: Columns, packed: Packed, path: str, values: Values, rows: Numbers) -> tuple[str, pa.Array, str]:
    """The values of one path; returns what JSON says of them, and before and behind each."""
    kinds = values.kinds
    is_text = kinds <= spans.LONG
    if is_text.all():
        return _texts(columns, packed, path, values, rows)
    if (kinds == kinds[0]).all():
        return "", _others(columns, packed, path, values, rows), ""
    parts: list[tuple[Numbers, pa.Array]] = []
    if is_text.any():
        some = np.flatnonzero(is_text)
        before, text, after = _texts(columns, packed, path, values.only(some), rows[some])
        parts.append((some, pc.binary_join_element_wise(before, text, after, "")))
    for kind in np.unique(kinds[~is_text]):
        some = np.flatnonzero(kinds == kind)
        parts.append((some, _others(columns, packed, path, values.only(some), rows[some])))
    return "", scattered(parts), ""


def _texts(columns: Columns, packed: Packed, path: str, values: Values, rows: Numbers) -> tuple[str, pa.Array, str]:
    texts = packed.of_texts(values)
    columns.put_texts(path, texts, rows)
    letters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if ((letters < _SPACE) | (letters == _QUOTE) | (letters == _BACKSLASH)).any():
        return "", jsons(texts.to_pylist()), ""
    return '"', texts, '"'


def _others(columns: Columns, packed: Packed, path: str, values: Values, rows: Numbers) -> pa.Array:
    """Of one kind; returns their JSON."""
    kind = values.kinds[0]
    if kind == spans.NUMBER:
        numbers = packed.numbers(values)
        columns.put_numbers(path, numbers, rows)
        return jsons(numbers.tolist())
    if kind == spans.WHOLE:
        wholes = packed.wholes(values.at)
        columns.put_numbers(path, wholes.astype(np.float64), rows)
        return pa.array(wholes).cast(pa.string())
    if kind == spans.FLAG:
        flags = pa.array(packed.flags(values))
        columns.put_flags(path, flags, rows)
        return pc.if_else(flags, "true", "false")
    return pa.repeat(pa.scalar("null"), len(rows))
