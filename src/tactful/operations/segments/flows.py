"""Flows: who came into a segment and who left it, over time, and how large it was.

From the tallies of the trail (events/mentions.py), which count by the hour: a border between two days lies at the hour
in which midnight falls. How large a segment was is what it is now, less what came since and more what left; so the
curve ends at the number that the page shows. Pure.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from tactful.events.mentions import Tally
from tactful.values import HOUR_US

SPANS = {"day": (24, 0), "week": (7, 1), "month": (30, 1), "half": (26, 7), "year": (52, 7)}
"""How many buckets, and how many days each has; 0 is an hour."""


class Bucket(Struct, frozen=True):
    """One stretch of time."""

    from_us: int
    until_us: int
    entered: int
    left: int
    size: int
    """At its end."""


class Flow(Struct, frozen=True):
    buckets: tuple[Bucket, ...]
    entered: dict[str, int]
    """By cause, the most frequent first."""
    left: dict[str, int]


def borders(span: str, now_us: int, zone: ZoneInfo) -> list[int]:
    """Instants between the buckets of a span, ascending; the last one is not before `now_us`."""
    number, days = SPANS[span]
    hour = now_us // HOUR_US + 1
    if not days:
        return [(hour - back) * HOUR_US for back in range(number, -1, -1)]
    today = datetime.fromtimestamp(now_us // 1_000_000, zone).replace(hour=0, minute=0, second=0)
    first = today - timedelta(days=number * days - 1)
    starts = [first + timedelta(days=days * n) for n in range(number)]  # By the calendar: a day may have 23 hours.
    return [*(int(one.timestamp()) * 1_000_000 for one in starts), hour * HOUR_US]


def flow(tallies: Iterable[Tally], members: int, edges: Sequence[int]) -> Flow:
    """Of one segment; `members` are in it now."""
    causes: dict[str, Counter[str]] = {"entered": Counter(), "left": Counter()}
    counts = [Counter[str]() for _ in edges]
    for one in tallies:
        place = bisect_right(edges, one.hour * HOUR_US) - 1
        if one.what in causes and 0 <= place < len(edges) - 1:
            counts[place][one.what] += one.number
            causes[one.what][one.name] += one.number
    buckets: list[Bucket] = []
    size = members
    for place in range(len(edges) - 2, -1, -1):
        entered, left = counts[place]["entered"], counts[place]["left"]
        buckets.append(Bucket(edges[place], edges[place + 1], entered, left, max(0, size)))
        size += left - entered
    by_cause = {what: dict(counted.most_common()) for what, counted in causes.items()}
    return Flow(tuple(reversed(buckets)), by_cause["entered"], by_cause["left"])
