"""What the texts of a column mean: numbers, booleans, lists, and times of every kind.

A reader takes what stood in the file and gives the value, or UNREAD where it cannot be had without a guess; the text
then stays what it is, and the report says so. Times become ISO 8601 in UTC. Zones are the engine's own (events/zones).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tactful.events import zones
from tactful.events.zones import Zone
from tactful.operations.imports.mapping import ColumnType
from tactful.values import DAY_US, SECOND_US, format_time

UNREAD = object()
Reader = Callable[[Any], Any]
EPOCHS = {"seconds": SECOND_US, "milliseconds": 1000, "microseconds": 1, "nanoseconds": 0.001}
ISO, EXCEL = "iso", "excel"
TIME_FORMATS = (ISO, *EPOCHS, EXCEL)
NUMBER_FORMATS = ("point", "comma")
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "on", "wahr", "ja"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "off", "falsch", "nein"), False),
}
_POINT = re.compile(r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_COMMA = re.compile(r"[-+]?(?:[0-9]{1,3}(?:[. '][0-9]{3})+|[0-9]+)?(?:,[0-9]+)?")
_SIGNS = re.compile(r"[\s$€£¥]|(?<=\d)%$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY_OF_EXCEL = 25_569
"""Days before 1970 as Excel counts them."""

LEGIBLE = 120
"""Characters of what a messageId is made of."""


def said(value: Any) -> str:
    """A value as a text that tells one from another: 17850.0 is 17850; "" where there is none."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def message_id(about: str) -> str:
    """Legible where it is short."""
    if len(about) <= LEGIBLE and about.isprintable():
        return f"import {about}"
    return "import " + blake2b(about.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def reader(type: ColumnType) -> Reader:
    match type.type:
        case "number":
            return lru_cache(maxsize=1 << 14)(_comma if type.format == "comma" else _point)
        case "boolean":
            return _boolean
        case "list":
            return _list(type.format or ",")
        case "time":
            return lru_cache(maxsize=1 << 14)(_time(type.format or ISO, type.zone or "UTC"))
        case _:
            return _text


def _text(value: Any) -> Any:
    """As an identifier is written: 17850.0 is 17850."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else UNREAD


def _point(value: Any) -> Any:
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else UNREAD
    text = _SIGNS.sub("", value)
    return _number(text.replace(",", "")) if text and _POINT.fullmatch(text) else UNREAD


def _comma(value: Any) -> Any:
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else UNREAD
    text = _SIGNS.sub("", value)
    if not text or not _COMMA.fullmatch(text):
        return UNREAD
    return _number(re.sub(r"[. ']", "", text).replace(",", "."))


def _number(text: str) -> Any:
    try:
        return int(text) if text.lstrip("+-").isdigit() and len(text) < 17 else float(text)
    except ValueError:
        return UNREAD


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(str(value).strip().lower(), UNREAD)


def _list(separator: str) -> Reader:
    def read(value: Any) -> Any:
        if isinstance(value, list):
            return value
        return [part.strip() for part in value.split(separator) if part.strip()] if isinstance(value, str) else UNREAD

    return read


# ---- times -----------------------------------------------------------------------------------------------------------


def time_problem(format: str, zone: str) -> str:
    """What is wrong with a format and a zone; "" where they are good."""
    if zone and zone not in zones.names():
        return f'"{zone}" is no time zone; write a name such as Europe/Berlin'
    if format and format not in TIME_FORMATS and "%" not in format:
        return f'"{format}" is no format of times; write {", ".join(TIME_FORMATS)}, or a pattern such as "%d.%m.%Y"'
    if "%" in format:
        try:
            datetime.strptime(datetime(2024, 2, 29, tzinfo=UTC).strftime(format), format)  # noqa: DTZ007  (only tried)
        except ValueError as error:
            return f'"{format}" is no pattern of times: {error}'
    return ""


def _time(format: str, zone: str) -> Reader:
    found = zones.zone(zone)
    assert found is not None, zone
    here: Zone = found
    if format in EPOCHS:
        return _epoch(EPOCHS[format])
    if format == EXCEL:
        return _of_excel(here)

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return UNREAD
        try:
            text = value.strip()
            at = datetime.fromisoformat(text) if format == ISO else datetime.strptime(text, format)  # noqa: DTZ007  (see below)
        except ValueError:
            return UNREAD
        if at.tzinfo is not None and len(text) > 19 and text[10] == "T" and (text[-1] == "Z" or text[-6] in "+-"):
            return text  # As every reader of times reads it.
        return written(at, here)

    return read


def _epoch(unit: float) -> Reader:
    def read(value: Any) -> Any:
        try:
            at = float(value) if isinstance(value, str | float) else int(value)
            return format_time(int(at * unit))
        except (TypeError, ValueError, OverflowError):
            return UNREAD

    return read


def _of_excel(zone: Zone) -> Reader:
    """Days since 30 December 1899, in the zone."""

    def read(value: Any) -> Any:
        try:
            days = float(value)
            at = _EPOCH + timedelta(seconds=round((days - _FIRST_DAY_OF_EXCEL) * 86_400))
        except (TypeError, ValueError, OverflowError):
            return UNREAD
        return written(at.replace(tzinfo=None), zone)

    return read


def written(at: datetime, zone: Zone) -> str:
    """ISO 8601 in UTC; without an offset it is a time of the zone. An hour that there is twice is the first of the two,
    one that there is not is counted on from the hour before."""
    since = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - _EPOCH
    us = (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds
    if at.tzinfo is None and zone.name != "UTC":
        before = zone.span(us - DAY_US)[0]
        after = zone.span(us - before)[0]
        us -= next((one for one in (before, after) if zone.span(us - one)[0] == one), before)
    return format_time(us)
