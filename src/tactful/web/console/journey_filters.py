"""Filters of a journey's report and of its backtests: of which version, and in which time. A day is one of the
workspace's time zone, and asked for with all of it."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request

from tactful.operations.journeys.tallies import EVER
from tactful.values import format_time, parse_time
from tactful.web.wording import date_of

_DAY = timedelta(days=1)


def filters_of(request: Request) -> dict[str, str]:
    asked = request.query_params
    return {name: asked.get(name, "").strip() for name in ("from", "to", "version")}


def bounds_of(filters: Mapping[str, str], zone: ZoneInfo) -> tuple[int, int] | None:
    """[first, until) in microseconds; None where one of them is no time."""
    first = _instant(filters["from"], zone) if filters["from"] else EVER[0]
    until = _instant(filters["to"], zone, is_end=True) if filters["to"] else EVER[1]
    return (first, until) if first is not None and until is not None else None


def times_of(filters: Mapping[str, str], zone: ZoneInfo) -> tuple[str, str] | None:
    """The same as ISO 8601, "" where nothing is said."""
    if (bounds := bounds_of(filters, zone)) is None:
        return None
    first, until = (format_time(at) if filters[name] else "" for name, at in zip(("from", "to"), bounds, strict=True))
    return first, until


def days_of(first: str, until: str, zone: ZoneInfo) -> tuple[str, str]:
    """And back again: the days in which they begin and end."""
    begins, ends = parse_time(first) if first else None, parse_time(until) if until else None
    return (
        date_of(begins, zone) if begins is not None else "",
        date_of(ends - 1, zone) if ends is not None else "",
    )


def _instant(text: str, zone: ZoneInfo, *, is_end: bool = False) -> int | None:
    try:
        day = date.fromisoformat(text)
        begins = datetime.combine(day + _DAY if is_end else day, time(), zone)
    except (ValueError, OverflowError):
        return parse_time(text)
    return parse_time(begins.isoformat())
