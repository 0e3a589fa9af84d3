"""Times, durations and digests, as every floor of the house means them.

Times are UTC instants in whole microseconds since 1970 (`..._us`), durations whole microseconds (LANGUAGE.md 1.1).
Pure: nothing here reads a clock.
"""

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US

_UNITS = {"s": SECOND_US, "m": MINUTE_US, "h": HOUR_US, "d": DAY_US, "w": WEEK_US}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_EPOCH = _EPOCH.replace(tzinfo=None)
FIRST_US, LAST_US = -62_135_596_800 * SECOND_US, 253_402_300_800 * SECOND_US - 1
"""The years 1 to 9999."""


def parse_duration(text: str) -> int | None:
    """Microseconds of `"<n><unit>"` (unit s m h d w), or None where the text is no duration."""
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def format_duration(duration_us: int) -> str:
    """The shortest `"<n><unit>"`; a fraction of a second as decimals: "1.5s"."""
    if not duration_us:
        return "0s"
    for unit in ("w", "d", "h", "m", "s"):
        if duration_us % _UNITS[unit] == 0:
            return f"{duration_us // _UNITS[unit]}{unit}"
    return f"{duration_us / SECOND_US:g}s"


def parse_time(text: str) -> int | None:
    """Microseconds of an ISO 8601 text (no offset: UTC; finer than microseconds is cut); None where unreadable."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def read_time(text: str) -> "Time | None":
    """A text of the data as a time (LANGUAGE.md 3.2): `YYYY-MM-DD`, with a time of day and an offset if need be; None
    for anything else, and outside of the years 1 to 9999."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    offset_us = int(offset_hours or 0) * HOUR_US + int(offset_minutes or 0) * MINUTE_US
    if offset_us >= DAY_US or int(offset_minutes or 0) > 59:
        return None
    try:
        since = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except ValueError:
        return None
    micros = int((fraction or "").ljust(6, "0")[:6])
    at_us = (since.days * 86_400 + since.seconds) * SECOND_US + micros + (offset_us if sign == "-" else -offset_us)
    return Time(at_us) if FIRST_US <= at_us <= LAST_US else None


def format_time(at_us: int) -> str:
    """ISO 8601 with Z; milliseconds, or microseconds where they matter."""
    at = _SHOWN_EPOCH + timedelta(microseconds=at_us)
    return at.isoformat(timespec="milliseconds" if at_us % 1000 == 0 else "microseconds") + "Z"


def digest(*parts: str) -> str:
    """32 hexadecimal digits (BLAKE2b) of the parts; no two different lists of parts are joined to one text."""
    return blake2b(
        "".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


class Time(int):
    """A time as a value of the language: an instant in microseconds that is no number."""

    __slots__ = ()


class Duration(int):
    """A duration as a value of the language: microseconds that are no number."""

    __slots__ = ()
