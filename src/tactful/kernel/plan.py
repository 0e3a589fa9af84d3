"""The plan: all definitions of a project, numbered and compiled for step().

Numbers are given in the order of publication and never again to something else, so every partition, reading the same
plans in the same order, gives the same ones. An aggregate that the plan before did not have is exact only once its
window has passed since (at once in an empty partition); what reads it is warming until then. Pure.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tactful.aggregates import kinds
from tactful.aggregates.spec import Aggregate, AggregateSpec
from tactful.consent import policy as consent
from tactful.events import responses
from tactful.events.records import CONSENT, IDENTITY, SENDING, SESSION_GAP, SOURCES, TIME_ZONE, Plan, Publish
from tactful.events.tracking import EventRule
from tactful.journeys.definition import Journey
from tactful.journeys.rules import JourneyRule
from tactful.kernel import sending as leaving
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.state import PlanState
from tactful.kernel.view import Around, PersonView
from tactful.language.compile import compile_condition, compile_test, compile_value
from tactful.language.compiled import Condition, Feed, Fold, Reader, Valued
from tactful.language.declarations import tracking_rule
from tactful.language.folds import combined
from tactful.language.reader import compile_reader
from tactful.language.tree import Clock, Now, everything
from tactful.language.vocabulary import DEFAULT_GAP_US, NO_RULES, TraitRule, TraitRules
from tactful.messages.definition import Message
from tactful.people import identity as ties
from tactful.segments.membership import SegmentRule
from tactful.values import parse_duration

NEVER = 2**62
ANY_EVENT = "*"
SPOKEN_BY_ANY = ("track", "page", "screen")
"""Kinds of events that "*" means."""

Rules = dict[int, SegmentRule]
"""Segments by number."""


class UnknownAggregate(Exception):
    """A stored plan asks for an aggregate that has no number."""


class EventReader(NamedTuple):
    """Everything of the plan that reads one event name; the rest of the plan costs the event nothing."""

    read: Reader | None
    starts: tuple[JourneyRule, ...]
    stops: frozenset[str]
    """Journeys whose waiting runs the event ends."""
    needs_properties: bool
    needs_context: bool
    rule: EventRule | None = None
    """What events/ says of it."""


class MetricRule(Struct, frozen=True):
    """A compiled metric."""

    name: str
    valued: Valued
    ready_at: int


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


class CompiledPlan(Struct):
    """What step() runs on. `readers` fills as event names are met."""

    version: int
    published_at: int
    time_zone: str
    segments: tuple[SegmentRule, ...]
    by_number: Rules
    reading: Readers
    shrinking: dict[int, Aggregate[Any]]
    """Aggregates that forget as time passes."""
    numbers: frozenset[int]
    """Aggregates and segments in force."""
    journeys: dict[str, JourneyRule]
    started_by: dict[int, tuple[JourneyRule, ...]]
    messages: dict[str, Message]
    metrics: dict[str, MetricRule]
    folds: dict[str, list[Fold]]
    """By event name."""
    readers: dict[tuple[str, str], EventReader]
    aggregates: dict[int, Aggregate[Any]] = {}
    """All of them, for merging states."""
    identity: ties.Rules = ties.DEFAULT
    policy: consent.Policy = consent.DEFAULT
    tracking: dict[str, EventRule] = {}
    """What events/ says, by the event's name."""
    sources: dict[str, str] = {}
    """What becomes of events that do not fit it, by source; those that are not here keep them."""
    traits: TraitRules = NO_RULES
    """Which of several writes of a trait counts."""
    sending: leaving.Rules = leaving.DEFAULT
    editions: dict[tuple[str, str], JourneyRule] = {}
    """By name and version: earlier ones of journeys that runs finish on (`editing: finish`)."""

    @property
    def has_tracking(self) -> bool:
        return bool(self.tracking)

    def reader(self, kind: str, name: str) -> EventReader:
        """What reads this event; the same object each time."""
        reader = self.readers.get((kind, name))
        if reader is None:
            reader = self.readers[(kind, name)] = self._reader(kind, name)
        return reader

    def _reader(self, kind: str, name: str) -> EventReader:
        names = (name, ANY_EVENT) if kind in SPOKEN_BY_ANY else (name,)
        folds = list({fold.number: fold for each in names for fold in self.folds.get(each, ())}.values())
        read = compile_reader(names, folds) if folds else None
        starts = tuple(rule for rule in self.journeys.values() if not rule.events.isdisjoint(names))
        stops = frozenset(rule.name for rule in self.journeys.values() if not rule.unless.isdisjoint(names))
        tests = [rule.where for rule in starts if rule.where]
        return EventReader(
            read,
            starts,
            stops,
            bool(tests) or (read is not None and read.needs_properties),
            any(test.reads_context for test in tests) or (read is not None and read.needs_context),
            # What a tracking plan says of such a name is said of calls.
            self.tracking.get(name) if kind != responses.KIND else None,
        )


def empty_plan() -> CompiledPlan:
    """Before anything was published: events are kept, nothing is decided."""
    nothing = Readers({}, {}, {}, {}, {}, {}, {})
    return CompiledPlan(0, 0, "UTC", (), {}, nothing, {}, frozenset(), {}, {}, {}, {}, {}, {})


# ---- in force ------------------------------------------------------------------------------------------------------


class _Compiled(NamedTuple):
    """Every expression over a person: conditions as "segment/NAME" or "journey/NAME", values by the metric's name."""

    conditions: dict[str, Condition]
    metrics: dict[str, Valued]
    unwelcome: dict[str, Fold]
    """Per journey: the newest event that ends a run."""

    def folds(self) -> dict[int, Fold]:
        """All aggregates of the plan by number."""
        asked = [one.folds for one in self.conditions.values()] + [one.folds for one in self.metrics.values()]
        return combined((*self.unwelcome.values(), *(fold for folds in asked for fold in folds)))


def adopt(
    before: PlanState | None, plan: Plan, now: int, *, is_empty: bool, definitions: Definitions | None = None
) -> tuple[PlanState, CompiledPlan]:
    """Put a plan in force at the instant `now`; `is_empty` says that the partition has seen no event yet. `definitions`
    are those of its files, unless somebody has more to ask."""
    definitions = definitions or _definitions(plan.publish)
    numbers = dict(before.numbers) if before else {}
    known_ready = before.ready if before else {}
    ready: dict[int, int] = {}

    def number(spec: AggregateSpec) -> int:
        index = numbers.setdefault(spec.canonical(), len(numbers) + 1)
        if index not in ready:
            ready[index] = known_ready.get(index, now if is_empty else exact_at(spec, now))
        return index

    compiled_ = _compile(definitions, number)
    rules = _trait_rules(definitions)
    since: dict[str, tuple[str, int]] = {}
    for name, condition in compiled_.conditions.items():
        if name.startswith("segment/"):
            numbers.setdefault(name, len(numbers) + 1)
        text = _meaning(condition, plan.publish, rules)
        known = before.since.get(name) if before else None
        since[name] = known if known and known[0] == text else (text, now)
    state = PlanState(plan, numbers, since, ready, now, rules)
    return state, _put_together(state, definitions, compiled_)


def compiled(state: PlanState, definitions: Definitions | None = None) -> CompiledPlan:
    """The same plan again, from a state that was stored. Raises UnknownAggregate where another version of this program
    has stored it, which asked for others (`revised`)."""
    definitions = definitions or _definitions(state.plan.publish)

    def number(spec: AggregateSpec) -> int:
        index = state.numbers.get(spec.canonical())
        if index is None or index not in state.ready:
            raise UnknownAggregate(spec.canonical())
        return index

    return _put_together(state, definitions, _compile(definitions, number))


def revised(state: PlanState, now: int) -> tuple[PlanState, CompiledPlan]:
    """As `compiled`, for a state of another version: what it has no numbers for begins to be counted now."""
    return adopt(state, state.plan, now, is_empty=False)


def exact_at(spec: AggregateSpec, now: int) -> int:
    """From when an aggregate is exact whose state begins at `now`: once nothing before it can matter any more. What
    begins a session in the window may lie a gap before it."""
    return NEVER if spec.older_us is None else now + spec.older_us + spec.gap_us


def _is_shrinking(spec: AggregateSpec) -> bool:
    return spec.older_us is not None or spec.within_us is not None


def next_ready(state: PlanState, now: int) -> int | None:
    """The next instant at which something of the plan stops warming."""
    return min((at for at in state.ready.values() if now < at < NEVER), default=None)


def _definitions(publish: Publish) -> Definitions:
    """Names were looked at when it was published; what is not declared is as good as it was then."""
    gap_us = parse_duration(publish.settings.get(SESSION_GAP, "")) or DEFAULT_GAP_US
    return read_project(publish.files, gap_us=gap_us, is_strict=False)


def _trait_rules(definitions: Definitions) -> dict[str, TraitRule]:
    identify = definitions.events.get("$identify")
    return dict(identify.merges) if identify is not None else {}


def _meaning(condition: Condition, publish: Publish, rules: TraitRules) -> str:
    """A text that changes where the answer may."""
    zone = f" in {publish.settings.get(TIME_ZONE)}" if condition.reads.zone else ""
    policy = publish.settings.get(CONSENT, "") if condition.reads.purposes else ""
    merging = "".join(f" {name} {rules[name]}" for name in sorted(condition.reads.traits) if name in rules)
    return condition.text + zone + policy + merging


def _compile(definitions: Definitions, number: Callable[[AggregateSpec], int]) -> _Compiled:
    conditions = {
        f"segment/{segment.name}": compile_condition(segment.when, number) for segment in definitions.segments.values()
    }
    unwelcome = {}
    for journey in definitions.journeys.values():
        if journey.condition is not None:
            conditions[f"journey/{journey.name}"] = compile_condition(journey.condition, number)
    for journey in definitions.journeys.values():
        if journey.unless:
            unwelcome[journey.name] = _unwelcome(journey, number)
    metrics = {metric.name: compile_value(metric.value, number) for metric in definitions.metrics.values()}
    return _Compiled(conditions, metrics, unwelcome)


def _unwelcome(journey: Journey, number: Callable[[AggregateSpec], int]) -> Fold:
    """The newest event that ends a run of the journey; the same as behind `any(EVENTS)`. Nobody waits for it, so it is
    a threshold to all that do."""
    events = tuple(sorted(set(journey.unless)))
    spec = AggregateSpec("newest", events, keep=1)
    return Fold(number(spec), spec, kinds.build(spec), (Feed(events, None, None),), least=1)


# ---- put together --------------------------------------------------------------------------------------------------


def _put_together(state: PlanState, definitions: Definitions, made: _Compiled) -> CompiledPlan:
    def ready_at(folds: Iterable[Fold], since: int) -> int:
        return max(since, 0, *(state.ready[fold.number] for fold in folds))

    def rule_ready_at(name: str) -> int:
        return ready_at(made.conditions[name].folds, state.since[name][1])

    segments = tuple(
        SegmentRule(
            state.numbers[f"segment/{name}"],
            name,
            made.conditions[f"segment/{name}"],
            rule_ready_at(f"segment/{name}"),
        )
        for name in definitions.segments
    )
    journeys = {
        journey.name: _journey_rule(journey, definitions, state, made, rule_ready_at)
        for journey in definitions.journeys.values()
    }
    started_by: dict[int, tuple[JourneyRule, ...]] = {}
    for rule in journeys.values():
        if rule.segment is not None:
            started_by[rule.segment] = (*started_by.get(rule.segment, ()), rule)
    folds = made.folds()
    settings = state.plan.publish.settings
    time_zone, policy = settings.get(TIME_ZONE, "UTC"), consent.read(settings.get(CONSENT, ""))
    return CompiledPlan(
        version=state.plan.version,
        published_at=state.published_at,
        time_zone=time_zone,
        segments=segments,
        by_number={rule.number: rule for rule in segments},
        reading=_readers(segments, definitions, Around(time_zone, dict, policy, state.traits)),
        shrinking={number: fold.aggregate for number, fold in folds.items() if _is_shrinking(fold.spec)},
        numbers=frozenset(state.ready) | {rule.number for rule in segments},
        journeys=journeys,
        started_by=started_by,
        messages=dict(definitions.messages),
        metrics={name: MetricRule(name, one, ready_at(one.folds, 0)) for name, one in made.metrics.items()},
        folds=_by_event(folds.values()),
        readers={},
        aggregates={number: fold.aggregate for number, fold in folds.items()},
        identity=ties.read(settings.get(IDENTITY, "")),
        policy=policy,
        tracking={name: tracking_rule(event) for name, event in definitions.events.items()},
        sources=_unplanned(settings.get(SOURCES, "")),
        traits=state.traits,
        sending=leaving.read(settings.get(SENDING, "")),
    )


def _unplanned(text: str) -> dict[str, str]:
    """What becomes of events that do not fit, by source."""
    sections = msgspec.json.decode(text, type=dict[str, dict[str, str]]) if text else {}
    return {name: section.get("unplanned", "keep") for name, section in sections.items()}


def _readers(segments: Iterable[SegmentRule], definitions: Definitions, around: Around) -> Readers:
    found = Readers({}, {}, {}, {}, {}, {}, {})
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
        has_clock = any(isinstance(node, Now | Clock) for node in everything(definitions.segments[rule.name].when.tree))
        if has_clock or reads.thresholds or rule.condition.holds(nobody, 0):
            found.nothing[rule.number] = rule
    return found


def _journey_rule(
    journey: Journey,
    definitions: Definitions,
    state: PlanState,
    made: _Compiled,
    ready_at: Callable[[str], int],
) -> JourneyRule:
    start, send = journey.start, journey.send
    is_email = send.channel == "email"
    name = f"journey/{journey.name}"
    condition = made.conditions.get(name)
    return JourneyRule(
        name=journey.name,
        version=journey.version,
        events=frozenset(start.events),
        where=compile_test(start.where) if start.where is not None else None,
        segment=state.numbers[f"segment/{start.segment}"] if start.segment else None,
        condition=condition,
        ready_at=ready_at(name) if condition is not None else 0,
        wait_us=journey.wait_us,
        unless=frozenset(journey.unless),
        unwelcome=made.unwelcome[journey.name].number if journey.unless else None,
        is_restarting=journey.repeat == "restart",
        limit=journey.limit.times if journey.limit is not None else None,
        per_us=journey.limit.per_us if journey.limit is not None else 0,
        validity_us=journey.validity_us,
        channel=send.channel,
        target=send.message,
        purpose=definitions.messages[send.message].purpose if is_email else send.purpose,
        on_merge=journey.on_merge,
    )


def _by_event(folds: Iterable[Fold]) -> dict[str, list[Fold]]:
    by_event: dict[str, list[Fold]] = {}
    for fold in folds:
        for event in sorted({event for feed in fold.feeds for event in feed.events}):
            by_event.setdefault(event, []).append(fold)
    return by_event
