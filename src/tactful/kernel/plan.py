"""The plan: all definitions of a project, numbered and compiled for step().

Numbers are given in the order of publication and never again to something else, so every partition, reading the same
plans in the same order, gives the same ones. An aggregate that the plan before did not have is exact only once its
window has passed since (at once in an empty partition); what reads it is warming until then. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from tactful.aggregates.newest import AggregateSpec
from tactful.events.records import Plan
from tactful.journeys.definition import Journey
from tactful.journeys.rules import JourneyRule
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.state import PlanState
from tactful.language.compile import compile_condition, compile_test
from tactful.language.compiled import Condition, EventTest
from tactful.messages.definition import Message
from tactful.segments.membership import SegmentRule

NEVER = 2**62
ANY_EVENT = "*"
SPOKEN_BY_ANY = ("track", "page", "screen")


class Fold(NamedTuple):
    """One aggregate that reads an event, and the segments to look at when it took it in. A tuple, since every event
    takes a handful of them apart."""

    number: int
    keep: int
    window_us: int | None
    test: EventTest | None
    segments: dict[int, SegmentRule]


class Reader(Struct, frozen=True):
    """Everything of the plan that reads one event name; the rest of the plan costs the event nothing."""

    folds: tuple[Fold, ...]
    starts: tuple[JourneyRule, ...]
    stops: frozenset[str]
    """Journeys whose waiting runs the event ends."""
    needs_properties: bool
    needs_context: bool


class CompiledPlan(Struct):
    """What step() runs on. `readers` fills as event names are met."""

    version: int
    published_at: int
    time_zone: str
    segments: tuple[SegmentRule, ...]
    by_aggregate: dict[int, dict[int, SegmentRule]]
    """Segments that read an aggregate; only these can flip by themselves in somebody who has it."""
    blank: dict[int, SegmentRule]
    """Segments that somebody of whom nothing is known is in."""
    windows: dict[int, int]
    """Per aggregate, how far back it is ever looked at; without those of all time."""
    trait_segments: dict[int, SegmentRule]
    numbers: frozenset[int]
    """Aggregates and segments in force."""
    journeys: dict[str, JourneyRule]
    started_by: dict[int, tuple[JourneyRule, ...]]
    messages: dict[str, Message]
    folds: dict[str, list[Fold]]
    reads_traits: bool
    readers: dict[tuple[str, str], Reader]

    def reader(self, kind: str, name: str) -> Reader:
        """What reads this event; the same object each time."""
        reader = self.readers.get((kind, name))
        if reader is None:
            reader = self.readers[(kind, name)] = self._reader(kind, name)
        return reader

    def moving(self, aggregates: Iterable[int]) -> Iterable[SegmentRule]:
        """The segments that time alone may flip in somebody with these aggregates."""
        found: dict[int, SegmentRule] = {}
        for number in aggregates:
            if number in self.by_aggregate:
                found.update(self.by_aggregate[number])
        return found.values()

    def _reader(self, kind: str, name: str) -> Reader:
        names = (name, ANY_EVENT) if kind in SPOKEN_BY_ANY else (name,)
        folds = tuple({fold.number: fold for each in names for fold in self.folds.get(each, ())}.values())
        starts = tuple(rule for rule in self.journeys.values() if not rule.events.isdisjoint(names))
        stops = frozenset(rule.name for rule in self.journeys.values() if not rule.unless.isdisjoint(names))
        tests = [fold.test for fold in folds if fold.test] + [rule.where for rule in starts if rule.where]
        return Reader(folds, starts, stops, bool(tests), any(test.reads_context for test in tests))


def empty_plan() -> CompiledPlan:
    """Before anything was published: events are kept, nothing is decided."""
    return CompiledPlan(0, 0, "UTC", (), {}, {}, {}, {}, frozenset(), {}, {}, {}, {}, False, {})


def adopt(before: PlanState | None, plan: Plan, now: int, *, is_empty: bool) -> tuple[PlanState, CompiledPlan]:
    """Put a plan in force at the instant `now`; `is_empty` says that the partition has seen no event yet."""
    definitions = read_project(plan.publish.files)
    numbers = dict(before.numbers) if before else {}
    known_ready = before.ready if before else {}
    ready: dict[int, int] = {}

    def number(spec: AggregateSpec) -> int:
        index = numbers.setdefault(spec.canonical(), len(numbers) + 1)
        if index not in ready:
            since = now if is_empty else (NEVER if spec.window_us is None else now + spec.window_us)
            ready[index] = known_ready.get(index, since)
        return index

    conditions = _conditions(definitions, number)
    for journey in definitions.journeys.values():
        if journey.unless:
            number(_unwelcome(journey))
    since: dict[str, tuple[str, int]] = {}
    for name, condition in conditions.items():
        if name.startswith("segment/"):
            numbers.setdefault(name, len(numbers) + 1)
        known = before.since.get(name) if before else None
        since[name] = known if known and known[0] == condition.text else (condition.text, now)
    state = PlanState(plan, numbers, since, ready, now)
    return state, _compile(state, definitions, conditions)


def compiled(state: PlanState) -> CompiledPlan:
    """The same plan again, from a state that was stored."""
    definitions = read_project(state.plan.publish.files)

    def number(spec: AggregateSpec) -> int:
        return state.numbers[spec.canonical()]

    conditions = _conditions(definitions, number)
    return _compile(state, definitions, conditions)


def _conditions(definitions: Definitions, number: Callable[[AggregateSpec], int]) -> dict[str, Condition]:
    """Every condition over a person in the project, as "segment/NAME" or "journey/NAME"."""
    segments = {
        f"segment/{segment.name}": compile_condition(segment.when, number) for segment in definitions.segments.values()
    }
    journeys = {
        f"journey/{journey.name}": compile_condition(journey.condition, number)
        for journey in definitions.journeys.values()
        if journey.condition is not None
    }
    return segments | journeys


def _unwelcome(journey: Journey) -> AggregateSpec:
    """The newest event that ends a run of the journey."""
    return AggregateSpec(tuple(sorted(set(journey.unless))), "", 1, None)


def next_ready(state: PlanState, now: int) -> int | None:
    """The next instant at which something of the plan stops warming."""
    return min((at for at in state.ready.values() if now < at < NEVER), default=None)


def _compile(state: PlanState, definitions: Definitions, conditions: Mapping[str, Condition]) -> CompiledPlan:
    def ready_at(name: str) -> int:
        exact = (state.ready[number] for number, _, _ in conditions[name].aggregates)
        return max(state.since[name][1], *exact, 0)

    unwelcome = {
        state.numbers[spec.canonical()]: spec
        for spec in (_unwelcome(journey) for journey in definitions.journeys.values() if journey.unless)
    }
    segments = tuple(
        SegmentRule(state.numbers[name], name.removeprefix("segment/"), condition, ready_at(name))
        for name, condition in conditions.items()
        if name.startswith("segment/")
    )
    journeys = {
        journey.name: _journey_rule(journey, definitions, state, conditions.get(f"journey/{journey.name}"), ready_at)
        for journey in definitions.journeys.values()
    }
    readers: dict[int, dict[int, SegmentRule]] = {}
    for segment in segments:
        for number, _, _ in segment.condition.aggregates:
            readers.setdefault(number, {})[segment.number] = segment
    started_by: dict[int, tuple[JourneyRule, ...]] = {}
    for rule in journeys.values():
        if rule.segment is not None:
            started_by[rule.segment] = (*started_by.get(rule.segment, ()), rule)
    return CompiledPlan(
        version=state.plan.version,
        published_at=state.published_at,
        time_zone=state.plan.publish.settings.get("time_zone", "UTC"),
        segments=segments,
        by_aggregate=readers,
        blank={rule.number: rule for rule in segments if rule.condition.holds({}, {}, 0)},
        windows={
            number: spec.window_us
            for condition in conditions.values()
            for number, spec, _ in condition.aggregates
            if spec.window_us is not None
        },
        trait_segments={rule.number: rule for rule in segments if rule.condition.traits},
        numbers=frozenset(state.ready) | {rule.number for rule in segments},
        journeys=journeys,
        started_by=started_by,
        messages=dict(definitions.messages),
        folds=_folds(readers, conditions, unwelcome),
        reads_traits=any(condition.traits for condition in conditions.values()),
        readers={},
    )


def _journey_rule(
    journey: Journey,
    definitions: Definitions,
    state: PlanState,
    condition: Condition | None,
    ready_at: Callable[[str], int],
) -> JourneyRule:
    start, send = journey.start, journey.send
    is_email = send.channel == "email"
    return JourneyRule(
        name=journey.name,
        version=journey.version,
        events=frozenset(start.events),
        where=compile_test(start.where) if start.where is not None else None,
        segment=state.numbers[f"segment/{start.segment}"] if start.segment else None,
        condition=condition,
        ready_at=ready_at(f"journey/{journey.name}") if condition is not None else 0,
        wait_us=journey.wait_us,
        unless=frozenset(journey.unless),
        unwelcome=state.numbers[_unwelcome(journey).canonical()] if journey.unless else None,
        is_restarting=journey.repeat == "restart",
        limit=journey.limit.times if journey.limit is not None else None,
        per_us=journey.limit.per_us if journey.limit is not None else 0,
        validity_us=journey.validity_us,
        channel=send.channel,
        target=send.message,
        purpose=definitions.messages[send.message].purpose if is_email else send.purpose,
    )


def _folds(
    readers: Mapping[int, dict[int, SegmentRule]],
    conditions: Mapping[str, Condition],
    unwelcome: Mapping[int, AggregateSpec],
) -> dict[str, list[Fold]]:
    """Per event name, the aggregates that read it."""
    folds: dict[int, tuple[AggregateSpec, Fold]] = {}
    for condition in conditions.values():
        for number, spec, test in condition.aggregates:
            folds[number] = (spec, Fold(number, spec.keep, spec.window_us, test, readers.get(number, {})))
    for number, spec in unwelcome.items():
        folds.setdefault(number, (spec, Fold(number, spec.keep, spec.window_us, None, readers.get(number, {}))))
    by_event: dict[str, list[Fold]] = {}
    for spec, fold in folds.values():
        for event in spec.events:
            by_event.setdefault(event, []).append(fold)
    return by_event
