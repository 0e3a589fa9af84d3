"""Wording: how times, numbers and values look on a page. Times are shown in the workspace's zone, and say so."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tactful.operations.durations import lasting
from tactful.operations.people import explain, telling_runs
from tactful.operations.stories import StoryLine
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_time, parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 64
_ISO = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_KINDS = {"u": "user", "x": "external id", "e": "e-mail", "p": "phone", "a": "anonymous", "d": "device"}
_TONES = {
    "sent": "good",
    "claimed": "busy",
    "waiting": "busy",
    "held": "warn",
    "rejected": "warn",
    "refused": "still",
    "lapsed": "still",
    "dropped": "still",
}


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""In a User-Agent, the first that stands in it: most browsers name those that they descend from."""


def filters(zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    """For templates."""
    return {
        "clock": lambda at_us: local(at_us, zone).strftime("%H:%M:%S"),
        "clock_or_day": lambda at_us, newest_us: clock_or_day(local(at_us, zone), local(newest_us, zone)),
        "moment": lambda at_us: moment(local(at_us, zone)),
        "iso": format_time,
        "date": lambda at_us: date_of(at_us, zone),
        "local_times": lambda text: local_times(text, zone),
        "day": day,
        "number": lambda number: f"{number:,}",
        "lasting": lasting,
        "short": short,
        "value": explain.value,
        "permission": explain.permission,
        "in_words": telling_runs.in_words,
        "held_out": lambda arm: telling_runs.HELD_OUT.get(arm, ""),
        "properties": properties,
        "kind_of": lambda key: _KINDS.get(key.partition(":")[0], ""),
        "bare": lambda key: key.partition(":")[2] or key,
        "path": path,
        "counted": lambda number, one, many: f"{number:,} {one if number == 1 else many}",
        "share": lambda part, whole: f"{100 * part / whole:.2g} %" if whole else "none",
        "size": size,
        "span": span,
        "browser": browser,
        "tone": lambda status: _TONES.get(status, ""),
    }


def local(at_us: int, zone: ZoneInfo) -> datetime:
    """Times that no calendar has (a broken clock's) are shown at its edge."""
    try:
        return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)
    except (OverflowError, ValueError):
        return datetime(1, 1, 1, tzinfo=UTC) if at_us < 0 else datetime(9999, 12, 31, tzinfo=UTC)


def date_of(at_us: int, zone: ZoneInfo) -> str:
    """As a field for a day has it."""
    return f"{local(at_us, zone):%Y-%m-%d}"


def path(text: str) -> str:
    """As one part of an address."""
    return quote(text, safe=":@+")


def day(on: date) -> str:
    return f"{on:%A}, {on.day} {on:%B %Y}"


def moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M:%S}"


def clock_or_day(at: datetime, newest: datetime) -> str:
    """The time, or the day where it is another one than at the top of the list."""
    return f"{at:%H:%M:%S}" if at.date() == newest.date() else f"{at.day} {at:%b %H:%M}"


def local_times(text: str, zone: ZoneInfo) -> str:
    """Times that stand in a reason (ISO 8601 with Z) as the page shows all the others."""
    return _ISO.sub(lambda match: moment(local(parse_time(match[0]) or 0, zone)), text)


def by_day(lines: Iterable[StoryLine], zone: ZoneInfo) -> list[tuple[date, list[StoryLine]]]:
    """Steps under the day on which they happened; a late event opens its own day again, in the order of decisions."""
    return [(on, list(each)) for on, each in groupby(lines, key=lambda line: local(line.at, zone).date())]


def size(number: int) -> str:
    """Bytes as they are read: 24.2 MB; powers of ten, as disks are sold."""
    value = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def span(duration_us: int) -> str:
    """A length of time in its two largest units: 3 d 4 h, 12 s, 40 ms."""
    if duration_us < SECOND_US:
        return f"{duration_us // 1000} ms" if duration_us >= 1000 else "0 s"
    units = (("d", DAY_US), ("h", HOUR_US), ("min", MINUTE_US), ("s", SECOND_US))
    first = next(number for number, (_, unit_us) in enumerate(units) if duration_us >= unit_us)
    words = [f"{duration_us // units[first][1]} {units[first][0]}"]
    if first + 1 < len(units) and (rest := duration_us % units[first][1] // units[first + 1][1]):
        words.append(f"{rest} {units[first + 1][0]}")
    return " ".join(words)


def browser(agent: str) -> str:
    """A User-Agent in two words, for people to know their own: "Firefox on Linux"; of a program what it says."""
    name = next((words for mark, words in _BROWSERS if mark in agent), "")
    system = next((words for mark, words in _SYSTEMS if mark in agent), "")
    if not name:
        return short(agent) if agent else "unknown"
    return f"{name} on {system}" if system else name


def short(value: Any) -> str:
    """One line of any JSON value."""
    text = explain.plain(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def properties(values: dict[str, Any], most: int = 4) -> list[tuple[str, str]]:
    """What tells an event apart at a glance: plain values first, lists and objects by their size, our own ids last."""
    values = dict(sorted(values.items(), key=lambda item: item[0] == "intent"))
    plain = [(name, short(value)) for name, value in values.items() if isinstance(value, str | int | float | bool)]
    nested = [(name, _size(value)) for name, value in values.items() if isinstance(value, list | dict)]
    return (plain + nested)[:most]


def _size(value: list[Any] | dict[str, Any]) -> str:
    return f"{len(value)} {'item' if len(value) == 1 else 'items'}" if isinstance(value, list) else "{…}"
