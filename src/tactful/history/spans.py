"""MessagePack of thousands of records, read in columns: what all of them have at one place is read in some steps of
numpy, and nothing is made an object.

A record is a place in the bytes; a value is where it begins and ends. The first byte of a value says of which kind it
is, and its length or where that stands (https://github.com/msgpack/msgpack/blob/master/spec.md). What is not ordinary,
such as texts of more than 65,535 bytes, is `ODD` and for others to read; so are objects, by outline. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
ODD, TEXT, LONG, LONGER, NUMBER, WHOLE, FLAG, NULL, LARGE, LIST = range(10)
"""Kinds of values. LONG, LONGER: a text whose length has one byte of its own, or two; of all texts the kind is how many
bytes stand before it. LARGE: whole, and perhaps above 2**63."""
MOST_STEPS = 500
"""Of a walk through a list: as many values as it has, with all within them. A longer one is odd."""
LARGEST = 2**31 - 1
"""Bytes that Arrow's usual arrays reach."""
_PAD = bytes(1 << 17)
"""Behind the last record: whoever takes one for what it is not reads that far beyond."""


def _of_tags() -> tuple[npt.NDArray[np.uint8], Places]:
    """By the first byte of a value: its kind, and how long it is with that byte, but for what its length says."""
    kinds, sizes = np.zeros(256, np.uint8), np.ones(256, np.int64)
    kinds[:0x80] = kinds[0xE0:] = WHOLE
    kinds[0x90:0xA0] = kinds[0xDC] = LIST
    kinds[0xA0:0xC0], sizes[0xA0:0xC0] = TEXT, np.arange(1, 33)
    kinds[0xC0], kinds[0xC2:0xC4] = NULL, FLAG
    kinds[0xCB], sizes[0xCB] = NUMBER, 9
    for tags in (range(0xCC, 0xD0), range(0xD0, 0xD4)):
        for power, tag in enumerate(tags):
            kinds[tag], sizes[tag] = WHOLE, 1 + (1 << power)
    kinds[0xCF] = LARGE
    kinds[0xD9:0xDB] = LONG, LONGER
    return kinds, sizes + _WIDTHS


def _of_lengths() -> tuple[Places, Places, Places, Places]:
    """By the first byte, where a length stands behind it: how wide that is, and of how many bytes it speaks, of how
    many values; and how many values come beside, less this one."""
    widths, letters, values, within = np.zeros((4, 256), np.int64)
    widths[0xD9:0xE0] = 1, 2, 4, 2, 4, 2, 4
    letters[0xD9:0xDC], values[0xDC:0xDE], values[0xDE:0xE0] = 1, 1, 2
    within[0x80:0x90], within[0x90:0xA0] = 2 * np.arange(16), np.arange(16)
    return widths, letters, values, within - 1


_WIDTHS, _LETTERS, _VALUES, _WITHIN = _of_lengths()
_UNUSED = (64 - 8 * _WIDTHS).astype(np.uint64)
"""Bits of a word behind a length."""
_KINDS, _SIZES = _of_tags()
_TRUE, FALSE = 0xC3, 0xC2
_SIGNED = range(0xD0, 0xD4)


class Values(NamedTuple):
    """One of each record."""

    kinds: npt.NDArray[np.uint8]
    at: Places
    """Of its first byte."""
    end: Places

    def only(self, some: Flags | Places) -> "Values":
        return Values(self.kinds[some], self.at[some], self.end[some])


def one(body: bytes, at: int) -> tuple[int, int]:
    """Kind and end of the value that begins there."""
    kind, left = int(_KINDS[body[at]]), 1
    if kind == LARGE:
        kind = WHOLE if body[at + 1] < 0x80 else ODD
    for _ in range(MOST_STEPS):
        tag = body[at]
        said = int.from_bytes(body[at + 1 : at + 1 + int(_WIDTHS[tag])], "big")
        at += int(_SIZES[tag]) + said * int(_LETTERS[tag])
        left += int(_WITHIN[tag]) + said * int(_VALUES[tag])
        if kind != LIST or not left:
            return kind, at
    return ODD, at


class Packed:
    def __init__(self, bodies: Iterable[bytes]) -> None:
        """One behind another."""
        self.body = b"".join((*bodies, _PAD))
        self._letters = np.frombuffer(self.body, np.uint8)
        self._words: npt.NDArray[Any] = np.ndarray((len(self.body) - 7,), ">u8", self.body, 0, (1,))

    def letters(self, at: Places) -> npt.NDArray[np.uint8]:
        return self._letters.take(at)

    def values(self, at: Places) -> Values:
        """Those that begin there; of what is ODD the end is not known."""
        tags = self._letters.take(at)
        kinds, end = _KINDS.take(tags), at + _SIZES.take(tags)
        most = kinds.max(initial=ODD)
        if most >= LARGE:
            is_large = kinds == LARGE
            kinds[is_large] = np.where(self._letters.take(at[is_large] + 1) < 0x80, WHOLE, ODD)
        if most >= LONG:
            longs = np.flatnonzero(kinds - np.uint8(LONG) <= LONGER - LONG)  # Below zero is above them.
            if len(longs):
                end[longs] += self._said(at[longs], tags[longs])
        if most == LIST:
            lists = np.flatnonzero(kinds == LIST)
            end[lists] = self.ends(at[lists])
            kinds[lists[end[lists] < 0]] = ODD
        return Values(kinds, at, end)

    def ends(self, at: Places) -> Places:
        """Of values with all that is within them; -1 for those that take too many steps."""
        ends = np.full(len(at), -1, np.int64)
        for some, on, left in self._steps(at):
            done = left == 0
            ends[some[done]] = on[done]
        return ends

    def elements(self, lists: Values) -> tuple[Places, Places]:
        """Of all the lists, one after another: of which each is, and where it begins."""
        least = np.full(len(lists.at), len(self.body), np.int64)
        owners, begins = [least[:0]], [least[:0]]
        for some, on, left in self._steps(lists.at):
            # What the element before had within it is over once less is left than ever before.
            begun = left < least[some]
            least[some[begun]] = left[begun]
            begun &= left > 0
            owners.append(some[begun])
            begins.append(on[begun])
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        return owner[order], np.concatenate(begins)[order]

    def _steps(self, at: Places) -> Iterator[tuple[Places, Places, Places]]:
        """Through whole values: after each step which of them it was, where they go on, how many values are left."""
        some, left = np.arange(len(at)), np.ones(len(at), np.int64)
        for _ in range(MOST_STEPS):
            if not len(some):
                return
            tags = self._letters.take(at)
            on, left = at + _SIZES.take(tags), left + _WITHIN.take(tags)
            wide = np.flatnonzero(_WIDTHS.take(tags))
            if len(wide):
                said = self._said(at[wide], tags[wide])
                on[wide] += said * _LETTERS.take(tags[wide])
                left[wide] += said * _VALUES.take(tags[wide])
            yield some, on, left
            at = on
            if not left.all():
                going = np.flatnonzero(left)
                some, at, left = some[going], at[going], left[going]

    def _said(self, at: Places, tags: npt.NDArray[np.uint8]) -> Places:
        """The lengths behind these first bytes."""
        found: Places = (self._words[at + 1].astype(np.uint64) >> _UNUSED.take(tags)).astype(np.int64)
        return found

    def holds(self, at: Places, expected: bytes) -> Flags:
        """Whether this stands there."""
        found: Flags | None = None
        for first in range(0, len(expected), 8):
            part = expected[first : first + 8]
            words = self._words[at + first]
            missing = 8 * (8 - len(part))
            same: Flags = words >> np.uint64(missing) == np.uint64(int.from_bytes(part, "big"))
            found = same if found is None else found & same
        assert found is not None, "nothing is expected"
        return found

    def texts(self, begin: Places, end: Places) -> pa.Array:
        """Of spans, in any order."""
        return self.bytes(begin, end).view(pa.string())

    def bytes(self, begin: Places, end: Places) -> pa.Array:
        """Likewise. They are every second span of the whole, between which the others are taken for some too; nobody
        looks at those, nor minds that one ends before it begins where records are not in the order of the log. Only
        where all begins and ends is looked at."""
        if not len(begin):
            return pa.array([], pa.binary())
        is_large = len(self.body) > LARGEST
        offsets = np.empty(2 * len(begin) + 2, np.int64 if is_large else np.int32)
        offsets[0], offsets[1:-1:2], offsets[2:-1:2], offsets[-1] = 0, begin, end, len(self.body)
        every = pa.Array.from_buffers(
            pa.large_binary() if is_large else pa.binary(),
            len(offsets) - 1,
            [None, pa.py_buffer(offsets), pa.py_buffer(self.body)],
        )
        found = every.take(pa.array(np.arange(1, len(offsets) - 1, 2)))
        return found.cast(pa.binary()) if is_large else found

    def of_texts(self, values: Values) -> pa.Array:
        """Of values that are texts."""
        return self.texts(values.at + values.kinds, values.end)

    def numbers(self, values: Values) -> npt.NDArray[np.float64]:
        return self._words[values.at + 1].astype(np.uint64).view(np.float64)

    def u64(self, at: Places) -> pa.Array:
        """Whole numbers of eight bytes."""
        return pa.array(self._words[at].astype(np.uint64).view(np.int64))

    def flags(self, values: Values) -> Flags:
        found: Flags = self._letters.take(values.at) == _TRUE
        return found

    def wholes(self, at: Places) -> Places:
        """Of values that are WHOLE."""
        tags = self._letters.take(at)
        found: Places = tags.view(np.int8).astype(np.int64)
        for tag in np.unique(tags):
            if 0x80 <= tag < 0xE0:
                mine = np.flatnonzero(tags == tag)
                words = self._words[at[mine] + 1].astype(np.uint64)
                unused = 64 - 8 * (int(_SIZES[tag]) - 1)
                found[mine] = words.view(np.int64) >> unused if tag in _SIGNED else words >> np.uint64(unused)
        return found
