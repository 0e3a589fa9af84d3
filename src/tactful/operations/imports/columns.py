"""Columns of a batch made into what they mean, each in one pass, before any row is touched.

A text is read once for all rows that have it; what was read is remembered within bounds. Times in ISO 8601 and numbers
since 1970 become microseconds as whole arrays, where all of a batch are of one kind; the readers of texts.py, by which
they are defined, take the others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct

from tactful.events import zones
from tactful.operations.imports.mapping import ColumnType
from tactful.operations.imports.texts import EPOCHS, ISO, UNREAD, Reader, written
from tactful.values import MINUTE_US, parse_time

MOST = 1 << 16
"""Distinct values that are remembered of a column."""
_BUCKET_US = 15 * MINUTE_US
_SCALARS = frozenset((str, int, float, bool, type(None)))
_LARGEST = 2**53
_ZONE_ENDS = ("Z", "z")


class Memo(dict[Any, Any]):
    """What a function of one value gave, for as many values as are remembered."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, value: Any) -> Any:
        found = self[value] = self.function(value)
        return found

    def of(self, values: Sequence[Any]) -> list[Any]:
        if len(self) > MOST:
            self.clear()
        try:
            return list(map(self.__getitem__, values))
        except TypeError:  # A list is no key of a dict.
            return [self.function(value) for value in values]


class Typed:
    """Reads one column of texts as its type says."""

    def __init__(self, name: str, read: Reader, missing: frozenset[str]) -> None:
        self.name = name
        self._missing = missing
        self._read = read
        # 1, 1.0 and True are one key of a dict, and not one value: only texts are remembered.
        self._memo = Memo(self._one)

    def of(self, values: Sequence[Any], note: Callable[[int, Any], None]) -> list[Any]:
        """`note` is told of each place whose value cannot be read, and which stays as it is."""
        if set(map(type, values)) <= {str, type(None)}:
            found = self._memo.of(values)
        else:
            found = [self._one(value) for value in values]
        if UNREAD in found:
            for place, value in enumerate(found):
                if value is UNREAD:
                    note(place, values[place])
                    found[place] = values[place]
        return found

    def _one(self, value: Any) -> Any:
        if value is None or value == "" or (type(value) is str and value in self._missing):
            return None
        return self._read(value)


class Looked(Struct, frozen=True):
    """What is known of all values of a column: that they may stand in a record as they are, that none is missing."""

    is_plain: bool
    is_dense: bool
    types: frozenset[type]


def look(values: Sequence[Any]) -> Looked:
    types = frozenset(map(type, values))
    is_plain = types <= _SCALARS
    is_dense = type(None) not in types
    if is_plain and str in types:
        texts = values if types == {str} else [one for one in values if type(one) is str]
        joined = "".join(texts)
        is_plain = "\0" not in joined and (joined.isascii() or _is_sayable(joined))
        is_dense = is_dense and "" not in values
    if is_plain and (int in types or float in types):
        numbers = [one for one in values if type(one) is int or type(one) is float]
        # NaN is neither below nor above.
        is_plain = min(numbers) >= -_LARGEST and max(numbers) <= _LARGEST and sum(numbers) == sum(numbers)
    return Looked(is_plain, is_dense, types)


def _is_sayable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_sayable(value: Any) -> bool:
    """Whether a value alone can stand in a record as it is."""
    return look((value,)).is_plain


# ---- times -----------------------------------------------------------------------------------------------------------

parsed = Memo(lambda text: parse_time(text) if type(text) is str else None)


def instants(type: ColumnType | None, values: Sequence[Any], missing: frozenset[str]) -> list[int] | None:
    """Microseconds since 1970 where all of a column can be read at once; else None."""
    if type is None or not values:
        return None
    kinds = {one.__class__ for one in values}
    if type.format in EPOCHS and type.format != "nanoseconds" and kinds <= {int, str} and not missing:
        return _of_counts(values, int(EPOCHS[type.format]))
    if type.format in ("", ISO) and kinds == {str} and not missing:
        return _of_texts(values, type.zone or "UTC")
    return None


def _of_counts(values: Sequence[Any], unit: int) -> list[int] | None:
    """Exact as long as doubles are."""
    try:
        if type(values[0]) is str and "x" in "".join(values).lower():  # Arrow reads hexadecimal.
            return None
        read = pa.array(values).cast(pa.int64()).to_numpy()
    except (pa.ArrowException, TypeError, UnicodeError, OverflowError):
        return None
    if max(abs(int(read.min())), abs(int(read.max()))) * unit >= _LARGEST:
        return None
    return (read * unit).tolist()  # type: ignore[no-any-return]  # numpy does not say so


def _of_texts(values: Sequence[str], zone: str) -> list[int] | None:
    """Arrow takes no more than Python does, and nothing in another way."""
    first = values[0]
    has_offset = first.endswith(_ZONE_ENDS) or "+" in first[10:] or "-" in first[10:]
    kind = pa.timestamp("us", "UTC") if has_offset else pa.timestamp("us")
    try:
        read = pa.array(values, pa.string()).cast(kind)
    except (pa.ArrowException, UnicodeError):
        return None
    local = read.cast(pa.int64()).to_numpy()
    if has_offset or zone == "UTC":
        return local.tolist()  # type: ignore[no-any-return]  # likewise
    return _in_zone(local, zone)


def _in_zone(local: Any, zone: str) -> list[int] | None:
    """Clocks are set at a quarter of an hour, or else (long ago) all is read one by one."""
    here = zones.zone(zone)
    assert here is not None, zone
    buckets, places = np.unique(local // _BUCKET_US, return_inverse=True)
    shifts = []
    for bucket in buckets.tolist():
        shift = _shift(bucket * _BUCKET_US, here)
        if shift is None or shift != _shift((bucket + 1) * _BUCKET_US - 1, here):
            return None
        shifts.append(shift)
    return (local - np.array(shifts, dtype=np.int64)[places]).tolist()  # type: ignore[no-any-return]  # likewise


def _shift(local_us: int, zone: zones.Zone) -> int | None:
    try:
        at = np.datetime64(local_us, "us").item()
        text = written(at, zone)
    except (ValueError, OverflowError, AttributeError):
        return None
    found = parse_time(text)
    return None if found is None else local_us - found


def kept_within(values: Mapping[str, Any]) -> bool:
    """Whether all that a mapping puts in the place of others can stand in a record."""
    return all(is_sayable(one) for one in values.values())
