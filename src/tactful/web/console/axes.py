"""Axes: which round numbers and moments stand beside a chart, and how they are written. Pure."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from tactful.web.wording import local

TINY = 1e-300
"""What is less is nothing; powers of ten end soon below it."""
_STEPS_US = (
    *(number * SECOND_US for number in (1, 5, 15, 30)),
    *(number * MINUTE_US for number in (1, 5, 15, 30)),
    *(number * HOUR_US for number in (1, 3, 6, 12)),
)
_STEPS_DAYS = (1, 2, 7, 14, 28, 91, 182, 365)


def scale(highest: float, ticks: int = 3) -> tuple[float, list[float]]:
    """The top of an axis that begins at 0, and its numbers from there: steps of 1, 2 or 5 times a power of ten."""
    if not math.isfinite(highest) or highest < TINY:
        return 1.0, [0.0, 1.0]
    rough = highest / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    number = math.ceil(highest / step - 1e-9)
    return number * step, [each * step for each in range(number + 1)]


def between(lowest: float, highest: float, ticks: int = 4) -> list[float]:
    """Round numbers within [lowest, highest], at about equal steps."""
    span = highest - lowest
    if not math.isfinite(span) or span <= 0:
        return [lowest]
    power = 10.0 ** math.floor(math.log10(span / ticks))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span / ticks * 0.999)
    first, last = math.ceil(lowest / step - 1e-9), math.floor(highest / step + 1e-9)
    return [each * step for each in range(first, last + 1)]


def figure(value: float) -> str:
    """A number as it is read aloud: 12,500 or 0.034; at an axis see `brief`."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"


def brief(value: float) -> str:
    """At an axis: 1.5k, 20k, 3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size and (size > 1e3 or abs(value) >= 1e4):
            return f"{value / size:.3g}{letter}"
    return figure(round(value, 12))


def moments(from_us: int, until_us: int, zone: ZoneInfo, most: int = 7) -> list[tuple[int, str]]:
    """Round moments within the span, in the workspace's zone, with what to write below them."""
    span = max(until_us - from_us, 1)
    step_us = next((step for step in _STEPS_US if span / step <= most), 0)
    if step_us:
        return [(at, _clock(local(at, zone), step_us)) for at in _clocks(from_us, until_us, zone, step_us)]
    days = next((step for step in _STEPS_DAYS if span / DAY_US / step <= most), math.ceil(span / DAY_US / most))
    return [(at, _date(local(at, zone), days)) for at in _midnights(from_us, until_us, zone, days)]


def _clocks(from_us: int, until_us: int, zone: ZoneInfo, step_us: int) -> Iterator[int]:
    """Counted from the midnight before, so that three-hour steps stand at 0, 3, 6 on the wall."""
    start = local(from_us, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    at = _micros(start)
    at += (from_us - at) // step_us * step_us
    while at <= until_us:
        if at >= from_us:
            yield at
        at += step_us


def _midnights(from_us: int, until_us: int, zone: ZoneInfo, days: int) -> Iterator[int]:
    day = local(from_us, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while (at := _micros(day)) <= until_us:
        if at >= from_us:
            yield at
        day += timedelta(days=days)


def _micros(at: datetime) -> int:
    return round(at.timestamp()) * SECOND_US


def _clock(at: datetime, step_us: int) -> str:
    if at.hour == at.minute == at.second == 0:
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M:%S}" if step_us < MINUTE_US else f"{at:%H:%M}"


def _date(at: datetime, days: int) -> str:
    return f"{at:%b %Y}" if days >= 91 else f"{at.day} {at:%b}"
