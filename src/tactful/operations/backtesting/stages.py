"""Stages: versions of a project, compiled and ready to be played (playing.py)."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tactful.events.records import Plan, Publish
from tactful.journeys.rules import JourneyRule
from tactful.kernel.definitions import Definitions
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.kernel.state import PlanState


class Stage(Struct, frozen=True):
    """A version of the project, ready to be played. All that it asks is counted from the beginning of history; the
    journey itself is not there `before` its instant, as if it had been published then."""

    plan_state: PlanState
    plan: CompiledPlan
    before: CompiledPlan
    journey: str
    """"" where this version has no such journey."""
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
    without = replace(
        plan,
        journeys={name: rule for name, rule in plan.journeys.items() if name != journey},
        started_by=_without(plan.started_by, journey),
        left_by=_without(plan.left_by, journey),
        scheduled=tuple(rule for rule in plan.scheduled if rule.name != journey),
        readers={},
    )
    number = plan_state.numbers[f"segment/{was}"] if was else None
    return Stage(plan_state, plan, without, journey if journey in plan.journeys else "", number)


def _without(rules: Mapping[int, Iterable[JourneyRule]], journey: str) -> dict[int, tuple[JourneyRule, ...]]:
    return {number: tuple(rule for rule in some if rule.name != journey) for number, some in rules.items()}
