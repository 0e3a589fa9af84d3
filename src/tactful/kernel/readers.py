"""What of a plan reads an event, or is to be looked at when something of a person changed; the rest costs nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from tactful.events.tracking import EventRule
from tactful.journeys.program import EventMatch, WaitFor
from tactful.journeys.rules import JourneyRule
from tactful.kernel.view import Around, PersonView
from tactful.language.compiled import EventTest, EventValue, Fold, Reader
from tactful.language.reader import compile_reader
from tactful.language.tree import Clock, Node, Now, everything
from tactful.segments.membership import SegmentRule

ANY_EVENT = "*"
SPOKEN_BY_ANY = ("track", "page", "screen")
"""Kinds of events that "*" means."""

Rules = dict[int, SegmentRule]
"""Segments by number."""


# ---- of an event -----------------------------------------------------------------------------------------------------


class EventReader(NamedTuple):
    """Everything of the plan that reads one event name; the rest of the plan costs the event nothing."""

    read: Reader | None
    starts: tuple[JourneyRule, ...]
    stops: frozenset[str]
    """Journeys whose waiting runs the event may end."""
    needs_properties: bool
    needs_context: bool
    rule: EventRule | None = None
    """What events/ says of it."""
    names: frozenset[str] = frozenset()
    """What it is called: by its name, and "*" where that means it."""
    pursued: frozenset[str] = frozenset()
    """Journeys of whose goal it may be."""
    awaited: frozenset[str] = frozenset()
    """Journeys in which a run may wait for it."""
    follows: bool = False
    """Whether it may concern runs; what those ask of it is read only where there are any (kernel/following.py)."""


def event_reader(
    kind: str, name: str, folds: Mapping[str, Sequence[Fold]], rules: Sequence[JourneyRule], rule: EventRule | None
) -> EventReader:
    """`rules` are all that runs go by, earlier editions too."""
    names = (name, ANY_EVENT) if kind in SPOKEN_BY_ANY else (name,)
    found = list({fold.number: fold for each in names for fold in folds.get(each, ())}.values())
    read = compile_reader(names, found) if found else None
    starting = [one for one in rules if not one.events.isdisjoint(names)]
    starts = tuple(sorted(starting, key=lambda one: (-one.priority, one.name)))
    asked: list[EventTest | EventValue | None] = [test for one in starts for test in (one.where, one.key)]
    tests = [one for one in asked if one is not None]
    stops, pursued, awaited = (_meant(rules, matches, names) for matches in (_exits, _goals, _waits))
    return EventReader(
        read=read,
        starts=starts,
        stops=stops,
        needs_properties=bool(tests) or (read is not None and read.needs_properties),
        needs_context=any(test.reads_context for test in tests) or (read is not None and read.needs_context),
        rule=rule,
        names=frozenset(names),
        pursued=pursued,
        awaited=awaited,
        follows=bool(stops or pursued or awaited),
    )


def _meant(
    rules: Sequence[JourneyRule], matches: Callable[[JourneyRule], Iterable[EventMatch]], names: Iterable[str]
) -> frozenset[str]:
    """Journeys of which some edition means the event."""
    return frozenset(one.name for one in rules if any(not match.events.isdisjoint(names) for match in matches(one)))


def _exits(rule: JourneyRule) -> Iterable[EventMatch]:
    return (one.match for one in rule.exits if one.match is not None)


def _goals(rule: JourneyRule) -> Iterable[EventMatch]:
    return (rule.goal.match,) if rule.goal is not None else ()


def _waits(rule: JourneyRule) -> Iterable[EventMatch]:
    return (one.match for one in rule.program if isinstance(one, WaitFor) and one.match is not None)


# ---- of a change -----------------------------------------------------------------------------------------------------


class Readers(Struct, frozen=True):
    """The segments to look at when something changed: by what changed."""

    aggregate: dict[int, Rules]
    trait: dict[str, Rules]
    score: dict[str, Rules]
    threshold: dict[str, Rules]
    purpose: dict[str, Rules]
    zone: Rules
    nothing: Rules
    """Those that somebody of whom nothing is known may be in."""


def no_readers() -> Readers:
    return Readers({}, {}, {}, {}, {}, {}, {})


def segment_readers(segments: Iterable[SegmentRule], trees: Mapping[str, Node], around: Around) -> Readers:
    """`trees` are the segments' conditions by name."""
    found = no_readers()
    nobody = PersonView({}, {}, around)
    for rule in segments:
        reads = rule.condition.reads
        for by_name, names in (
            (found.trait, reads.traits),
            (found.score, reads.scores),
            (found.threshold, reads.thresholds),
            (found.purpose, reads.purposes),
        ):
            for name in sorted(names):
                by_name.setdefault(name, {})[rule.number] = rule
        for fold in rule.condition.folds:
            found.aggregate.setdefault(fold.number, {})[rule.number] = rule
        if reads.zone:
            found.zone[rule.number] = rule
        has_clock = any(isinstance(node, Now | Clock) for node in everything(trees[rule.name]))
        if has_clock or reads.thresholds or rule.condition.holds(nobody, 0):
            found.nothing[rule.number] = rule
    return found
