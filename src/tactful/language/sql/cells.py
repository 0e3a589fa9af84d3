"""How a path is read from the cells of a row (docs/history.md): what language.meaning.follow finds, as a Value.

A path of names is one cell, in a column of its own or in the map of its type. An index leads to the element's place,
whose cells stand in `elements`. Below a list every path is a list, if only an empty one, which has no cell.
"""

from collections.abc import Mapping
from functools import cached_property

import msgspec
from msgspec import Struct

from tactful.language.meaning import follow
from tactful.language.sql import build
from tactful.language.sql.build import Sql
from tactful.language.sql.layout import FLAT, key
from tactful.language.sql.values import Elements, Shown, Value
from tactful.language.tree import Path

_MAPS = {"num": "nums", "text": "texts", "flag": "flags", "time": "times", "list": "lists"}


class Source(Struct, frozen=True):
    """The cells of one object: a column of docs/history.md's type `cells`, and the columns of some of its paths."""

    cells: Sql
    own: Mapping[str, Sql] = {}


def read(source: Source, path: Path) -> "Cell":
    """The value at a path, which begins with a name."""
    end = next((place for place, step in enumerate(path) if isinstance(step, int)), len(path))
    found: Cell = Place(source, None, path[:end], path)
    while end < len(path):
        index = path[end]
        assert isinstance(index, int)
        begin = end + 1
        end = next((place for place in range(begin, len(path)) if isinstance(path[place], int)), len(path))
        element = Element(source, found, index, path)
        found = Place(source, element.place, path[begin:end], path) if begin < len(path) else element
    return found


class Cell(Value):
    """One that may hold anything."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._path = path

    def num(self) -> Sql:
        return self.part("num")

    def text(self) -> Sql:
        return self.part("text")

    def flag(self) -> Sql:
        return self.part("flag")

    def read(self) -> Sql:
        return self.part("time")

    def part(self, name: str) -> Sql:
        """One field of docs/history.md's type `cell`."""
        raise NotImplementedError

    def elements(self) -> Elements:
        return self._elements(self.part("list"), self.size)

    @property
    def size(self) -> Sql:
        return build.size(build.field(self.part("list"), "nums"))

    def keys(self) -> Sql:
        """Places of the elements that are lists or objects."""
        return build.field(self.part("list"), "keys")

    def _elements(self, held: Sql, size: Sql) -> Elements:
        nums, texts, flags, times = (build.field(held, name) for name in ("nums", "texts", "flags", "times"))
        return Elements(nums, texts, flags, times, size)

    def shown(self) -> Shown:
        path = self._path

        def decoded(row: object) -> object:
            assert isinstance(row, list | tuple)
            return None if row[0] is None else follow(msgspec.json.decode(row[0]), path)

        return Shown((build.field(self._source.cells, "json"),), decoded)


class Place(Cell):
    """Behind a path of names, from the object itself or from the place of an element."""

    def __init__(self, source: Source, base: Sql | None, names: Path, path: Path) -> None:
        super().__init__(source, path)
        self._base = base
        self._names = names

    def part(self, name: str) -> Sql:
        return self._part(self._names, name)

    def _part(self, names: Path, name: str) -> Sql:
        if self._base is not None:
            return build.field(self._inside(names), name)
        held = self._source.own.get(key(names))
        if held is not None:
            return build.field(held, name)
        if name == "object":
            return build.surely(build.has(build.field(self._source.cells, "objects"), build.text(key(names))))
        return build.at(build.field(self._source.cells, _MAPS[name]), build.text(key(names)))

    def _inside(self, names: Path) -> Sql:
        """The cell behind an element's place."""
        assert self._base is not None
        place = build.joined(self._base, build.text(f".{key(names)}")) if names else self._base
        return build.at(build.field(self._source.cells, "elements"), place)

    @cached_property
    def _is_below_list(self) -> Sql:
        """Whether a step before the last leads through a list."""
        shortest = 1 if self._base is None else 0
        above = [self._names[:end] for end in range(shortest, len(self._names))]
        return build.either(*(build.is_there(self._part(names, "list")) for names in above))

    @property
    def size(self) -> Sql:
        own = super().size
        is_below = self._is_below_list
        return own if is_below == build.FALSE else build.coalesced(own, build.when(is_below, build.whole(0)))

    def flat(self) -> Elements:
        """Of the object itself: a list with lists in it opened, and without null."""
        assert self._base is None
        flat = build.at(build.field(self._source.cells, "lists"), build.text(key(self._names) + FLAT))
        held = build.coalesced(flat, self.part("list"))
        own = build.size(build.field(held, "nums"))
        return self._elements(held, build.coalesced(own, build.when(self._is_below_list, build.whole(0))))

    def missing(self) -> Sql:
        if self._base is not None:
            nothing = build.is_null(self._inside(self._names))
        else:
            parts = [build.is_null(self.part(name)) for name in ("num", "text", "flag", "list")]
            nothing = build.both(*parts, build.negated(build.surely(self.part("object"))))
        return build.both(nothing, build.negated(self._is_below_list))


class Element(Cell):
    """One element of a list."""

    def __init__(self, source: Source, among: Cell, index: int, path: Path) -> None:
        super().__init__(source, path)
        self._among = among
        self._index = build.whole(index)

    @cached_property
    def place(self) -> Sql:
        """Of an element that is a list or an object; null for all others."""
        return build.nth(self._among.keys(), self._index)

    def part(self, name: str) -> Sql:
        if name in ("list", "object"):
            return build.field(build.at(build.field(self._source.cells, "elements"), self.place), name)
        return build.nth(build.field(self._among.part("list"), _MAPS[name]), self._index)

    def missing(self) -> Sql:
        parts = [self.part(name) for name in ("num", "text", "flag")]
        return build.both(*map(build.is_null, (*parts, self.place)))
