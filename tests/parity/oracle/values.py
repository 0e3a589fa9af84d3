"""Values as LANGUAGE.md 3 describes them: JSON values, and two kinds beside them that JSON does not have.

Written from the sentences alone: nothing of the package is used here. None is what is missing.
"""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
TICK = timedelta(microseconds=1)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)


class Moment(NamedTuple):
    """A time: microseconds since 1970."""

    us: int


class Span(NamedTuple):
    """A duration: microseconds."""

    span: int


def moment(us: int) -> Moment | None:
    """Missing outside of the years 1 to 9999."""
    return Moment(us) if (FIRST - EPOCH) // TICK <= us <= (LAST - EPOCH) // TICK else None


def span(us: int) -> Span | None:
    return Span(us) if abs(us) <= 10**18 else None


def number(value: float) -> float | None:
    return value if math.isfinite(value) else None


@lru_cache(100_000)
def read_time(text: str) -> Moment | None:
    found = ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction, _, sign, hours, minutes = found.groups()[6:]
    try:
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        if offset >= timedelta(days=1) or int(minutes or 0) > 59:
            return None
        zone = timezone(-offset if sign == "-" else offset)
        micros = int(((fraction or "") + "000000")[:6])
        at = datetime(year, month, day, hour, minute, second, micros, tzinfo=zone)
    except ValueError:
        return None
    return moment((at - EPOCH) // TICK)


def read_duration(text: str) -> int:
    """Microseconds of "30d"."""
    return int(text[:-1]) * UNITS[text[-1]] * 1_000_000


def written_time(at: Moment) -> str:
    text = (EPOCH + timedelta(microseconds=at.us)).strftime("%m-%dT%H:%M:%S")
    year, micros = (EPOCH + timedelta(microseconds=at.us)).year, at.us % 1_000_000
    return f"{year:04}-{text}.{micros:06}Z" if micros % 1000 else f"{year:04}-{text}.{micros // 1000:03}Z"


def written(value: Any) -> Any:
    """As JSON: times as ISO 8601, durations in seconds."""
    if isinstance(value, Moment):
        return written_time(value)
    if isinstance(value, Span):
        return value.span // 1_000_000 if value.span % 1_000_000 == 0 else value.span / 1_000_000
    return value


def sort_of(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "text", list: "list", dict: "object", Moment: "time", Span: "duration"}[type(value)]


def is_number(value: Any) -> bool:
    return sort_of(value) == "number"


def is_scalar(value: Any) -> bool:
    return sort_of(value) in ("boolean", "number", "text")


def same(one: Any, other: Any) -> bool:
    """one == other."""
    sort = sort_of(one)
    if sort not in ("boolean", "number", "text", "time", "duration") or sort != sort_of(other):
        return False
    return bool(float(one) == float(other)) if sort == "number" else bool(one == other)


def below(one: Any, other: Any) -> bool:
    """one < other."""
    sort = sort_of(one)
    if sort not in ("number", "text", "time", "duration") or sort != sort_of(other):
        return False
    return bool(float(one) < float(other)) if sort == "number" else bool(one < other)


def compare(op: str, one: Any, other: Any) -> bool:
    match op:
        case "Eq":
            return same(one, other)
        case "NotEq":
            return not same(one, other)
        case "Lt":
            return below(one, other)
        case "Gt":
            return below(other, one)
        case "LtE":
            return below(one, other) or (same(one, other) and sort_of(one) != "boolean")
        case "GtE":
            return below(other, one) or (same(one, other) and sort_of(one) != "boolean")
    raise AssertionError(op)


def calculate(op: str, one: Any, other: Any) -> Any:
    """LANGUAGE.md 3.7 and decision 0007: numbers; time - time, time +- duration, duration +- duration, a duration times
    or by a number, how often a duration goes into another; nothing else."""
    match op, sort_of(one), sort_of(other):
        case "Add", "number", "number":
            return number(float(one) + float(other))
        case "Sub", "number", "number":
            return number(float(one) - float(other))
        case "Mult", "number", "number":
            return number(float(one) * float(other))
        case "Div", "number", "number":
            return None if other == 0 else number(float(one) / float(other))
        case "Sub", "time", "time":
            return span(one.us - other.us)
        case "Add", "time", "duration":
            return moment(one.us + other.span)
        case "Add", "duration", "time":
            return moment(other.us + one.span)
        case "Sub", "time", "duration":
            return moment(one.us - other.span)
        case "Add", "duration", "duration":
            return span(one.span + other.span)
        case "Sub", "duration", "duration":
            return span(one.span - other.span)
        case "Mult", "duration", "number":
            return half_up(float(one.span) * float(other))
        case "Mult", "number", "duration":
            return half_up(float(one) * float(other.span))
        case "Div", "duration", "number":
            return None if other == 0 else half_up(float(one.span) / float(other))
        case "Div", "duration", "duration":
            return None if other.span == 0 else number(float(one.span) / float(other.span))
    return None


def half_up(micros: float) -> Any:
    return span(math.floor(micros + 0.5)) if math.isfinite(micros) else None


def negative(value: Any) -> Any:
    return -float(value) if is_number(value) else None


def time_of(value: Any) -> Moment | None:
    """time(x)."""
    if isinstance(value, Moment):
        return value
    if isinstance(value, str):
        return read_time(value)
    if is_number(value):
        scaled = float(value) * 1e6 + 0.5
        return moment(math.floor(scaled)) if math.isfinite(scaled) else None
    return None


def lower(text: Any) -> str | None:
    if not isinstance(text, str):
        return None
    return "".join("i" if char == "\u0130" else char.lower() if len(char.lower()) == 1 else char for char in text)


def flat(value: Any) -> list[Any]:
    """What is there, lists opened at every depth."""
    if isinstance(value, list):
        return [inner for element in value for inner in flat(element)]
    return [] if value is None else [value]


def step_into(value: Any, step: str | int) -> Any:
    """One step of a path (LANGUAGE.md 4)."""
    if isinstance(value, list):
        if isinstance(step, int):
            return value[step] if step < len(value) else None
        return [held for element in value for held in flat(step_into(element, step))]
    return value.get(step) if isinstance(value, dict) and isinstance(step, str) else None


def elements(value: Any) -> list[Any]:
    """Where a value is a list, each element counts."""
    return value if isinstance(value, list) else [value]
