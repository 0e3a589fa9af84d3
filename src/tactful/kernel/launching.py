"""Launching: what is so for everybody from one instant on: schedules, campaigns, orders of somebody, thresholds.

Each partition finds from its own clock that a schedule's instant has come; of the others it hears from partition 0. For
people it is an instant at which definitions changed: they are brought to it, by the sweep or when they are next met,
whichever comes first (instants.py). Pure.
"""

from collections.abc import Sequence

from tactful.events import zones
from tactful.events.records import EMPTY_MAP, Launch, Steer, Threshold
from tactful.journeys.program import WaitFor
from tactful.journeys.rules import Cause, JourneyRule
from tactful.kernel.looks import Look, end, rule_of
from tactful.kernel.starting import STEERED, begin
from tactful.kernel.state import FIRST_KEY, Launched, Steering, ThresholdSet
from tactful.kernel.turn import Turn
from tactful.segments.membership import matched_text

BEGINS = ("schedule", "campaign")


# ---- the partition ---------------------------------------------------------------------------------------------------


def next_start(turn: Turn) -> int | None:
    """The next instant of a schedule."""
    return min((_next(turn, rule) for rule in turn.plan.scheduled), default=None)


def _next(turn: Turn, rule: JourneyRule) -> int:
    schedule = rule.schedule
    assert schedule is not None
    zone = zones.zone(turn.plan.time_zone) or zones.known("UTC")
    after = turn.state.scheduled.get(rule.name, turn.state.clock)
    return zones.next_time(zone, after + 1, schedule.minute, schedule.weekdays, schedule.day)


def adopted(turn: Turn) -> None:
    """A plan is in force: its schedules begin after this instant."""
    state = turn.state
    state.scheduled = {rule.name: state.clock for rule in turn.plan.scheduled}
    state.start_at = next_start(turn)


def pass_schedules(turn: Turn) -> None:
    """The clock has passed instants of schedules: each of them, in order."""
    state = turn.state
    found = []
    for rule in turn.plan.scheduled:
        while (at := _next(turn, rule)) <= state.clock:
            state.scheduled[rule.name] = at
            if not _is_steered(turn, rule.name):
                found.append((at, rule.name))
    for at, name in sorted(found):
        _announce(turn, name, at, "schedule")
    state.start_at = next_start(turn)


def _is_steered(turn: Turn, journey: str) -> bool:
    said = turn.state.steering.get(journey)
    return said is not None and said.order in STEERED


def _announce(turn: Turn, journey: str, at: int, what: str) -> None:
    state = turn.state
    state.generation += 1
    state.sweep = FIRST_KEY if state.profiles else None
    if state.sweep is not None:
        state.launched = [*state.launched, Launched(journey, at, state.generation, what)]


def settled(turn: Turn) -> None:
    """A sweep is through: nobody has to be told any more."""
    if turn.state.launched:
        turn.state.launched = []


def threshold(turn: Turn, told: Threshold) -> None:
    """The newest by received_at counts, and of equal ones the last in the log of partition 0, which is the order of
    every channel."""
    state = turn.state
    metric, percent = told.metric, told.percent
    by_percent = state.thresholds.setdefault(metric, {})
    before = by_percent.get(percent)
    if before is not None and before.received_at > told.received_at:
        return
    since, generation = (before.since, before.generation) if before is not None else (0, 0)
    if before is None or before.value != told.value:
        since = state.clock
        if metric in turn.plan.reading.threshold or asks(turn, metric):
            state.generation += 1
            state.sweep = FIRST_KEY if state.profiles else None
        generation = state.generation
    by_percent[percent] = ThresholdSet(told.value, told.received_at, since, generation)
    turn.look_around()


def asks(turn: Turn, metric: str) -> bool:
    """Whether a run may wait for a condition that compares with a threshold of this metric."""
    for rule in (*turn.plan.journeys.values(), *turn.plan.editions.values()):
        waits = [one.when for one in rule.program if isinstance(one, WaitFor)]
        for timed in (*waits, *(one.when for one in rule.exits)):
            if timed is not None and metric in timed.condition.reads.thresholds:
                return True
    return False


def launch(turn: Turn, told: Launch) -> bool:
    """Once for each version of a campaign; not while it is steered, and of no version but the one in force. Whether it
    began."""
    state, rule = turn.state, turn.plan.journeys.get(told.journey)
    if rule is None or not rule.is_campaign or not told.version.startswith(rule.version):
        return False
    name = f"{rule.name}@{rule.version}"
    if name in state.campaigns or _is_steered(turn, rule.name):
        return False
    state.campaigns[name] = state.clock
    _announce(turn, rule.name, state.clock, "campaign")
    return True


def steer(turn: Turn, told: Steer) -> None:
    """The newest order counts. What goes on, or ends, does so at this instant."""
    state = turn.state
    before = state.steering.pop(told.journey, None)
    if told.order != "resume":
        state.steering[told.journey] = Steering(told.order, state.clock, state.generation, told.author, told.reason)
    if not told.journey:
        return
    if told.order == "stop":
        _announce(turn, told.journey, state.clock, "stop")
    elif before is not None and before.order == "pause" and told.order in ("resume", "drain"):
        _announce(turn, told.journey, state.clock, "resume")


# ---- a person --------------------------------------------------------------------------------------------------------


def pending(turn: Turn, after: int) -> Sequence[Launched]:
    """What somebody has not heard of who is settled under the generation `after`."""
    return [one for one in turn.state.launched if one.generation > after]


def meet(look: Look, one: Launched) -> None:
    """A person at the instant that concerns everybody. What goes on by itself has gone on already."""
    if one.what == "stop":
        _stop(look, one.journey)
    elif one.what in BEGINS:
        rule = look.turn.plan.journeys.get(one.journey)
        if rule is not None and (rule.schedule is not None or rule.is_campaign):
            _enter(look, rule, one)


def _enter(look: Look, rule: JourneyRule, one: Launched) -> None:
    said = look.turn.state.steering.get(rule.name)
    if said is not None and said.order == "stop":
        return  # It was stopped before its sweep came here.
    matched = ""
    if rule.audience is not None:
        segment = look.turn.plan.by_number.get(rule.audience)
        if segment is None or rule.audience not in look.profile.segments:
            return
        matched = matched_text(segment.condition.key(look.view, look.at))
    begin(look, rule, Cause(look.at, look.at, 0, "", one.what, EMPTY_MAP, matched))


def _stop(look: Look, journey: str) -> None:
    """Runs end, and what waits to leave does not."""
    why = STEERED["stop"]
    for run in [run for run in look.profile.runs if run.journey == journey]:
        if run.intent:
            run.stopped = run.stopped or why
        else:
            end(look, run, rule_of(look.turn.plan, run), why)
