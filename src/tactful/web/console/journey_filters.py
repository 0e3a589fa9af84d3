"""Filters of a journey's report: of which version, and of runs that began in which time. A day is one of the
workspace's time zone, and asked for with all of it."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request

from tactful.operations.tallies import EVER
from tactful.values import parse_time

_DAY = timedelta(days=1)


def filters_of(request: Request) -> dict[str, str]:
    asked = request.query_params
    return {name: asked.get(name, "").strip() for name in ("from", "to", "version")}


def bounds_of(filters: Mapping[str, str], zone: ZoneInfo) -> tuple[int, int] | None:
    """[first, until) in microseconds; None where one of them is no time."""
    first = _instant(filters["from"], zone) if filters["from"] else EVER[0]
    until = _instant(filters["to"], zone, is_end=True) if filters["to"] else EVER[1]
    return (first, until) if first is not None and until is not None else None


def _instant(text: str, zone: ZoneInfo, *, is_end: bool = False) -> int | None:
    try:
        day = date.fromisoformat(text)
        begins = datetime.combine(day + _DAY if is_end else day, time(), zone)
    except (ValueError, OverflowError):
        return parse_time(text)
    return parse_time(begins.isoformat())
