"""Cells of many objects at once (docs/history.md; history/cells.py says what they are, of one).

Objects of one shape, which have the same names in the same order, are taken together: `zip` turns them, and each name
is a column whose types are looked at once. What is not ordinary goes through history/cells.py, object by object: lists,
values of another type than most, shapes that few have. Every entry of a map gets its place among those of its row as
it comes, so that nothing is sorted at the end. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tactful.history.cells import Cells
from tactful.history.table import CELL, CELLS, ELEMENTS, FLAG, MICROSECONDS, NUMBER, TEXT
from tactful.language.sql.layout import escaped
from tactful.values import read_time

Numbers = np.ndarray[Any, Any]
"""Of one dimension."""
FEW = 8
"""Objects of a shape that are not worth turning."""
_json = msgspec.json.Encoder()


class Columns:
    """Collects what objects hold; `rows` of them there are."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._maps = {
            "nums": _Map(rows, NUMBER),
            "texts": _Map(rows, TEXT),
            "flags": _Map(rows, FLAG),
            "times": _Map(rows, MICROSECONDS),
            "lists": _Map(rows, ELEMENTS),
            "elements": _Map(rows, CELL),
            "objects": _Map(rows, None),
        }

    def take(self, values: Sequence[Mapping[str, Any]], rows: Numbers, prefix: str = "") -> None:
        """Objects, each of the row that stands beside it."""
        for names, places in _shapes(values):
            if not names:
                continue
            if len(places) < FEW:
                for place in places:
                    self._odd(values[place], int(rows[place]), prefix)
                continue
            mine = values if len(places) == len(values) else itemgetter(*places)(values)
            theirs = rows if len(places) == len(values) else rows[places]
            for name, column in zip(names, zip(*map(dict.values, mine), strict=True), strict=True):
                self._put(prefix + escaped(name), column, theirs)

    def struct(self, json: pa.Array) -> pa.StructArray:
        """All rows, with the text of each object."""
        parts = [json if field.name == "json" else self._maps[field.name].array(field.type) for field in CELLS]
        return pa.StructArray.from_arrays(parts, fields=list(CELLS))

    def put_objects(self, key: str, rows: Numbers) -> None:
        """That objects are there."""
        self._maps["objects"].add(key, rows, None)

    def put_numbers(self, key: str, numbers: Numbers, rows: Numbers) -> None:
        """One number of each row; likewise below."""
        self._maps["nums"].add(key, rows, pa.array(numbers + 0.0))

    def put_flags(self, key: str, flags: pa.Array, rows: Numbers) -> None:
        self._maps["flags"].add(key, rows, flags)

    def put_texts(self, key: str, texts: pa.Array, rows: Numbers) -> None:
        self._maps["texts"].add(key, rows, texts)
        places = _perhaps_times(texts)
        if len(places):
            coded = texts.take(pa.array(places)).dictionary_encode()
            times = pa.array([read_time(one) for one in coded.dictionary.to_pylist()], MICROSECONDS).take(coded.indices)
            are_times = times.is_valid().to_numpy(zero_copy_only=False)
            if are_times.any():
                self._maps["times"].add(key, rows[places[are_times]], times.drop_null())

    def put_lists(self, key: str, lists: pa.Array, rows: Numbers) -> None:
        """As ELEMENTS."""
        self._maps["lists"].add(key, rows, lists)

    def put_elements(self, keys: Sequence[str], which: Numbers, cells: pa.Array, rows: Numbers) -> None:
        """Cells of elements, each of the row and of the key that stand beside it; those of a row one behind another."""
        self._maps["elements"].add_many(keys, which, rows, cells)

    def entries(self) -> Iterator[tuple[str, str, Numbers, pa.Array | None]]:
        """What was put: map, key, rows, values."""
        for name, held in self._maps.items():
            for key, rows, values in held.added():
                yield name, key, rows, values

    def _put(self, key: str, column: Sequence[Any], rows: Numbers) -> None:
        """One value of each row."""
        if type(column[0]) is str and (texts := _if_texts(column)) is not None:
            self.put_texts(key, texts, rows)
            return
        kinds = set(map(type, column))
        if len(kinds) > 1 and not kinds <= _NUMERIC:
            for kind in kinds:
                wanted = _NUMERIC if kind in _NUMERIC else {kind}
                if kind is int and float in kinds:
                    continue  # With those.
                places = [place for place, value in enumerate(column) if type(value) in wanted]
                self._put(key, [column[place] for place in places], rows[places])
            return
        kind = next(iter(kinds))
        if kind is str:
            self.put_texts(key, pa.array(column, TEXT), rows)
        elif kind is bool:
            self.put_flags(key, pa.array(column, FLAG), rows)
        elif kind is float or kind is int:
            self.put_numbers(key, np.array(column, np.float64), rows)
        elif kind is dict:
            self.put_objects(key, rows)
            self.take(column, rows, key + ".")
        elif kind is list:
            self.take_lists(key, column, rows)

    def take_lists(self, key: str, column: Sequence[list[Any]], rows: Numbers) -> None:
        """One by one."""
        for value, row in zip(column, rows.tolist(), strict=True):
            one = Cells(lists=[], elements=[])
            one.put(key, value)
            self._entries(one, row)

    def _odd(self, value: Mapping[str, Any], row: int, prefix: str) -> None:
        one = Cells([], [], [], [], [], [], [])
        for name, inner in value.items():
            one.put(prefix + escaped(name), inner)
        self._entries(one, row)

    def _entries(self, one: Cells, row: int) -> None:
        maps = self._maps
        for name in ("nums", "texts", "flags", "times", "lists", "elements"):
            for key, value in getattr(one, name):
                maps[name].single(key, row, value)
        for key in one.objects:
            maps["objects"].single(key, row, None)


class _Map:
    """The entries of one map in all rows."""

    def __init__(self, rows: int, kind: pa.DataType | None) -> None:
        self._kind = kind
        self._filled = np.zeros(rows, np.int32)
        """How many entries a row has."""
        self._codes: dict[str, int] = {}
        self._added: list[tuple[int | Numbers, Numbers, Numbers, pa.Array | None]] = []
        """Code of the key, or of each; rows, places within them, values."""
        self._single: tuple[list[int], list[int], list[Any]] = ([], [], [])

    def add(self, key: str, rows: Numbers, values: pa.Array | None) -> None:
        """No row twice."""
        places = self._filled[rows]
        self._filled[rows] = places + 1
        self._added.append((self._code(key), rows, places, values))

    def add_many(self, keys: Sequence[str], which: Numbers, rows: Numbers, values: pa.Array) -> None:
        """Keys as `which` says; a row stands as often as it has any, one behind another."""
        begun = np.flatnonzero(np.diff(rows, prepend=-1))
        number = np.diff(begun, append=len(rows))
        places = self._filled[rows] + np.arange(len(rows), dtype=np.int32) - np.repeat(begun, number).astype(np.int32)
        self._filled[rows[begun]] += number.astype(np.int32)
        codes = np.array([self._code(key) for key in keys], np.int32)[which]
        self._added.append((codes, rows, places, values))

    def added(self) -> Iterator[tuple[str, Numbers, pa.Array | None]]:
        names = list(self._codes)
        for code, rows, _, values in self._added:
            assert isinstance(code, int), "of one key each"
            yield names[code], rows, values

    def single(self, key: str, row: int, value: Any) -> None:
        codes, rows, values = self._single
        codes.append(self._code(key))
        rows.append(row)
        values.append(value)

    def _code(self, key: str) -> int:
        return self._codes.setdefault(key, len(self._codes))

    def array(self, kind: pa.DataType) -> pa.Array:
        """Of the map's type; of `objects` the keys alone."""
        rows, codes, places, values = self._gathered()
        ends = np.zeros(len(self._filled) + 1, np.int32)
        np.cumsum(self._filled, out=ends[1:])
        at = ends[rows] + places
        held = np.empty(len(at), np.int32)
        held[at] = codes
        names = pa.array(list(self._codes), TEXT)
        keys = names.take(pa.array(held))
        if self._kind is None:
            return pa.ListArray.from_arrays(pa.array(ends), keys).cast(kind)
        return pa.MapArray.from_arrays(pa.array(ends), keys, _scattered(values, at), kind)

    def _gathered(self) -> tuple[Numbers, Numbers, Numbers, pa.Array]:
        """(rows, codes, places, values) of all entries, in the order in which they came."""
        added = [
            (theirs, np.full(len(theirs), code, np.int32), places, values)
            for code, theirs, places, values in self._added
        ]
        if self._single[0]:
            added.append(self._singles())
        none = np.zeros(0, np.int32)
        if not added:
            return none, none, none, pa.array([], self._kind or TEXT)
        rows, codes, places, values = zip(*added, strict=True)
        held = pa.concat_arrays(values) if self._kind is not None else None
        return np.concatenate(rows), np.concatenate(codes), np.concatenate(places), held

    def _singles(self) -> tuple[Numbers, Numbers, Numbers, pa.Array]:
        """Of these a row may have many."""
        codes, rows, values = self._single
        places, filled = np.empty(len(rows), np.int32), self._filled
        for number, row in enumerate(rows):
            places[number] = filled[row]
            filled[row] += 1
        held = pa.array(values, self._kind) if self._kind is not None else None
        return np.array(rows), np.array(codes, np.int32), places, held


_NUMERIC = {int, float}


def _if_texts(column: Sequence[Any]) -> pa.Array | None:
    """None where one of them is something else: to try is quicker than to look."""
    try:
        texts = pa.array(column, TEXT)
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return None
    return texts if not texts.null_count else None


def _shapes(values: Sequence[Mapping[str, Any]]) -> Iterable[tuple[tuple[str, ...], list[int]]]:
    """Names, and which of the objects have just these."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, names in enumerate(map(tuple, values)):
        held = found.get(names)
        if held is None:
            found[names] = [place]
        else:
            held.append(place)
    return found.items()


def _scattered(values: pa.Array, at: Numbers) -> pa.Array:
    """Each value at its place."""
    order = np.empty(len(at), np.int64)
    order[at] = np.arange(len(at))
    if values.type == NUMBER:
        return pa.array(values.to_numpy()[order])
    return values.take(pa.array(order))


def scattered(parts: Sequence[tuple[Numbers, pa.Array]]) -> pa.Array:
    """Arrays, each with the places of its values, as one in which every value is at its place."""
    if len(parts) == 1 and (np.diff(parts[0][0]) > 0).all():
        return parts[0][1]
    return _scattered(pa.concat_arrays([one for _, one in parts]), np.concatenate([places for places, _ in parts]))


def _perhaps_times(texts: pa.Array) -> Numbers:
    """Which of the texts begin as a year does, and are long enough: the only ones that cells.py reads as times."""
    _, offsets, data = texts.buffers()
    if data is None:
        return np.zeros(0, np.int64)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    letters = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(np.diff(ends) >= 10)
    first = ends[places]
    found: Numbers = places[(letters[first + 4] == ord("-")) & (letters[first] <= ord("9"))]
    return found


def jsons(values: Sequence[Any]) -> pa.Array:
    """The text of each."""
    lines = bytes(_json.encode_lines(values))
    ends = np.zeros(len(values) + 1, np.int32)
    ends[1:] = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")) - np.arange(len(values))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(lines.replace(b"\n", b"")))
