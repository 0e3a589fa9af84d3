"""Sending: the workspace's rules for everything that leaves (`[sending]` in tactful.toml), as the plan carries them.

A cap counts what was claimed for a person or an address: per calendar day of the person's zone, or in a window. Quiet
hours are local minutes, the end not included; they may go over midnight. Webhooks go to machines: they have the rules
that `[sending.channels.webhook]` gives them and no others. Pure.
"""

import re

import msgspec
from msgspec import Struct

from tactful.events.zones import Zone, local_date, next_midnight, offset_us
from tactful.journeys.notation import share
from tactful.values import DAY_US, MINUTE_US, format_duration, parse_duration

_CAP = re.compile(r"([1-9][0-9]{0,3})\s+per\s+(\S+)")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01][0-9]|2[0-3]):([0-5][0-9])")


class Cap(Struct, frozen=True):
    times: int
    per_us: int
    """0: the calendar day of the person's zone."""

    def text(self, channel: str = "") -> str:
        """In words: `cap: 2 sms per day`; "" is all channels."""
        window = format_duration(self.per_us) if self.per_us else "day"
        return f"cap: {self.times}{f' {channel}' if channel else ''} per {window}"

    def since(self, zone: Zone, at: int) -> int:
        """The first instant that still counts at `at`."""
        return midnight(zone, at) if not self.per_us else at - self.per_us + 1


class ChannelRules(Struct, frozen=True):
    caps: tuple[Cap, ...] = ()
    quiet: tuple[int, int] | None = None
    """Minutes of the day: from, and until."""


class Rules(Struct, frozen=True):
    holdout: int = 0
    """Of SHARES."""
    all: ChannelRules = ChannelRules()
    """`caps` over all channels together; `quiet` of channels that say nothing."""
    channels: dict[str, ChannelRules] = {}
    track_purpose: str = ""
    """What a person must permit before the links and the pixel of their mails are tracked; "": everybody's are."""

    def caps(self, channel: str) -> list[tuple[str, Cap]]:
        """Those that a message must keep, the channel's own first; "" is all channels together."""
        own = [(channel, cap) for cap in self.channels.get(channel, NONE).caps]
        return own if channel == "webhook" else [*own, *(("", cap) for cap in self.all.caps)]

    def quiet(self, channel: str) -> tuple[int, int] | None:
        everywhere = NONE if channel == "webhook" else self.all
        return self.channels.get(channel, everywhere).quiet


NONE = ChannelRules()
DEFAULT = Rules()


class _Channel(Struct):
    cap: list[str] = []
    quiet: str | None = None


class _Section(Struct):
    """`[sending]` as the plan carries it."""

    holdout: str = ""
    cap: list[str] = []
    quiet: str = ""
    channels: dict[str, _Channel] = {}
    track_purpose: str = ""


def read(text: str) -> Rules:
    """The rules of a section as JSON; it was checked when it was read (runtime/settings.py)."""
    if not text:
        return DEFAULT
    section = msgspec.json.decode(text, type=_Section)
    everywhere = quiet(section.quiet)
    return Rules(
        holdout=share(section.holdout) or 0,
        all=ChannelRules(_caps(section.cap), everywhere),
        channels={
            name: ChannelRules(_caps(one.cap), _quiet(name, one, everywhere)) for name, one in section.channels.items()
        },
        track_purpose=section.track_purpose,
    )


def _quiet(name: str, one: _Channel, everywhere: tuple[int, int] | None) -> tuple[int, int] | None:
    if one.quiet is None:
        return None if name == "webhook" else everywhere
    return quiet(one.quiet)


def _caps(texts: list[str]) -> tuple[Cap, ...]:
    return tuple(found for text in texts if (found := cap(text)) is not None)


def cap(text: str) -> Cap | None:
    """`3 per day`, `8 per 7d`."""
    match = _CAP.fullmatch(text.strip())
    if match is None:
        return None
    if match[2] == "day":
        return Cap(int(match[1]), 0)
    per_us = parse_duration(match[2])
    return Cap(int(match[1]), per_us) if per_us is not None else None


def quiet(text: str) -> tuple[int, int] | None:
    """`21:00-08:00`."""
    match = _QUIET.fullmatch(text.strip())
    if match is None:
        return None
    return int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])


# ---- by the clock of a person ----------------------------------------------------------------------------------------


def midnight(zone: Zone, at: int) -> int:
    """The instant at which the local date of `at` began: where the clock skips midnight, when it has skipped; of a date
    that it shows twice, the first."""
    day, begun = local_date(zone, at), at - 2 * DAY_US
    while local_date(zone, begun) != day:
        begun = next_midnight(zone, begun)
    return begun


def quiet_until(hours: tuple[int, int], zone: Zone, at: int) -> int | None:
    """The first instant after `at` at which the person's clock shows no quiet time; None where it shows none now."""
    _, end = hours
    while _is_quiet(hours, at + offset_us(zone, at)):
        offset, change = zone.span(at)
        local = at + offset
        ends = local - local % DAY_US + end * MINUTE_US
        ends += DAY_US if ends <= local else 0
        if change is None or ends - offset < change:
            return ends - offset
        at = change
        if not _is_quiet(hours, at + offset_us(zone, at)):
            return at
    return None


def _is_quiet(hours: tuple[int, int], local: int) -> bool:
    begin, end = hours
    minute = local % DAY_US // MINUTE_US
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def clock_time(zone: Zone, at: int) -> str:
    """What the person's clock shows: `08:00`."""
    minute = (at + offset_us(zone, at)) % DAY_US // MINUTE_US
    return f"{minute // 60:02}:{minute % 60:02}"
