"""The careful reading of one call: for those that the fast decoder would not take.

JSON as clients really send it strays from the standard: Python writes NaN, JavaScript writes integers that no double
holds, broken encoders write half characters. What has a meaning is given it here, once: NaN and infinity are missing,
a whole number beyond 2^53 becomes the nearest double. What has none is refused, with the path of the value: NUL, lone
surrogates (also: bytes that are not UTF-8), numbers beyond the doubles, objects inside objects beyond 32 levels.
"""

import json
from typing import Any

from tactful.events.verdicts import Refusal

MAX_DEPTH = 32
MAX_KEYS = 1_000
MAX_WHOLE = 2**53


class _Unreadable:
    """A number that no double holds; stands in the tree until its path is known."""


_UNREADABLE = _Unreadable()


def read_json(body: bytes) -> object | Refusal:
    """The JSON value in `body`, coerced, or why it cannot be had."""
    try:
        value = json.loads(
            body.decode("utf-8", "surrogateescape"),
            strict=False,
            parse_constant=lambda _: None,
            parse_int=_whole,
            parse_float=_double,
        )
    except RecursionError:
        return Refusal("too_deep", f"is nested deeper than {MAX_DEPTH} levels")
    except ValueError as error:
        return Refusal("not_json", f"is not readable as JSON: {error}")
    return coerce(value)


def coerce(value: Any, field: str = "", depth: int = 0) -> object | Refusal:
    """A decoded JSON value as records carry it, or why it cannot be carried. The value itself may be changed."""
    if isinstance(value, str):
        return _text(value, field)
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            return Refusal("too_deep", f"is nested deeper than {MAX_DEPTH} levels", field)
        return _object(value, field, depth) if isinstance(value, dict) else _list(value, field, depth)
    if isinstance(value, _Unreadable):
        return Refusal("number_out_of_range", "is a number too large to be read", field)
    return value  # type: ignore[no-any-return]  # None, a boolean or a readable number


def _whole(digits: str) -> int | float | _Unreadable:
    if len(digits) > 400:  # The longest double has 309 digits; int() of a very long text takes quadratic time.
        return _UNREADABLE
    number = int(digits)
    return number if -MAX_WHOLE <= number <= MAX_WHOLE else _double(digits)


def _double(digits: str) -> float | _Unreadable:
    number = float(digits)
    return _UNREADABLE if number in (float("inf"), float("-inf")) else number


def _text(value: str, field: str) -> str | Refusal:
    if "\0" in value:
        return Refusal("nul_byte", "contains a NUL character", field)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return Refusal("lone_surrogate", "contains half a character (a lone surrogate, or bytes not UTF-8)", field)
    return value


def _object(value: dict[str, Any], field: str, depth: int) -> object | Refusal:
    if len(value) > MAX_KEYS:
        return Refusal("too_many_keys", f"has more than {MAX_KEYS} keys", field)
    for key, inner in value.items():
        # A bad key cannot be named in an answer, so the object that has it is.
        coerced = (
            refusal
            if isinstance(refusal := _text(key, field), Refusal)
            else coerce(inner, f"{field}.{key}" if field else key, depth + 1)
        )
        if isinstance(coerced, Refusal):
            return coerced
        value[key] = coerced
    return value


def _list(value: list[Any], field: str, depth: int) -> object | Refusal:
    for index, inner in enumerate(value):
        coerced = coerce(inner, f"{field}[{index}]", depth + 1)
        if isinstance(coerced, Refusal):
            return coerced
        value[index] = coerced
    return value
