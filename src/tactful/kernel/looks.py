"""Looks: a person at one instant, as runs are looked at; which rule they go by, how they say what happens, and end.

Everything that happens to runs goes through here, whoever brings it about (starting, walking, following, launching,
joining). Pure.
"""

from typing import NamedTuple

from tactful.events.derived import Reading, Row, RunEnded, StepTaken
from tactful.journeys.program import EventMatch, Timed
from tactful.journeys.reached import LATE_GOALS_US
from tactful.journeys.rules import JourneyRule
from tactful.journeys.runs import Pursuit, Run
from tactful.kernel.fragments import name_of
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.view import PersonView

CALL = "call"
"""What starts a run that a call starts."""
MOST_PURSUITS = 100
"""Ended runs of one person whose goal is still looked for; of more the newest."""


class Look(NamedTuple):
    """A look at one person at one instant; what is decided goes into `rows`."""

    turn: Turn
    profile: Profile
    view: PersonView
    at: int
    rows: list[Row]


def rule_of(plan: CompiledPlan, run: Run | Pursuit) -> JourneyRule | None:
    """The rule that a run goes by: the journey's present one, or that of its own version (`editing: finish`)."""
    rule = plan.journeys.get(run.journey)
    if rule is not None and rule.is_finishing and run.version != rule.version:
        return plan.editions.get((run.journey, run.version), rule)
    return rule


def start_of(plan: CompiledPlan, rule: JourneyRule) -> str:
    """How what starts a journey is called, where that is always the same; runs need not keep it."""
    for before, number in (("entered", rule.segment), ("left", rule.left)):
        if number in plan.by_number:
            return f"{before} {plan.by_number[number].name}"
    if rule.is_called:
        return CALL
    return next(iter(rule.events)) if len(rule.events) == 1 else ""


def stands_still(state: PartitionState, journey: str, at: int) -> bool:
    """Whether nobody moves in this journey at the instant `at`: it is paused, or over."""
    said = state.steering.get(journey)
    return said is not None and said.order in ("pause", "stop") and said.since <= at


def holds(look: Look, timed: Timed) -> bool:
    """A condition that is still warming does not hold."""
    return timed.ready_at <= look.at and timed.condition.holds(look.view, look.at)


def is_still_true(look: Look, rule: JourneyRule) -> bool:
    """The journey's own `if`."""
    return rule.condition is None or holds(look, Timed(rule.condition, rule.ready_at))


def wake_by(profile: Profile, at: int) -> None:
    if profile.wake_at is None or at < profile.wake_at:
        profile.wake_at = at


def unless_text(timed: Timed) -> str:
    """A condition that ends runs, as a reason."""
    return f"unless {timed.condition.said}"


def came_first(match: EventMatch) -> str:
    """Events that end runs, as a reason, where it is not known which of them it was."""
    return f"{' or '.join(sorted(match.events))} came first"


def origin_of(profile: Profile, run: Run | Pursuit) -> str:
    """The fragment whose record started a run."""
    return run.origin or name_of(profile.key, profile.epoch)


def take(
    look: Look,
    run: Run,
    what: str,
    detail: str = "",
    *,
    until: int = 0,
    because: tuple[Reading, ...] = (),
    ref: int = 0,
) -> None:
    """A row of a step."""
    told = run.journey, run.entry_key, run.started_at, run.step, what, detail, until, because, ref, run.version
    look.rows.append(StepTaken(look.at, *told))


# ---- ending ----------------------------------------------------------------------------------------------------------


def end(look: Look, run: Run, rule: JourneyRule | None, reason: str, ref: int = 0) -> None:
    """The run is over; its goal may still be reached."""
    look.profile.runs[:] = [one for one in look.profile.runs if one is not run]
    look.rows.append(ended(look.at, run, reason, ref))
    pursue(look, run, rule)


def ended(at: int, run: Run, reason: str, ref: int = 0) -> RunEnded:
    return RunEnded(at, run.journey, run.entry_key, reason, ref, run.version, run.arm, run.started_at, run.step)


def pursue(look: Look, run: Run, rule: JourneyRule | None) -> None:
    """Remember a run that ends as long as events may still count for its goal."""
    if rule is None or rule.goal is None:
        return
    until = run.started_at + rule.goal.within_us
    if look.at > until + LATE_GOALS_US:
        return
    one = Pursuit(
        run.journey,
        run.entry_key,
        run.started_at,
        run.lag_us,
        run.started_ref,
        run.version,
        run.arm,
        run.origin,
        until,
        run.goals,
    )
    look.profile.pursuits = [*look.profile.pursuits, one][-MOST_PURSUITS:]
