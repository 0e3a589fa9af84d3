"""The plan: all definitions of a project, numbered and compiled for step().

Numbers are given in the order of publication and never again to something else, so every partition, reading the same
plans in the same order, gives the same ones. An aggregate that the plan before did not have is exact only once its
window has passed since (at once in an empty partition); what reads it is warming until then. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tactful.aggregates import kinds
from tactful.aggregates.spec import Aggregate, AggregateSpec
from tactful.consent import policy as consent
from tactful.events import responses
from tactful.events.records import CONSENT, IDENTITY, SENDING, SOURCES, TIME_ZONE, Plan, Publish
from tactful.events.tracking import EventRule
from tactful.journeys.definition import Journey
from tactful.journeys.reached import wanted as reached_by
from tactful.journeys.rules import JourneyRule
from tactful.journeys.unwelcome import wanted as newest_of
from tactful.kernel import editions, programs
from tactful.kernel import sending as leaving
from tactful.kernel.definitions import Definitions, read_editions, read_published
from tactful.kernel.readers import EventReader, Readers, Rules, event_reader, no_readers, segment_readers
from tactful.kernel.state import PlanState
from tactful.kernel.view import Around
from tactful.language.check import Checked
from tactful.language.compile import compile_condition, compile_value
from tactful.language.compiled import Condition, Fold, Valued
from tactful.language.declarations import tracking_rule
from tactful.language.folds import combined
from tactful.language.vocabulary import NO_RULES, TraitRule, TraitRules
from tactful.messages import rules as messages
from tactful.messages.definition import Message
from tactful.messages.rules import MessageRule
from tactful.people import identity as ties
from tactful.segments.membership import SegmentRule

NEVER = 2**62


class UnknownAggregate(Exception):
    """A stored plan asks for an aggregate that has no number."""


class MetricRule(Struct, frozen=True):
    """A compiled metric."""

    name: str
    valued: Valued
    ready_at: int


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
    left_by: dict[int, tuple[JourneyRule, ...]] = {}
    """As `started_by`, of leaving a segment."""
    scheduled: tuple[JourneyRule, ...] = ()
    """Journeys that begin by the clock."""
    asking: frozenset[str] = frozenset()
    """Journeys of which some edition `is_asking`."""
    message_rules: dict[str, MessageRule] = {}
    newest: int = 0
    """The highest number given so far: higher ones are of plans that are not in force here yet."""

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
        rules = (*self.journeys.values(), *self.editions.values())
        # What a tracking plan says of such a name is said of calls.
        rule = self.tracking.get(name) if kind != responses.KIND else None
        return event_reader(kind, name, self.folds, rules, rule)


def empty_plan() -> CompiledPlan:
    """Before anything was published: events are kept, nothing is decided."""
    return CompiledPlan(0, 0, "UTC", (), {}, no_readers(), {}, frozenset(), {}, {}, {}, {}, {}, {})


# ---- in force ------------------------------------------------------------------------------------------------------


class _Compiled(NamedTuple):
    """Every expression over a person: conditions as "segment/NAME", "journey/NAME/..." (programs.py) and
    "message/NAME/...", values likewise or by the metric's name."""

    conditions: dict[str, Condition]
    values: dict[str, Valued]
    unwelcome: dict[str, Fold]
    """Per exit of a journey: the newest event that ends a run."""
    reached: dict[str, Fold]
    """Per journey with a goal ("journey/NAME/goal"): the events that count for it."""
    editions: Mapping[tuple[str, str], Journey]

    def folds(self) -> dict[int, Fold]:
        """All aggregates of the plan by number."""
        asked = [one.folds for one in self.conditions.values()] + [one.folds for one in self.values.values()]
        return combined(
            (*self.unwelcome.values(), *self.reached.values(), *(fold for folds in asked for fold in folds))
        )


def adopt(
    before: PlanState | None,
    plan: Plan,
    now: int,
    *,
    is_empty: bool,
    definitions: Definitions | None = None,
    position: int = 0,
) -> tuple[PlanState, CompiledPlan]:
    """Put a plan in force at the instant `now`, which is `position` of the partition's log; `is_empty` says that nobody
    has been in the partition yet. `definitions` are those of its files, unless somebody has more to ask."""
    definitions = definitions or read_published(plan.publish)
    numbers = dict(before.numbers) if before else {}
    known_ready = before.ready if before else {}
    begun = dict(before.begun) if before else {}
    ready: dict[int, int] = {}

    def number(spec: AggregateSpec) -> int:
        text = spec.canonical()
        index = numbers.get(text, 0)
        if index in ready:
            return index
        if index not in known_ready:
            # What was dropped and comes again is another one: nobody has counted meanwhile.
            index = numbers[text] = _next_number(numbers)
            begun[index] = position, now, plan.version
        ready[index] = known_ready.get(index, now if is_empty else exact_at(spec, now))
        return index

    texts = editions.kept(before, definitions)
    earlier = read_editions(plan.publish, texts)
    compiled_ = _compile(definitions, earlier, number)
    rules = _trait_rules(definitions)
    since: dict[str, tuple[str, int]] = {}
    for name, condition in compiled_.conditions.items():
        if name.startswith("segment/"):
            numbers.setdefault(name, _next_number(numbers))
        text = _meaning(condition, plan.publish, rules)
        known = editions.since(before, name) if before else None
        since[name] = known if known and known[0] == text else (text, now)
    state = PlanState(plan, numbers, since, ready, now, rules, texts)
    state.begun = {index: at for index, at in begun.items() if index in ready}
    if before is not None:
        state.seeds = [one for one in before.seeds if not ready.keys().isdisjoint(one.numbers)]
        state.seeded = before.seeded
    return state, _put_together(state, definitions, compiled_)


def compiled(state: PlanState, definitions: Definitions | None = None) -> CompiledPlan:
    """The same plan again, from a state that was stored. Raises UnknownAggregate where another version of this program
    has stored it, which asked for others (`revised`)."""
    definitions = definitions or read_published(state.plan.publish)

    def number(spec: AggregateSpec) -> int:
        index = state.numbers.get(spec.canonical())
        if index is None or index not in state.ready:
            raise UnknownAggregate(spec.canonical())
        return index

    made = _compile(definitions, read_editions(state.plan.publish, state.editions), number)
    for name in made.conditions:
        if name not in state.since:
            raise UnknownAggregate(name)
    return _put_together(state, definitions, made)


def revised(state: PlanState, now: int, position: int) -> tuple[PlanState, CompiledPlan]:
    """As `compiled`, for a state of another version: what it has no numbers for begins to be counted now."""
    return adopt(state, state.plan, now, is_empty=False, position=position)


def _next_number(numbers: Mapping[str, int]) -> int:
    """Higher than all before, so that whoever knows a plan sees which numbers are of later ones."""
    return max(numbers.values(), default=0) + 1


def exact_at(spec: AggregateSpec, now: int) -> int:
    """From when an aggregate is exact whose state begins at `now`: once nothing before it can matter any more. What
    begins a session in the window may lie a gap before it."""
    return NEVER if spec.older_us is None else now + spec.older_us + spec.gap_us


def _is_shrinking(spec: AggregateSpec) -> bool:
    return spec.older_us is not None or spec.within_us is not None


def next_ready(state: PlanState, now: int) -> int | None:
    """The next instant at which something of the plan stops warming."""
    return min((at for at in state.ready.values() if now < at < NEVER), default=None)


def _trait_rules(definitions: Definitions) -> dict[str, TraitRule]:
    identify = definitions.events.get("$identify")
    return dict(identify.merges) if identify is not None else {}


def _meaning(condition: Condition, publish: Publish, rules: TraitRules) -> str:
    """A text that changes where the answer may."""
    zone = f" in {publish.settings.get(TIME_ZONE)}" if condition.reads.zone else ""
    policy = publish.settings.get(CONSENT, "") if condition.reads.purposes else ""
    merging = "".join(f" {name} {rules[name]}" for name in sorted(condition.reads.traits) if name in rules)
    return condition.text + zone + policy + merging


def _compile(
    definitions: Definitions, earlier: Mapping[tuple[str, str], Journey], number: Callable[[AggregateSpec], int]
) -> _Compiled:
    """`earlier` are the editions of journeys on which runs finish."""
    conditions: dict[str, Checked] = {f"segment/{one.name}": one.when for one in definitions.segments.values()}
    values: dict[str, Checked] = {metric.name: metric.value for metric in definitions.metrics.values()}
    unwelcome, reached = {}, {}
    for journey, edition in _all_journeys(definitions, earlier):
        name = programs.name_of(journey, edition)
        conditions.update(programs.conditions(journey, name))
        values.update(programs.values(journey, name))
        for exit_, wanted in programs.exits(journey, name):
            spec, feed = newest_of(journey, wanted)
            # Nobody waits for the newest event of all, so it is a threshold to all that do.
            least = 1 if spec.kind == "newest" else 0
            unwelcome[exit_] = Fold(number(spec), spec, kinds.build(spec), (feed,), least)
        if journey.goal is not None:
            spec, feed = reached_by(journey.goal)
            reached[f"{name}/goal"] = Fold(number(spec), spec, kinds.build(spec), (feed,))
    for message in definitions.messages.values():
        conditions.update(messages.conditions(message))
        values.update(messages.values(message))
    # Editions of a journey ask much the same, so each is compiled once.
    compiled_ = {one: compile_condition(one, number) for one in dict.fromkeys(conditions.values())}
    return _Compiled(
        conditions={name: compiled_[one] for name, one in conditions.items()},
        values={name: compile_value(one, number) for name, one in values.items()},
        unwelcome=unwelcome,
        reached=reached,
        editions=earlier,
    )


def _all_journeys(
    definitions: Definitions, earlier: Mapping[tuple[str, str], Journey]
) -> Iterator[tuple[Journey, str]]:
    """With the version of those that are no longer the present ones."""
    for journey in definitions.journeys.values():
        yield journey, ""
    for (_, version), journey in earlier.items():
        yield journey, version


# ---- put together --------------------------------------------------------------------------------------------------


class _Ready(NamedTuple):
    """From when the answers of compiled expressions are exact."""

    state: PlanState
    made: _Compiled

    def condition(self, name: str) -> int:
        return self._of(self.made.conditions[name].folds, self.state.since[name][1])

    def value(self, name: str) -> int:
        return self._of(self.made.values[name].folds, 0)

    def either(self, name: str) -> int:
        return self.condition(name) if name in self.made.conditions else self.value(name)

    def _of(self, folds: Iterable[Fold], since: int) -> int:
        return max(since, 0, *(self.state.ready[fold.number] for fold in folds))


def _segment_rule(name: str, ready: _Ready) -> SegmentRule:
    title = f"segment/{name}"
    return SegmentRule(ready.state.numbers[title], name, ready.made.conditions[title], ready.condition(title))


def _put_together(state: PlanState, definitions: Definitions, made: _Compiled) -> CompiledPlan:
    ready = _Ready(state, made)
    segments = tuple(_segment_rule(name, ready) for name in definitions.segments)
    expressions = programs.Made(
        conditions=made.conditions,
        values=made.values,
        unwelcome={name: fold.number for name, fold in made.unwelcome.items()},
        reached={name: fold.number for name, fold in made.reached.items()},
        ready_at=ready.either,
        numbers=state.numbers,
    )
    journeys = {
        journey.name: programs.journey_rule(journey, definitions.messages, expressions)
        for journey in definitions.journeys.values()
    }
    rules = list(journeys.values())
    earlier = {
        key: programs.journey_rule(journey, definitions.messages, expressions, edition=journey.version)
        for key, journey in made.editions.items()
    }
    folds = made.folds()
    settings = state.plan.publish.settings
    time_zone, policy = settings.get(TIME_ZONE, "UTC"), consent.read(settings.get(CONSENT, ""))
    return CompiledPlan(
        version=state.plan.version,
        published_at=state.published_at,
        time_zone=time_zone,
        segments=segments,
        by_number={rule.number: rule for rule in segments},
        reading=segment_readers(
            segments,
            {name: one.when.tree for name, one in definitions.segments.items()},
            Around(time_zone, dict, policy, state.traits),
        ),
        shrinking={number: fold.aggregate for number, fold in folds.items() if _is_shrinking(fold.spec)},
        numbers=frozenset(state.ready) | {rule.number for rule in segments},
        journeys=journeys,
        started_by=_by_segment((rule.segment, rule) for rule in rules),
        messages=dict(definitions.messages),
        metrics={name: MetricRule(name, made.values[name], ready.value(name)) for name in definitions.metrics},
        folds=_by_event(folds.values()),
        readers={},
        aggregates={number: fold.aggregate for number, fold in folds.items()},
        identity=ties.read(settings.get(IDENTITY, "")),
        policy=policy,
        tracking={name: tracking_rule(event) for name, event in definitions.events.items()},
        sources=_unplanned(settings.get(SOURCES, "")),
        traits=state.traits,
        sending=leaving.read(settings.get(SENDING, "")),
        editions=earlier,
        left_by=_by_segment((rule.left, rule) for rule in rules),
        scheduled=tuple(rule for rule in rules if rule.schedule is not None),
        asking=frozenset(rule.name for rule in (*rules, *earlier.values()) if rule.is_asking),
        message_rules={
            one.name: messages.rule_of(one, made.conditions, ready.condition, made.values, ready.value)
            for one in definitions.messages.values()
        },
        newest=max(state.numbers.values(), default=0),
    )


def _unplanned(text: str) -> dict[str, str]:
    """What becomes of events that do not fit, by source."""
    sections = msgspec.json.decode(text, type=dict[str, dict[str, str]]) if text else {}
    return {name: section.get("unplanned", "keep") for name, section in sections.items()}


def _by_segment(rules: Iterable[tuple[int | None, JourneyRule]]) -> dict[int, tuple[JourneyRule, ...]]:
    found: dict[int, tuple[JourneyRule, ...]] = {}
    for number, rule in rules:
        if number is not None:
            found[number] = (*found.get(number, ()), rule)
    return found


def _by_event(folds: Iterable[Fold]) -> dict[str, list[Fold]]:
    by_event: dict[str, list[Fold]] = {}
    for fold in folds:
        for event in sorted({event for feed in fold.feeds for event in feed.events}):
            by_event.setdefault(event, []).append(fold)
    return by_event
