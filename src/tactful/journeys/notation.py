"""The small notations of a journey's file: shares, limits, times of day, days of the week, schedules. Pure.

Each reads one text, and raises a Mistake that says what is wrong where in it.
"""

import re

from tactful.journeys.program import SHARES, Schedule
from tactful.language.calls import duration_hint
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.values import DAY_US, parse_duration

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"weekdays": frozenset(range(1, 6)), "weekends": frozenset((6, 7))}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%")
_WEIGHT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?\s*%?")
_LIMIT = re.compile(r"([1-9][0-9]{0,2})\s+per\s+(\S+)")
_SCHEDULE = re.compile(r"\s*(?P<days>\S.*?)(?:\s+at)?\s+(?P<time>\S+)\s*", re.IGNORECASE)
_MONTHLY = re.compile(r"monthly\s+on\s+(?:the\s+)?([0-9]{1,2})(?:st|nd|rd|th)?", re.IGNORECASE)
_DAY = re.compile(r"[^\s,]+")
_SCHEDULE_HINT = 'write daily at 09:00, "monday, friday at 09:00" or monthly on the 1 at 09:00'
LONGEST_LIMIT_US = 366 * DAY_US


def share(text: str) -> int | None:
    """`10%`, `2.5%`, of SHARES; None where it is none."""
    match = _SHARE.fullmatch(text.strip())
    if match is None or float(match[1]) > 100:
        return None
    return round(float(match[1]) * SHARES / 100)


def weight(text: str) -> int:
    """`50`, `33.3`, `50%`: in hundredths."""
    match = _WEIGHT.fullmatch(text.strip())
    if match is None:
        raise Mistake(0, f'"{text}" is no share', "write a number: split: {calm: 50, bold: 50}")
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def limit(text: str) -> tuple[int, int]:
    """`1 per 24h`: so many, and in how long (microseconds)."""
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise Mistake(0, f'"{text}" is no limit', "write a number and a duration: 1 per 24h")
    per_us = parse_duration(match[2])
    if per_us is None:
        raise Mistake(
            0, f'"{text}" is no limit', f"write a number and a duration: 1 per 24h; {duration_hint(match[2])}"
        )
    if per_us > LONGEST_LIMIT_US:
        raise Mistake(0, f'"{match[2]}" is longer than 366 days', "write a shorter one")
    return int(match[1]), per_us


def minute_of_day(text: str, at: int = 0) -> int:
    """`09:00`."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise Mistake(at, f'"{text.strip()}" is no time of a day', "write 00:00 to 23:59, for example 09:00")
    return int(match[1]) * 60 + int(match[2])


def weekdays(text: str, at: int = 0) -> frozenset[int]:
    """`monday`, `mondays`, `weekdays`, `weekends`: Monday is 1, Sunday 7."""
    word = text.strip().lower()
    if word in _GROUPS:
        return _GROUPS[word]
    if word.removesuffix("s") in WEEKDAYS:
        return frozenset((WEEKDAYS.index(word.removesuffix("s")) + 1,))
    meant = did_you_mean(word, (*WEEKDAYS, *_GROUPS)) or f"days are {', '.join(WEEKDAYS)}, weekdays, weekends"
    raise Mistake(at, f'"{text.strip()}" is no day of the week', meant)


def schedule(text: str) -> Schedule:
    """`daily at 09:00`, `weekdays 08:30`, `monday, friday at 10:00`, `monthly on the 1 at 09:00`."""
    match = _SCHEDULE.fullmatch(text)
    if match is None:
        is_time = _TIME.fullmatch(text.strip()) is not None
        message = "a schedule says on which days" if is_time else f'"{text.strip()}" is no schedule'
        raise Mistake(0, message, f"write daily at {text.strip()}" if is_time else _SCHEDULE_HINT)
    days = match["days"]
    if not any(char.isdigit() for char in match["time"]):
        raise Mistake(match.start("time"), "a schedule ends with a time of day", _SCHEDULE_HINT)
    minute = minute_of_day(match["time"], match.start("time"))
    if days.lower() == "daily":
        return Schedule(minute)
    monthly = _MONTHLY.fullmatch(days)
    if monthly is not None:
        if not 1 <= int(monthly[1]) <= 31:
            raise Mistake(match.start("days") + monthly.start(1), "a month has the days 1 to 31", "write one of them")
        return Schedule(minute, day=int(monthly[1]))
    if days.lower().startswith("monthly"):
        raise Mistake(match.start("days"), "monthly on which day?", "write monthly on the 1 at 09:00")
    found: frozenset[int] = frozenset()
    for word in _DAY.finditer(days):
        if word[0].lower() != "and":
            found |= weekdays(word[0], match.start("days") + word.start())
    return Schedule(minute, found)
