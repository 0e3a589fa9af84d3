"""Scalars: which values of an event count, and in what form they stand in a state (LANGUAGE.md 3.1, 6).

A list counts by its elements; what is nested, null or of a wrong type is passed over. Keys tell values apart: texts are
NUL-free (events/coerce.py), so a NUL marks what is no plain text.
"""

from math import floor, isfinite
from typing import Any

from tactful.values import Duration, Time, digest

Key = str | int | float
"""Text as it is, number (whole: int), or marked: "\\0true", "\\0false", or "\\0#", a digest and the beginning of a
long text."""

LONGEST = 256
"""Characters of a text that is kept as it is."""
WHOLE = 2**53
SUMMABLE = 1e12
"""Larger amounts are passed over by sum and avg, so that a double holds each to a millionth or nearly."""

_TIME, _DURATION = "\0time", "\0duration"


def number(value: Any) -> int | float | None:
    """One form for equal numbers; None for what is none (a boolean, a time, infinity)."""
    kind = type(value)
    if kind is int:
        return value if -WHOLE <= value <= WHOLE else float(value)
    if kind is float and isfinite(value):
        return int(value) if value.is_integer() and -WHOLE <= value <= WHOLE else value
    return None


def numbers(value: Any) -> list[int | float]:
    if type(value) is list:
        return [found for element in value if (found := number(element)) is not None]
    found = number(value)
    return [] if found is None else [found]


def amounts(value: Any) -> list[int]:
    """Millionths, rounded half up; exact from here on, in any order (LANGUAGE.md 6.1)."""
    if type(value) in (int, float):  # Most are; the comparison keeps NaN and infinity out.
        return [floor(value * 1e6 + 0.5)] if -SUMMABLE < value < SUMMABLE else []
    return [floor(found * 1e6 + 0.5) for found in numbers(value) if -SUMMABLE < found < SUMMABLE]


def key(value: Any) -> Key | None:
    kind = type(value)
    if kind is str:
        return value if len(value) <= LONGEST else f"\0#{digest(value)}{value[:LONGEST]}"
    if kind is bool:
        return "\0true" if value else "\0false"
    return number(value)


def keys(value: Any) -> list[Key]:
    """Each once: one event counts once for a value."""
    if type(value) is str and len(value) <= LONGEST:
        return [value]  # Most are.
    if type(value) is list:
        return list(dict.fromkeys(found for element in value if (found := key(element)) is not None))
    found = key(value)
    return [] if found is None else [found]


def scalar(found: Key) -> bool | str | int | float:
    """What a key stands for; of a long text the beginning."""
    if isinstance(found, str) and found.startswith("\0"):
        return found == "\0true" if found in {"\0true", "\0false"} else found[34:]
    return found


def rank(found: Key) -> tuple[int, Any]:
    """Order of keys of all types: booleans, numbers, texts; each by value."""
    plain = scalar(found)
    return (0 if isinstance(plain, bool) else 2 if isinstance(plain, str) else 1, plain)


def pack(value: Any) -> Any:
    """A value in a form that survives encoding: times and durations marked."""
    kind = type(value)
    if kind is Time:
        return [_TIME, int(value)]
    if kind is Duration:
        return [_DURATION, int(value)]
    return value


def unpack(packed: Any) -> Any:
    match packed:
        case ["\0time", int(at)]:
            return Time(at)
        case ["\0duration", int(lasting)]:
            return Duration(lasting)
        case _:
            return packed


def size(value: Any) -> int:
    """About how many bytes a value takes."""
    match value:
        case str():
            return len(value)
        case list():
            return sum(map(size, value)) + len(value)
        case dict():
            return sum(len(name) + size(inner) for name, inner in value.items())
        case _:
            return 9
