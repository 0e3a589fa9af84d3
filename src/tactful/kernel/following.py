"""Following: what an event means to the runs of a person beside starting one. It counts for goals, ends runs that do
not want it, and is what others wait for. Pure.
"""

from collections.abc import Iterable, Mapping

from tactful.aggregates.kinds import State
from tactful.events.derived import GoalReached
from tactful.journeys.program import GoalRule, WaitFor
from tactful.journeys.reached import LATE_GOALS_US, Reached, reached
from tactful.journeys.rules import JourneyRule, Told
from tactful.journeys.runs import Pursuit, Run
from tactful.kernel.looks import Look, end, rule_of, stands_still
from tactful.kernel.readers import EventReader
from tactful.kernel.walking import came

Waiting = list[tuple[Run, JourneyRule, WaitFor]]


def follow(look: Look, reader: EventReader, told: Told) -> Waiting:
    """Goals and exits; returns the runs that wait for such an event, before anything else happens to them."""
    if reader.pursued:
        _count_goals(look, reader.pursued, told)
    if reader.stops:
        _stop(look, reader.stops, told)
    return _waiting(look, told) if reader.awaited else []


def go_on_with(look: Look, waiting: Waiting, told: Told) -> None:
    """What they waited for has come; of a paused journey it is kept in mind."""
    timestamp, ref = told.order[0], told.order[2]
    for run, rule, step in waiting:
        if not any(one is run for one in look.profile.runs):
            continue  # Another start has ended it.
        if stands_still(look.turn.state, run.journey, look.at):
            if not run.due or look.at < run.due:  # Afterwards it would have gone on without.
                run.came = run.came or (timestamp, ref, told.name)
        else:
            came(look, run, rule, step, timestamp, ref, told.name)


def _waiting(look: Look, told: Told) -> Waiting:
    found: Waiting = []
    for run in look.profile.runs:
        rule = rule_of(look.turn.plan, run) if not run.intent else None
        index = rule.place(run.step) if rule is not None else None
        if rule is None or index is None:
            continue
        step = rule.program[index]
        if not isinstance(step, WaitFor) or step.match is None or told.order[0] < run.moment:
            continue
        if told.fits(step.match, run.entry_key):
            found.append((run, rule, step))
    return found


def _stop(look: Look, journeys: Iterable[str], told: Told) -> None:
    """Runs that began before it end. One that was handed over already is marked, and the gate refuses it if it has not
    been claimed."""
    for run in list(look.profile.runs):
        rule = rule_of(look.turn.plan, run) if run.journey in journeys else None
        if rule is None or run.started() >= told.order:
            continue
        if not any(one.match is not None and told.fits(one.match, run.entry_key) for one in rule.exits):
            continue
        if run.intent:
            run.exited_by = run.exited_by or told.order[2]
        else:
            end(look, run, rule, f"{told.name} came first", told.order[2])


# ---- goals -----------------------------------------------------------------------------------------------------------


def _count_goals(look: Look, journeys: Iterable[str], told: Told) -> None:
    """For each run, whichever way it went."""
    profile = look.profile
    profile.pursuits = [one for one in profile.pursuits if look.at <= one.until + LATE_GOALS_US]
    runs: list[Run | Pursuit] = [run for run in profile.runs if not run.intent]
    runs += profile.pursuits
    for one in sorted(runs, key=lambda one: (one.started(), one.journey, one.entry_key)):
        rule = rule_of(look.turn.plan, one) if one.journey in journeys else None
        if rule is None or rule.goal is None or not told.fits(rule.goal.match, one.entry_key):
            continue
        value = rule.goal.value(told.properties, told.context) if rule.goal.value is not None else None
        _count(look, rule.goal, one, Reached(told.order, value))


def count_reached(look: Look, one: Run | Pursuit, known: Iterable[Mapping[int, State]]) -> None:
    """For a run of one half, what the other half has kept: by fragment."""
    rule = rule_of(look.turn.plan, one)
    if rule is not None and rule.goal is not None:
        for event in sorted(event for states in known for event in reached(rule.goal, states, one.entry_key)):
            _count(look, rule.goal, one, event)


def _count(look: Look, goal: GoalRule, one: Run | Pursuit, event: Reached) -> None:
    """Where it happened behind the start and in time, and was heard of in time."""
    until = one.until if isinstance(one, Pursuit) else one.started_at + goal.within_us
    if not one.started() < event.order or event.order[0] >= until or look.at > until + LATE_GOALS_US:
        return
    one.goals += 1
    is_number = isinstance(event.value, int | float) and not isinstance(event.value, bool)
    worth = float(event.value) if is_number else None
    about = one.journey, one.entry_key, one.started_at, one.version, one.arm
    look.rows.append(GoalReached(look.at, *about, event.order[2], one.goals, worth))
