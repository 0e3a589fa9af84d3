"""Objects as they stand in the log, of one outline taken together: the same names in the same order, at every depth.

The first object says what the outline is; whether others have it, and what they have at its places, is looked at for
all of them at once (history/spans.py), so that none is ever made. A list is one value, whatever is in it. Outlines that
few objects have are for history/shapes.py, beside which this is the quick way of saying the same. Pure.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tactful.history import spans
from tactful.history.spans import Flags, Packed, Places, Values
from tactful.language.sql.layout import escaped

FEW = 16
"""Objects of an outline that are not worth being taken together."""
MOST = 64
"""Outlines that are looked for; each is a look at all that have none yet."""
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
        self._entries: list[tuple[str, int, int]] = []
        """Each name of the object itself, and where it and its value stand."""
        self.is_whole = self._object(None)
        """Else something odd comes behind."""
        self.behind = body[self._since : self._at]
        """The last value, or before what is odd."""

    def parts(self) -> Iterator[tuple[str, "Outline"]]:
        """Each name, and the outline of an object that has it alone."""
        for name, begin, end in self._entries:
            yield name, Outline(_ONE + self._body[begin:end], 0)

    def _object(self, path: str | None) -> bool:
        tag = self._body[self._at]
        if not _is_object(tag):
            return False
        number, head = (
            (tag & 0x0F, 1) if tag != _MANY else (int.from_bytes(self._body[self._at + 1 : self._at + 3], "big"), 3)
        )
        self._at += head
        if path is not None:
            self.objects.append(path)
        self.json[-1] += "{"
        for place in range(number):
            begin = self._at
            kind, end = spans.one(self._body, begin)
            if not spans.TEXT <= kind <= spans.LONGER:
                return False
            self._at = end
            name = self._body[begin + kind : end].decode()
            self.json[-1] += f"{',' if place else ''}{_json(name).decode()}:"
            if not self._value(escaped(name) if path is None else f"{path}.{escaped(name)}"):
                return False
            if path is None:
                self._entries.append((name, begin, self._at))
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
_ONE = b"\x81"
"""By which an object of one name begins."""


def are_objects(tags: npt.NDArray[np.uint8]) -> Flags:
    """By their first bytes."""
    found: Flags = (tags & 0xF0 == 0x80) | (tags == _MANY)
    return found


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

    def only(self, some: Flags | Places) -> "Alike":
        return Alike(self.outline, self.places[some], [one.only(some) for one in self.values], self.end[some])

    def parts(self) -> Iterator[tuple[str, "Alike"]]:
        """Each name, and objects that have it alone."""
        first = 0
        for name, outline in self.outline.parts():
            values = self.values[first : first + len(outline.paths)]
            first += len(values)
            yield name, self._replace(outline=outline, values=values)


def alike(packed: Packed, at: Places) -> Iterator[Alike]:
    """Of the objects that begin there; those that come in none are odd."""
    left = np.arange(len(at))
    for _ in range(MOST):
        if len(left) < FEW:
            return
        outline = Outline(packed.body, int(at[left[0]]))
        found = _having(packed, outline, left, at[left])
        if outline.is_whole and len(found.places) >= FEW:
            yield found
        elif not outline.is_whole:
            is_odd = (packed.values(found.end).kinds == spans.ODD) & ~are_objects(packed.letters(found.end))
            found = found._replace(places=found.places[is_odd])
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
