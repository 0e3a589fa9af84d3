"""What outlines have found, into columns (history/shapes.py): the values of one path at a time, with what JSON says of
them.

Lists are opened: the elements of all lists of one path are taken together, by outline as other objects are. Then each
path below has a list of what they hold there, and each element its cells (history/cells.py says what these are, of one
list). Lists that hold null, lists, or objects of which there are few, are read one by one. Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tactful.history import spans
from tactful.history.outlines import Alike, Outline, alike, are_objects
from tactful.history.shapes import Columns, Numbers, jsons, scattered
from tactful.history.spans import Flags, Packed, Places, Values
from tactful.history.table import CELL, ELEMENTS, TEXT

_QUOTE, _BACKSLASH, _SPACE = ord('"'), ord("\\"), ord(" ")
_list = msgspec.msgpack.Decoder(list[Any]).decode
_Parts = list[tuple[Places, pa.Array]]
"""Elements, and the values that stand beside them."""


def take(
    columns: Columns, packed: Packed, every: Sequence[Alike], rows: Sequence[Numbers], prefix: str = ""
) -> list[pa.Array]:
    """Objects into columns, each of the row that stands beside it; returns their texts, of each outline. What several
    outlines have at the same path is taken together."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, found in enumerate(every):
        for path in found.outline.objects:
            columns.put_objects(prefix + path, rows[number])
        for place, path in enumerate(found.outline.paths):
            places.setdefault(path, []).append((number, place))
    said: dict[tuple[int, int], tuple[str, pa.Array, str]] = {}
    for path, some in places.items():
        values = Values(
            *map(np.concatenate, zip(*[every[number].values[place] for number, place in some], strict=True))
        )
        theirs = np.concatenate([rows[number] for number, _ in some])
        before, text, after = _take(columns, packed, prefix + path, values, theirs)
        first = 0
        for one in some:
            said[one] = before, text.slice(first, len(rows[one[0]])), after
            first += len(rows[one[0]])
    return [
        _joined(found.outline, [said[number, place] for place in range(len(found.values))], len(rows[number]))
        for number, found in enumerate(every)
    ]


def _joined(outline: Outline, said: Sequence[tuple[str, pa.Array, str]], rows: int) -> pa.Array:
    """What the object's text has before each value, and what was said of them."""
    if not said:
        return pa.repeat(pa.scalar(outline.json[0], pa.string()), rows)
    pieces: list[pa.Array | str] = [outline.json[0]]
    for (before, text, after), behind in zip(said, outline.json[1:], strict=True):
        pieces[-1] += before
        pieces += [text, after + behind]
    return pc.binary_join_element_wise(*[pa.scalar(one) if isinstance(one, str) else one for one in pieces], "")


def _take(columns: Columns, packed: Packed, path: str, values: Values, rows: Numbers) -> tuple[str, pa.Array, str]:
    """The values of one path; returns what JSON says of them, and before and behind each."""
    kinds = values.kinds
    is_text = kinds <= spans.LONGER
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
    if kind == spans.LIST:
        return _lists(columns, packed, path, values, rows)
    return pa.repeat(pa.scalar("null"), len(rows))


# ---- lists -----------------------------------------------------------------------------------------------------------


class _Opened(NamedTuple):
    """Lists of one path."""

    held: Columns
    """What the elements hold, by the path within them; each element is a row."""
    owners: Places
    """Of each element, which list has it."""
    rows: Numbers
    """Of each list."""
    are_plain: Flags
    """Likewise: the others are not opened."""


def _lists(columns: Columns, packed: Packed, path: str, lists: Values, rows: Numbers) -> pa.Array:
    owners, at = packed.elements(lists)
    values = packed.values(at)
    objects = np.flatnonzero(are_objects(packed.letters(at)))
    every = [one._replace(places=objects[one.places]) for one in alike(packed, at[objects]) if not _has_lists(one)]
    scalars = np.flatnonzero((values.kinds != spans.ODD) & (values.kinds != spans.NULL) & (values.kinds != spans.LIST))
    is_odd = np.ones(len(at), np.bool_)
    for places in (scalars, *(one.places for one in every)):
        is_odd[places] = False
    are_plain = np.ones(len(rows), np.bool_)
    are_plain[owners[is_odd]] = False
    is_plain = are_plain[owners]

    held, every = Columns(len(at)), [one.only(is_plain[one.places]) for one in every]
    for one in every:
        held.put_objects("", one.places)
    ids = [one.places for one in every]
    texts = list(zip(ids, take(held, packed, every, ids, "."), strict=True))
    scalars = scalars[is_plain[scalars]]
    if len(scalars):
        before, text, after = _take(held, packed, "", values.only(scalars), scalars)
        texts.append((scalars, pc.binary_join_element_wise(before, text, after, "")))
    _spread(columns, path, _Opened(held, owners, rows, are_plain))

    ends = _ends(np.bincount(owners[is_plain], minlength=len(rows))[are_plain])
    place = np.cumsum(is_plain) - 1
    joined = scattered([(place[some], text) for some, text in texts]) if texts else pa.array([], pa.string())
    inner = pc.binary_join(pa.ListArray.from_arrays(ends, joined), ",")
    parts = [(np.flatnonzero(are_plain), pc.binary_join_element_wise("[", inner, "]", ""))]
    odd = np.flatnonzero(~are_plain)
    if len(odd):
        read = [_list(packed.body[lists.at[one] : lists.end[one]]) for one in odd.tolist()]
        columns.take_lists(path, read, rows[odd])
        parts.append((odd, jsons(read)))
    return scattered(parts)


def _has_lists(found: Alike) -> bool:
    return any((one.kinds == spans.LIST).any() for one in found.values)


def _spread(columns: Columns, path: str, opened: _Opened) -> None:
    """What the elements hold, of each list."""
    held, owners, rows, are_plain = opened
    found: dict[str, dict[str, _Parts]] = {"": {}}
    for name, key, some, values in held.entries():
        found.setdefault(key, {}).setdefault(name, []).append((some, values))
    within = np.arange(len(owners)) - np.searchsorted(owners, np.arange(len(rows)))[owners]
    for key, parts in found.items():
        has = _having(len(owners), (some for held_at in parts.values() for some, _ in held_at))
        ids, among = np.flatnonzero(has), np.cumsum(has) - 1
        whose, place = owners[ids], within[ids]
        number = np.bincount(whose, minlength=len(rows))
        mine = np.flatnonzero(number if key else are_plain)
        names = [f"{path}[{one}]{key}" for one in range(int(place.max(initial=-1)) + 1)]
        is_object = _having(len(owners), (some for some, _ in parts.get("objects", [])))[ids]
        values = [_beside(among, len(ids), parts.get(one.name, []), one.type.value_type) for one in list(ELEMENTS)[:-1]]
        keys = pa.array(names, TEXT).take(pa.array(place, mask=~is_object))
        columns.put_lists(path + key, _elements([*values, keys], number[mine]), rows[mine])
        cells = pa.StructArray.from_arrays(
            [*values, pa.nulls(len(ids), ELEMENTS), pa.array(is_object, mask=~is_object)], fields=list(CELL)
        )
        if not key:
            some = np.flatnonzero(is_object)
            cells, place, whose = cells.take(pa.array(some)), place[some], whose[some]
        columns.put_elements(names, place, cells, rows[whose])


def _having(number: int, every: Iterable[Places]) -> Flags:
    """Of so many elements those that are in any of these."""
    found = np.zeros(number, np.bool_)
    for some in every:
        found[some] = True
    return found


def _beside(among: Places, number: int, parts: _Parts, kind: pa.DataType) -> pa.Array:
    """Each value where its element is `among` those so many."""
    if not parts:
        return pa.nulls(number, kind)
    at = np.full(number, -1, np.int64)
    at[among[np.concatenate([some for some, _ in parts])]] = np.arange(sum(len(some) for some, _ in parts))
    return pa.concat_arrays([values for _, values in parts]).take(pa.array(at, mask=at < 0))


def _elements(values: Sequence[pa.Array], number: Places) -> pa.StructArray:
    """Lists with so many each."""
    ends = _ends(number)
    lists = [pa.ListArray.from_arrays(ends, one) for one in values]
    return pa.StructArray.from_arrays(lists, fields=list(ELEMENTS))


def _ends(number: Places) -> pa.Array:
    return pa.array(np.concatenate(([0], np.cumsum(number))).astype(np.int32))
