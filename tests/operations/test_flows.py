"""Flows: buckets of a calendar, and a curve that ends at what is so now."""

import itertools
from zoneinfo import ZoneInfo

import pytest

from tactful.events.mentions import Tally
from tactful.operations.segments.flows import SPANS, borders, flow
from tactful.values import DAY_US, HOUR_US, parse_time

OSLO = ZoneInfo("Europe/Oslo")
NOW = parse_time("2025-03-31T10:20:00Z") or 0


@pytest.mark.parametrize("span", SPANS)
def test_a_span_ends_with_the_present_hour(span: str) -> None:
    edges = borders(span, NOW, OSLO)
    assert edges == sorted(set(edges))
    assert len(edges) == SPANS[span][0] + 1
    assert NOW < edges[-1] <= NOW + HOUR_US


def test_days_are_those_of_the_calendar() -> None:
    """On 30 March 2025 clocks were put forward in Oslo."""
    edges = borders("week", NOW, OSLO)
    lengths = [(after - before) // HOUR_US for before, after in itertools.pairwise(edges)]
    assert lengths == [24, 24, 24, 24, 24, 23, 13]
    assert edges[-2] == parse_time("2025-03-30T22:00:00Z")


def test_the_curve_ends_at_what_is_so_now() -> None:
    edges = [0, DAY_US, 2 * DAY_US, 3 * DAY_US]
    hour = DAY_US // HOUR_US

    def tally(at: int, what: str, cause: str, number: int) -> Tally:
        return Tally(at, "segment/x", what, cause, "", number)

    counted = [
        tally(-1, "entered", "event", 100),
        tally(0, "entered", "event", 5),
        tally(hour - 1, "left", "time", 1),
        tally(hour, "entered", "merge", 2),
        tally(3 * hour - 1, "left", "time", 3),
        tally(3 * hour, "left", "time", 50),
        tally(hour, "wait", "", 9),
    ]
    found = flow(counted, 40, edges)
    assert [(one.entered, one.left, one.size) for one in found.buckets] == [(5, 1, 41), (2, 0, 43), (0, 3, 40)]
    assert (found.entered, found.left) == ({"event": 5, "merge": 2}, {"time": 4})
    assert [(one.from_us, one.until_us) for one in found.buckets] == list(itertools.pairwise(edges))
