"""What filters cost, and the one filter that python-liquid has otherwise: `date`.

The cost of a call is stated before the call from the sizes of what it is given, so that a bomb is refused rather than
waited for. `date` reads ISO 8601 and unix seconds and writes UTC; python-liquid's would read the clock ("now", and
"10:00" as today) and the machine's time zone, and two renderings of one claim would differ.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from liquid import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

from tactful.values import SECOND_US, parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPOKEN = ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%a, %d %b %Y %H:%M:%S GMT", "%Y/%m/%d")
_SECONDS = re.compile(r"((?:^|[^%])(?:%%)*)%s")
_WORST_GROWTH = 12
"""Characters that one character becomes at most when encoded (url_encode of a four-byte character)."""


def size(value: object) -> int:
    """Characters of a text, digits of a number; of a list its parts, each counted once per place where it stands."""
    return _size(value, 6)


def _size(value: object, depth: int) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        return 1 + value.bit_length() // 3
    if isinstance(value, range):
        return 8 * len(value)
    if depth and isinstance(value, list | tuple):
        return 1 + sum(_size(part, depth - 1) for part in value)
    if depth and isinstance(value, Mapping):
        return 1 + sum(_size(part, depth - 1) for part in value.values())
    return 8


def cost(name: str, value: object, *args: object) -> int:
    """Characters that the filter may go over and make; more than the truth is fine, less is not."""
    given = size(value)
    others = sum(size(arg) for arg in args)
    if name in {"replace", "replace_first", "replace_last"}:
        return given + others + _replaced(value, *args)
    if name == "join":
        items = len(value) if isinstance(value, list | tuple | range) else 1
        return given + items * (1 + others)
    if name == "uniq":
        items = len(value) if isinstance(value, list | tuple | range) else 1
        return items * given
    if name in {"times", "divided_by", "modulo"}:
        return given * max(others, 1)
    return given + others + (_WORST_GROWTH * given if name.endswith(("encode", "escape", "escapejs", "to_br")) else 0)


def _replaced(value: object, *args: object) -> int:
    text = value if isinstance(value, str) else str(value)
    old = str(args[0]) if args else ""
    new = str(args[1]) if len(args) > 1 else ""
    places = text.count(old) if old else len(text) + 1
    # Both texts may be escaped on the way (autoescape), which makes a character six at most.
    return 6 * places * len(new)


@with_context
def date(value: object, form: object, *, context: RenderContext) -> str:
    """Like Ruby's strftime, in UTC; what is no time is left as it is."""
    if is_undefined(value) or value is None:
        return ""
    if is_undefined(form) or not form:
        return str(value)
    if len(str(form)) > 200:
        raise FilterArgumentError("the format of a date is too long", token=None)
    at_us = instant(value, context)
    if at_us is None:
        return str(value)
    try:
        seconds = _SECONDS.sub(lambda found: found[1] + str(at_us // SECOND_US), str(form))
        return (_EPOCH + timedelta(microseconds=at_us)).strftime(seconds)
    except (OverflowError, ValueError) as error:
        raise FilterArgumentError(f"no such date format: {form}", token=None) from error


def _spoken(text: str) -> int | None:
    """A date as people write it, whole: March 14, 2016."""
    for form in _SPOKEN if len(text) <= 40 else ():
        try:
            at = datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return (at - _EPOCH) // timedelta(microseconds=1)
    return None


def instant(value: Any, context: RenderContext) -> int | None:
    """Microseconds; None for what is no time."""
    if isinstance(value, str):
        if value in {"now", "today"}:
            value = context.globals["now"]
        if value.isdecimal() and len(value) < 12:
            return int(value) * SECOND_US
        at_us = parse_time(value)
        return at_us if at_us is not None else _spoken(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11:
        return int(value * SECOND_US)
    return None
