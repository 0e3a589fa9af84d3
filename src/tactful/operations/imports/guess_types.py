"""What a column holds, guessed from its first values; of several readings the one that fits all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from tactful.operations.imports.mapping import ColumnType
from tactful.operations.imports.texts import EPOCHS, UNREAD, reader

MOST = 2000
PATTERNS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y %H:%M", "%d.%m.%y"),
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d/%m/%y %H:%M", "%d/%m/%y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%y %H:%M", "%m/%d/%y"),
    *("%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
    *("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y %H:%M:%S", "%m-%d-%Y"),
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d"),
    *("%d-%b-%Y %H:%M:%S", "%d-%b-%Y", "%d %b %Y %H:%M:%S", "%d %b %Y", "%b %d, %Y", "%d-%b-%y", "%B %d, %Y"),
    *("%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S %Z"),
)
_TWO = {"%d/%m": "%m/%d", "%d-%m": "%m-%d", "%d.%m": "%m.%d"}
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds: numbers between them may be times."""
_YES_NO = frozenset(("true", "false", "yes", "no", "t", "f", "y", "n"))


class Guessed(Struct, frozen=True):
    type: str = ""
    """"" is text, and whatever stands there."""
    format: str = ""
    remark: str = ""
    is_native: bool = False
    """The file itself says so."""
    is_local: bool = False
    """Of a time: it names no zone."""


def guess_type(values: Sequence[Any], kind: str, *, is_time: bool) -> Guessed:
    said = [value for value in values[:MOST] if value is not None and value != ""]
    if kind == "time":
        return Guessed("time", is_native=True, is_local=not any(str(value).endswith("Z") for value in said))
    if kind == "number" or (said and all(type(value) in (int, float) for value in said)):
        found = _epoch(said) if is_time else ""
        return Guessed("time", found) if found else Guessed("number", is_native=True)
    if not said or not all(type(value) is str for value in said):
        return Guessed(is_native=True)
    return _of_texts(said, is_time=is_time)


def _of_texts(said: Sequence[str], *, is_time: bool) -> Guessed:
    if is_time and (found := _epoch(said)):
        return Guessed("time", found)
    if all(text.strip().lower() in _YES_NO for text in said):
        return Guessed("boolean")
    if not any(_has_leading_zero(text) for text in said):
        for format in ("point", "comma"):
            if _fits(ColumnType("number", format), said):
                other = (
                    format == "point"
                    and any("," in text for text in said)
                    and _fits(ColumnType("number", "comma"), said)
                )
                remark = "or {number: comma}: whether 1,234 is a thousand cannot be seen here" if other else ""
                return Guessed("number", "comma" if format == "comma" else "", remark)
    if not any(character.isdigit() for character in said[0]) or len(said[0]) > 40:
        return Guessed()
    if _fits(ColumnType("time", "iso"), said) and len(said[0]) >= 8 and not said[0].isdigit():
        return Guessed("time", is_local=not all(_names_zone(text) for text in said))
    return _pattern(said)


def _pattern(said: Sequence[str]) -> Guessed:
    for pattern in PATTERNS:
        if _fits(ColumnType("time", pattern), said[:50]) and _fits(ColumnType("time", pattern), said):
            other = next((pattern.replace(one, two) for one, two in _TWO.items() if one in pattern), "")
            is_two = bool(other) and _fits(ColumnType("time", other), said)
            remark = f'or "{other}": no day above 12 stands in the first rows' if is_two else ""
            return Guessed("time", pattern, remark, is_local="%z" not in pattern.lower())
    return Guessed()


def _fits(type: ColumnType, said: Sequence[str]) -> bool:
    read = reader(type)
    return all(read(text) is not UNREAD for text in said)


def _names_zone(text: str) -> bool:
    return datetime.fromisoformat(text.strip()).tzinfo is not None


def _has_leading_zero(text: str) -> bool:
    digits = text.strip().lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def _epoch(said: Sequence[Any]) -> str:
    """In which unit since 1970 numbers would be times; "" where in none, or in several."""
    try:
        numbers = [float(value) for value in said]
    except (TypeError, ValueError):
        return ""
    per_second = {"seconds": 1, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
    assert per_second.keys() == EPOCHS.keys()
    for unit, scale in per_second.items():
        if numbers and all(_EARLIEST <= number / scale <= _LATEST for number in numbers):
            return unit
    return ""
