"""Stages: versions of a project, compiled and ready to be played (playing.py).

Most segments move nobody: no journey begins by them. Nobody is woken for those, and no event is looked at for them;
they are asked when a message leaves, of whoever gets it (counting.py), with the same answer. Only the segments by which
journeys begin are kept up to date, each flip at its own instant.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tactful.events.records import Plan, Publish
from tactful.journeys.rules import JourneyRule
from tactful.kernel.definitions import Definitions
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.kernel.readers import Readers, Rules
from tactful.kernel.state import PlanState
from tactful.segments.membership import SegmentRule


class Stage(Struct, frozen=True):
    """A version of the project, ready to be played. All that it asks is counted from the beginning of history; the
    journey itself is not there `before` its instant, as if it had been published then."""

    plan_state: PlanState
    plan: CompiledPlan
    before: CompiledPlan
    journey: str
    """"" where this version has no such journey."""
    segments: tuple[SegmentRule, ...]
    """All that the version has; the plans know those that move somebody."""
    was: int | None = None
    """The number of the segment as it was before the publication that brings people into it."""


class Brought(Struct, frozen=True):
    """That a publication in the period has made the segment, or has made it mean something else, by which the journey
    starts: for whom it brings in it begins at once (`on_publish: start`)."""

    at: int
    was: str = ""
    """The segment as it was before, among the definitions of this version; "": there was none."""


def stage(
    files: Mapping[str, str],
    settings: Mapping[str, str],
    journey: str,
    begin: int,
    definitions: Definitions | None = None,
    was: str = "",
) -> Stage:
    """Compile a project. Raises DefinitionError where it has mistakes."""
    publish = Publish(begin, dict(files), dict(settings), "backtest")
    plan_state, plan = adopt(None, Plan(1, publish), begin, is_empty=True, definitions=definitions)
    number = plan_state.numbers[f"segment/{was}"] if was else None
    segments = tuple(rule for rule in plan.segments if rule.number != number)
    plan = _with_segments(plan, moving(plan) | ({number} if number is not None else set()))
    without = replace(
        plan,
        journeys={name: rule for name, rule in plan.journeys.items() if name != journey},
        started_by=_without(plan.started_by, journey),
        left_by=_without(plan.left_by, journey),
        scheduled=tuple(rule for rule in plan.scheduled if rule.name != journey),
        readers={},
    )
    return Stage(plan_state, plan, without, journey if journey in plan.journeys else "", segments, number)


def moving(plan: CompiledPlan) -> set[int]:
    """The segments by which journeys begin: who enters or leaves them, or is in them when a journey begins for all."""
    audiences = {rule.audience for rule in plan.journeys.values() if rule.audience is not None}
    return audiences.union(plan.started_by, plan.left_by)


def _with_segments(plan: CompiledPlan, numbers: Collection[int]) -> CompiledPlan:
    """The plan without all other segments. What they count is counted on."""

    def some(rules: Rules) -> Rules:
        return {number: rule for number, rule in rules.items() if number in numbers}

    def by_name(rules: Mapping[str, Rules]) -> dict[str, Rules]:
        return {name: kept for name, one in rules.items() if (kept := some(one))}

    reading = plan.reading
    return replace(
        plan,
        segments=tuple(rule for rule in plan.segments if rule.number in numbers),
        by_number=some(plan.by_number),
        reading=Readers(
            aggregate={number: kept for number, one in reading.aggregate.items() if (kept := some(one))},
            trait=by_name(reading.trait),
            score=by_name(reading.score),
            threshold=by_name(reading.threshold),
            purpose=by_name(reading.purpose),
            zone=some(reading.zone),
            nothing=some(reading.nothing),
        ),
        readers={},
    )


def _without(rules: Mapping[int, Iterable[JourneyRule]], journey: str) -> dict[int, tuple[JourneyRule, ...]]:
    return {number: tuple(rule for rule in some if rule.name != journey) for number, some in rules.items()}
