"""`[thresholds]`: when what `percentile()` compares with is worked out anew (docs/seeding.md). Pure."""

import re

from msgspec import Struct

from tactful.values import DAY_US, MINUTE_US, parse_duration

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class ThresholdSettings(Struct, frozen=True, forbid_unknown_fields=True):
    at: str = "03:00"
    """Each day at this hour of the workspace's zone; "": never by itself."""
    every: str = ""
    """Instead: so long after the last time."""


def threshold_problem(thresholds: ThresholdSettings) -> tuple[str, str] | None:
    """What the types cannot say."""
    if thresholds.at and not _CLOCK.fullmatch(thresholds.at):
        return f"thresholds.at: {thresholds.at!r} is no time of day", 'for instance "03:00"; "" for never'
    if thresholds.every:
        every_us = parse_duration(thresholds.every)
        if every_us is None or not MINUTE_US <= every_us <= 365 * DAY_US:
            return f"thresholds.every: {thresholds.every!r} is no duration from a minute to a year", 'for instance "6h"'
    return None
