"""Moments: an instant that somebody picks on a page, in the workspace's zone, as a browser's field has it. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tactful.values import DAY_US, LAST_US, SECOND_US
from tactful.web.wording import local


def moment_of(text: str, zone: ZoneInfo) -> int | None:
    """Microseconds of "2026-03-01T14:03", or of a day; with an offset (or Z) of that zone. None where unreadable, and
    before 1970."""
    try:
        at = datetime.fromisoformat(text.strip())
        at_us = int((at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()) * SECOND_US
    except (ValueError, OverflowError):
        return None
    return at_us if 0 <= at_us <= LAST_US - DAY_US else None


def written(at_us: int | None, zone: ZoneInfo) -> str:
    """For `<input type="datetime-local">`; "" of none."""
    return local(at_us, zone).strftime("%Y-%m-%dT%H:%M") if at_us is not None else ""
