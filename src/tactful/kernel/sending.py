"""Sending: the workspace's rules for everything that leaves (`[sending]` in tactful.toml), as the plan carries them.

A cap counts what was claimed for a person or an address: per calendar day of the person's zone, or in a window. Quiet
hours are local minutes, the end not included; they may go over midnight. Pure.
"""

import re

import msgspec
from msgspec import Struct

from tactful.journeys.program import SHARES
from tactful.values import parse_duration

CHANNELS = ("email", "sms", "push", "web_push", "chat", "webhook")
_CAP = re.compile(r"([1-9][0-9]{0,3})\s+per\s+(\S+)")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01][0-9]|2[0-3]):([0-5][0-9])")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%")


class Cap(Struct, frozen=True):
    times: int
    per_us: int
    """0: the calendar day of the person's zone."""


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
            name: ChannelRules(_caps(one.cap), everywhere if one.quiet is None else quiet(one.quiet))
            for name, one in section.channels.items()
        },
    )


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


def share(text: str) -> int | None:
    """`10%`, `2.5%`, of SHARES."""
    match = _SHARE.fullmatch(text.strip())
    if match is None or float(match[1]) > 100:
        return None
    return round(float(match[1]) * SHARES / 100)
