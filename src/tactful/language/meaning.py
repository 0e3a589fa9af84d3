"""What operators and functions of values mean (LANGUAGE.md 3): strict types, two-valued, and false or missing wherever
something does not fit.

Values are JSON values as they were coerced when they came in (no NaN, no infinity), Time and Duration. Numbers are
doubles, booleans are no numbers, lists and objects equal nothing, and a time or a duration is no number either, though
Python would have it so: hence `type(x) is`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import overload

from tactful.language.tree import Path
from tactful.values import FIRST_US, LAST_US, Duration, Time, read_time

NUMBERS = frozenset((int, float))
_EXACT = 2**53
LONGEST_US = 10**18
"""A duration beyond it, either way, is missing."""
Moving = Time | Duration | None


def number(value: object) -> float | None:
    """The double; an integer that fits none is missing."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


# ---- comparisons -----------------------------------------------------------------------------------------------------


def equal(one: object, other: object) -> bool:
    kind = type(one)
    if kind is str:
        return one == other
    if kind is bool:
        return one is other
    if kind is Time or kind is Duration:
        return type(other) is kind and one == other
    left, right = number(one), number(other)
    return left is not None and left == right


def less(one: object, other: object) -> bool:
    """one < other: two texts by code point, two times, two durations, or two numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    if isinstance(one, Time | Duration) and isinstance(other, Time | Duration):
        return type(one) is type(other) and one < other
    left, right = number(one), number(other)
    return left is not None and right is not None and left < right


def at_most(one: object, other: object) -> bool:
    """one <= other; not the opposite of other < one, which may be missing."""
    if isinstance(one, str) and isinstance(other, str):
        return one <= other
    if isinstance(one, Time | Duration) and isinstance(other, Time | Duration):
        return type(one) is type(other) and one <= other
    left, right = number(one), number(other)
    return left is not None and right is not None and left <= right


def is_in(item: object, among: object) -> bool:
    """Whether some element equals the item. A text is no list: `in` never searches in it."""
    return isinstance(among, list | tuple) and any(equal(item, one) for one in among)


def reaches(value: object, thresholds: Mapping[float, float] | None, percent: float) -> bool:
    """percentile() >= percent; false where the value or its threshold is missing."""
    return at_most((thresholds or {}).get(percent), value)


def falls_short(value: object, thresholds: Mapping[float, float] | None, percent: float) -> bool:
    return less(value, (thresholds or {}).get(percent))


# ---- arithmetic ------------------------------------------------------------------------------------------------------


def plus(one: object, other: object) -> float | None:
    left, right = number(one), number(other)
    if left is not None and right is not None:
        return _finite(left + right)
    return bounded(shifted(one, other, 1))


def minus(one: object, other: object) -> float | None:
    left, right = number(one), number(other)
    if left is not None and right is not None:
        return _finite(left - right)
    return bounded(shifted(one, other, -1))


def times(one: object, other: object) -> float | None:
    left, right = number(one), number(other)
    if type(one) is Duration and right is not None:
        return _scaled(float(one) * right)
    if type(other) is Duration and left is not None:
        return _scaled(left * float(other))
    return None if left is None or right is None else _finite(left * right)


def divided(one: object, other: object) -> float | None:
    left, right = number(one), number(other)
    if type(one) is Duration:
        if type(other) is Duration:
            return _finite(float(one) / float(other)) if other else None
        return _scaled(float(one) / right) if right else None
    return None if left is None or right is None or right == 0 else _finite(left / right)


def _scaled(micros: float) -> Duration | None:
    """Rounded half up in the arithmetic of doubles."""
    return bounded(Duration(math.floor(micros + 0.5))) if abs(micros) <= LONGEST_US else None


def negative(one: object) -> float | None:
    value = number(one)
    return None if value is None else _finite(-value)


def _finite(value: float) -> float | None:
    """A whole number is an integer, as it would be in JSON; infinity and NaN are missing."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def shifted(one: object, other: object, sign: int) -> Time | Duration | None:
    """time +- duration, duration +- duration, time - time, of any size."""
    if isinstance(one, Time | Duration) and isinstance(other, Duration):
        return type(one)(one + sign * other)
    if isinstance(one, Duration) and isinstance(other, Time) and sign > 0:
        return Time(one + other)
    if isinstance(one, Time) and isinstance(other, Time) and sign < 0:
        return Duration(one - other)
    return None


def ends(kind: type[Time | Duration]) -> tuple[Time | Duration, Time | Duration]:
    """The least and the greatest."""
    low, high = (FIRST_US, LAST_US) if kind is Time else (-LONGEST_US, LONGEST_US)
    return kind(low), kind(high)


@overload
def bounded(value: Duration) -> Duration | None: ...
@overload
def bounded(value: Time | Duration | None) -> Time | Duration | None: ...
def bounded(value: Time | Duration | None) -> Time | Duration | None:
    if isinstance(value, Time):
        return value if FIRST_US <= value <= LAST_US else None
    return value if value is not None and -LONGEST_US <= value <= LONGEST_US else None


# ---- functions of values ---------------------------------------------------------------------------------------------


def read(value: object) -> Time | list[Time] | None:
    """A text that stands next to a time; of a list what its elements read as."""
    if isinstance(value, list):
        return [at for at in map(_read, value) if at is not None]
    return _read(value)


def _read(value: object) -> Time | None:
    return read_time(value) if type(value) is str else None


def as_time(value: object) -> Time | None:
    """time(x): a text, or a number as seconds since 1970."""
    seconds = number(value)
    if seconds is None:
        return value if isinstance(value, Time) else _read(value)
    at = seconds * 1e6 + 0.5
    if not FIRST_US <= at <= LAST_US + 1:  # Also keeps infinity from floor().
        return None
    found = math.floor(at)
    return Time(found) if found <= LAST_US else None


def lower(value: object) -> str | None:
    """One code point becomes one: what grows stays as it is, but for U+0130, which becomes i."""
    if type(value) is not str:
        return None
    return value.lower() if value.isascii() else "".join(map(_lowered, value))


def _lowered(char: str) -> str:
    small = char.lower()
    return small if len(small) == 1 else "i" if char == "\u0130" else char


def length(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


def contains(text: object, part: object) -> bool:
    return isinstance(text, str) and isinstance(part, str) and part in text


def starts_with(text: object, part: object) -> bool:
    return isinstance(text, str) and isinstance(part, str) and text.startswith(part)


def ends_with(text: object, part: object) -> bool:
    return isinstance(text, str) and isinstance(part, str) and text.endswith(part)


# ---- paths -----------------------------------------------------------------------------------------------------------


def follow(value: object, path: Path) -> object:
    """Walk a path; None where it leads nowhere. A name on a list gives the flat list of what its elements hold."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            value = list(_held(value, step))
        else:
            return None
    return value


def _held(elements: list[object], step: str) -> Iterable[object]:
    for element in elements:
        if isinstance(element, list):
            yield from _held(element, step)
        elif isinstance(element, dict):
            yield from _flat(element.get(step))


def _flat(value: object) -> Iterable[object]:
    if isinstance(value, list):
        for element in value:
            yield from _flat(element)
    elif value is not None:
        yield value
