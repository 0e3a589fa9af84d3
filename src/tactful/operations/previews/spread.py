"""Spread: how a value lies over people: how many have one, between what, in bars of a round width, and its percentiles.

Most values of people have a long tail, so the bars end where few are left, and the last one holds all beyond. Pure but
for the table that is asked, which has a column with the value of each person.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tactful.history.queries import Session
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US

BARS = 30
PERCENTILES = (10, 50, 80, 90, 95, 99)
FAR = 1.5
"""What lies so many times further than the 99th percentile does is a tail."""
_SQL = {"==": "=", "!=": "IS DISTINCT FROM"}
"""As written in SQL; != holds for who has no value too."""
_UNITS_US = (("d", DAY_US), ("h", HOUR_US), ("m", MINUTE_US), ("s", SECOND_US))


class Step(Struct, frozen=True):
    """A threshold to which the comparison may be moved."""

    value: float
    people: int
    """For whom the comparison would hold."""
    bars: tuple[int, int]
    """From which bar on, and up to which (without it), people lie for whom it would: of the bar in which the threshold
    itself lies perhaps not all."""


class Spread(Struct, frozen=True):
    """Of one value over everybody who is known."""

    text: str
    """The value, as an expression."""
    unit: str
    """Of what the numbers below are: "" of a number, "d", "h", "m" or "s" of a duration, "time" (microseconds)."""
    people: int
    """Who have a value."""
    missing: int
    low: float
    high: float
    percentiles: tuple[tuple[int, float], ...]
    """(percent, the least value that so many percent of these people have at most)."""
    edges: tuple[float, ...]
    """Where the bars begin; the last one has no end where `is_open`."""
    bars: tuple[int, ...]
    width: float
    is_open: bool
    op: str = ""
    """Of the comparison in the condition: ">=", "!=" ...; "" where nothing is compared."""
    threshold: float | None = None
    beyond: int = 0
    """For whom the comparison with the threshold holds."""
    place: tuple[int, int] | None = None
    """Where the threshold stands in the text of the condition."""
    steps: tuple[Step, ...] = ()
    """Ascending: where the bars begin, and the threshold itself; of a value that nothing is compared with as if it were
    by ">="."""

    def share(self, number: int) -> float:
        return number / self.people if self.people else 0.0


class Measured(Struct, frozen=True):
    """A column of the table, and what is compared."""

    column: str
    text: str
    kind: str
    """`number`, `duration` or `time`; the last two in microseconds."""
    op: str = ""
    threshold: float | None = None
    place: tuple[int, int] | None = None


def spread(session: Session, table: str, one: Measured) -> Spread:
    """Raises as Session.rows does."""
    value = f'"{one.column}"'
    points = ", ".join(f"quantile_disc({value}, {percent / 100})" for percent in PERCENTILES)
    is_whole = f"coalesce(bool_and({value} = floor({value})), true)"
    (row,) = session.rows(
        f"SELECT count(*), count({value}), min({value}), max({value}), {is_whole}, {points} FROM {table}"
    )
    everybody, people, low, high, whole, *quantiles = row
    unit, size = _unit(one.kind, quantiles[-1] if people else 0)
    whole = bool(whole) and size == 1
    low, high, *quantiles = (float(each) / size if people else 0.0 for each in (low, high, *quantiles))
    begin, width, number, is_open = _bars(low, high, quantiles[-1], is_whole=whole)
    counts = [0] * number
    if people:
        place = f"least(greatest(floor(({value} / {size!r} - {begin!r}) / {width!r}), 0), {number - 1})"
        rows = session.rows(f"SELECT {place} AS place, count(*) FROM {table} WHERE {value} IS NOT NULL GROUP BY place")
        for at, count in rows:
            counts[int(at)] = count
    threshold = one.threshold / size if one.threshold is not None else None
    edges = tuple(round(begin + width * place, 9) for place in range(number)) if people else ()
    thresholds = sorted({*edges, *((threshold,) if threshold is not None else ())})
    numbers = [one.threshold if at == threshold and one.threshold is not None else at * size for at in thresholds]
    op = one.op or ">="
    holds = _holding(session, table, f"{value} {_SQL.get(op, op)}", numbers)
    steps = tuple(Step(at, found, _held(edges, op, at)) for at, found in zip(thresholds, holds, strict=True))
    beyond = next((step.people for step in steps if step.value == threshold), 0)
    return Spread(
        text=one.text,
        unit=unit,
        people=people,
        missing=everybody - people,
        low=low,
        high=high,
        percentiles=tuple(zip(PERCENTILES, quantiles, strict=True)) if people else (),
        edges=edges,
        bars=tuple(counts) if people else (),
        width=width,
        is_open=is_open,
        op=one.op,
        threshold=threshold,
        beyond=beyond,
        place=one.place,
        steps=steps,
    )


def _holding(session: Session, table: str, compared: str, numbers: Sequence[float]) -> Sequence[int]:
    """For how many each comparison holds, in one pass."""
    if not numbers:
        return ()
    (found,) = session.rows(
        f"SELECT {', '.join(f'count(*) FILTER ({compared} {number!r})' for number in numbers)} FROM {table}"
    )
    return [int(each) for each in found]


def _held(edges: Sequence[float], op: str, at: float) -> tuple[int, int]:
    """The bars in which those lie for whom the comparison holds."""
    inside = max(bisect_right(edges, at) - 1, 0)
    begins, after = bisect_left(edges, at), bisect_right(edges, at)
    match op:
        case ">=" | ">":
            return begins, len(edges)
        case "<":
            return 0, begins
        case "<=":
            return 0, after
        case "!=":
            return 0, len(edges)
        case _:
            return inside, min(inside + 1, len(edges))


def size_of(unit: str) -> float | None:
    """How many of a column's numbers one of this unit is; None of times."""
    return None if unit == "time" else dict(_UNITS_US).get(unit, 1)


def _unit(kind: str, largest: Any) -> tuple[str, float]:
    """What a value is shown in, and how many of the column's numbers that is."""
    if kind == "time":
        return "time", 1
    if kind != "duration":
        return "", 1
    name, size = next(((name, size) for name, size in _UNITS_US if largest >= 2 * size), _UNITS_US[-1])
    return name, size


def _bars(low: float, high: float, most: float, *, is_whole: bool) -> tuple[float, float, int, bool]:
    """Where the first bar begins, how wide each is, how many there are, and whether the last has no end."""
    is_open = high - low > FAR * (most - low) and most > low
    top = most if is_open else high
    span = top - low
    if span <= 0 or not math.isfinite(span):
        return low, 1.0, 1, False
    rough = span / BARS
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    if is_whole:
        width = max(1.0, width)
    begin = math.floor(low / width + 1e-9) * width
    number = math.floor((top - begin) / width + 1e-9) + 1
    if is_open:
        number += 1
    return begin, width, number, is_open
