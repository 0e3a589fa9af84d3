"""TZif: a time zone's file, taken apart (RFC 9636). Seconds here, as in the file.

zoneinfo does not tell when a zone changes its offset, which is what the next change of a condition needs.
"""

import re
from datetime import date
from struct import unpack_from
from typing import NamedTuple

EPOCH_DAY = date(1970, 1, 1).toordinal()
_HEADER = 44
_NAME = r"(?:[A-Za-z]+|<[A-Za-z0-9+-]+>)"
_TIME = r"[+-]?[0-9]+(?::[0-9]+){0,2}"
_FOOTER = re.compile(
    rf"{_NAME}(?P<std>{_TIME})(?:{_NAME}(?P<dst>{_TIME})?,(?P<begin>[^,/]+)(?:/(?P<begin_at>{_TIME}))?"
    rf",(?P<end>[^,/]+)(?:/(?P<end_at>{_TIME}))?)?"
)


class Rule(NamedTuple):
    """The footer: two offsets that take turns every year, for ever."""

    std: int
    dst: int
    begin: tuple[str, int]
    """When dst begins: a day of the year, and seconds into it by the clock on the wall."""
    end: tuple[str, int]

    def changes(self, year: int) -> list[tuple[int, int]]:
        """(instant, offset from then on), ascending."""
        begins = day_of(self.begin[0], year) * 86_400 + self.begin[1] - self.std
        ends = day_of(self.end[0], year) * 86_400 + self.end[1] - self.dst
        return sorted([(begins, self.dst), (ends, self.std)])


class Listed(NamedTuple):
    starts: list[int]
    """Instants at which the offset changes; only those at which it does."""
    offsets: list[int]
    """One more than starts: the first holds before all of them."""
    rule: Rule | None = None
    """None: the last offset stays."""
    ruled_from: int | None = None
    """The rule holds from here on; None: always."""


def parse(body: bytes) -> Listed:
    """The second part of a version 2+ file, where times have 64 bits."""
    assert body[:4] == b"TZif"
    assert body[4:5] >= b"2"
    start = _HEADER + _length_of_first(body)
    isut, isstd, leaps, times, types, names = unpack_from(">6l", body, start + 20)
    at = start + _HEADER
    starts = unpack_from(f">{times}q", body, at)
    kinds = unpack_from(f">{times}B", body, at + 8 * times)
    at += 9 * times
    infos = [unpack_from(">lbb", body, at + 6 * index) for index in range(types)]
    at += 6 * types + names + 12 * leaps + isstd + isut
    footer = body[at:].decode("ascii").strip("\n")
    before = next((offset for offset, is_dst, _ in infos if not is_dst), infos[0][0])
    return _without_idle(list(starts), [before, *(infos[kind][0] for kind in kinds)], footer)


def _length_of_first(body: bytes) -> int:
    """Of the part of version 1, where times have 32 bits."""
    isut, isstd, leaps, times, types, names = unpack_from(">6l", body, 20)
    return int(5 * times + 6 * types + names + 8 * leaps + isstd + isut)


def _without_idle(starts: list[int], offsets: list[int], footer: str) -> Listed:
    """A change of the name alone is none."""
    rule = parse_footer(footer) if footer else None
    if isinstance(rule, int):
        offsets[-1] = rule
        rule = None
    kept = [index for index in range(len(starts)) if offsets[index] != offsets[index + 1]]
    return Listed(
        [starts[index] for index in kept],
        [offsets[0], *(offsets[index + 1] for index in kept)],
        rule,
        starts[-1] if starts else None,
    )


def parse_footer(text: str) -> Rule | int:
    """An offset, or two with their rule: "CET-1CEST,M3.5.0,M10.5.0/3". Signs are the other way round there."""
    match = _FOOTER.fullmatch(text)
    assert match, text
    std = -_seconds(match["std"])
    if match["begin"] is None:
        return std
    dst = -_seconds(match["dst"]) if match["dst"] else std + 3600
    begin = match["begin"], _seconds(match["begin_at"] or "2")
    end = match["end"], _seconds(match["end_at"] or "2")
    return Rule(std, dst, begin, end)


def _seconds(text: str) -> int:
    hours, minutes, seconds = (*map(int, text.lstrip("+-").split(":")), 0, 0)[:3]
    total = hours * 3600 + minutes * 60 + seconds
    return -total if text.startswith("-") else total


def day_of(text: str, year: int) -> int:
    """Days since 1970 of "M<month>.<week>.<weekday>" (week 5: the last, weekday 0: Sunday), "J<day>" (1..365, never the
    29th of February), or "<day>" (0..365)."""
    if text.startswith("M"):
        month, week, weekday = map(int, text[1:].split("."))
        first = first_of(year, month)
        day = first + (weekday - (first + 4)) % 7 + 7 * (week - 1)
        return day if day < first_of(year, month + 1) else day - 7
    first = first_of(year, 1)
    if text.startswith("J"):
        day = int(text[1:])
        is_leap = first_of(year + 1, 1) - first == 366
        return first + day - (0 if is_leap and day >= 60 else 1)
    return first + int(text)


def first_of(year: int, month: int) -> int:
    """Days since 1970 of the first day of a month; month 13 is January of the next year. Any year: the calendar repeats
    itself after 400 years, which are 146,097 days."""
    year, month = (year + 1, 1) if month == 13 else (year, month)
    cycles, year_of_cycle = divmod(year - 2000, 400)
    return cycles * 146_097 + date(2000 + year_of_cycle, month, 1).toordinal() - EPOCH_DAY
