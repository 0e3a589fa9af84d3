"""Values of the language as JSON has them."""

import math
from typing import Any

from tactful.values import SECOND_US, Duration, Time, format_time

EXACT = 2**53


def plain(value: Any) -> Any:
    """A value of the language as JSON has it (LANGUAGE.md 3.8): a time as ISO 8601 with Z, a duration in seconds, a
    whole number without a fraction, missing as None."""
    match value:
        case Time():
            return format_time(value)
        case Duration():
            return _number(value // SECOND_US if value % SECOND_US == 0 else value / SECOND_US)
        case float():
            return _number(value)
        case list() | tuple():
            return [plain(one) for one in value]
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case _:
            return value


def _number(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < EXACT else value
