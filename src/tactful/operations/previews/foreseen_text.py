"""Foresight as lines for a terminal."""

from collections.abc import Iterator, Sequence

from tactful.operations.durations import lasting
from tactful.operations.previews.foreseeing import Foresight, JourneyForeseen, SeedForeseen, SegmentForeseen
from tactful.values import format_time

HOW = {"new": "new", "changed": "means something else", "removed": "goes"}


def lines(found: Foresight) -> Iterator[str]:
    """Nothing where nobody is known, or nothing is touched."""
    if not found.everybody:
        return
    for segment in found.segments:
        yield _segment(segment)
    for journey in found.journeys:
        yield _journey(journey, found.days)
    if sending := [one for one in found.journeys if one.sends and one.how != "removed"]:
        yield f"whom that would have messaged: {_backtest(sending[0], found.since_us)}{_others(len(sending) - 1)}"
    if any(one.entering or one.leaving for one in found.segments):
        others = "other " if any(one.at_once for one in found.journeys) else ""
        yield f"nobody is messaged for the past: to come or go by a publish begins no {others}journey"
    if found.seed is not None:
        yield seeding(found.seed)


def _segment(one: SegmentForeseen) -> str:
    said = f"segment {one.name} {HOW[one.how]}: {one.before:,} people now, {one.after:,} then"
    if one.entering:
        said += f"; {one.entering:,} enter{_some(one.come, one.entering)}"
    if one.leaving:
        said += f"; {one.leaving:,} leave{_some(one.go, one.leaving)}"
    return said


def _journey(one: JourneyForeseen, days: int) -> str:
    how = {"new": "is new", "removed": "goes", "changed": "changes", "touched": "is touched"}[one.how]
    by = "" if one.why == ("its file",) else f" (by {', '.join(one.why)})"
    said = f"journey {one.name} {how}{by}: {one.inside:,} on their way through it"
    if one.begins is None:
        return said
    if one.at_once:
        said += f"; by this publish it begins for {one.at_once:,} (on_publish: start)"
    if one.is_audience:
        return f"{said}; the next time it would be for {one.begins:,}{_some(one.sample, one.begins)}"
    return f"{said}; in the last {days} days it would have begun for {one.begins:,}{_some(one.sample, one.begins)}"


def _backtest(one: JourneyForeseen, since_us: int) -> str:
    against = "" if one.how == "new" else " --against published"
    return f"tactful backtest journeys/{one.name}.yaml --from {format_time(since_us)[:10]}{against}"


def _others(many: int) -> str:
    return f" (likewise {many} more)" if many else ""


def seeding(one: SeedForeseen) -> str:
    """How much is read, and how long it takes."""
    what = "1 aggregate is" if one.aggregates == 1 else f"{one.aggregates:,} aggregates are"
    return f"{what} counted for the first time: {one.events:,} events are read for it, {lasting(one.seconds)}"


def _some(keys: Sequence[str], many: int) -> str:
    if not keys:
        return ""
    return f" ({', '.join(keys)}{', ...' if many > len(keys) else ''})"
