"""What comparing means (LANGUAGE.md 3): strict types, two-valued, false wherever something is missing.

Values are JSON values as they were coerced when they came in (no NaN, no infinity). Numbers are doubles, booleans are
no numbers, lists and objects equal nothing.
"""

from collections.abc import Iterable

from tactful.language.tree import Path


def _number(value: object) -> float | None:
    """The double; an integer that fits none is missing."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def equal(one: object, other: object) -> bool:
    if type(one) is str:
        return one == other
    if type(one) is bool:
        return one is other
    left, right = _number(one), _number(other)
    return left is not None and left == right


def less(one: object, other: object) -> bool:
    """one < other: two texts by code point, or two numbers."""
    if type(one) is str and type(other) is str:
        return one < other
    left, right = _number(one), _number(other)
    return left is not None and right is not None and left < right


def at_most(one: object, other: object) -> bool:
    """one <= other; not the opposite of other < one, which may be missing."""
    if type(one) is str and type(other) is str:
        return one <= other
    left, right = _number(one), _number(other)
    return left is not None and right is not None and left <= right


def is_in(item: object, among: object) -> bool:
    """Whether some element equals the item. A text is no list: `in` never searches in it."""
    return type(among) in (list, tuple) and any(equal(item, one) for one in _iterable(among))


def _iterable(among: object) -> Iterable[object]:
    assert isinstance(among, list | tuple)
    return among


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
