"""Instants: what happens to a person by itself. Flips and waits fire each at its own instant, never at the instant at
which somebody got round to it (I6)."""

from collections.abc import Iterable

from tactful.aggregates.newest import Newest, prune
from tactful.events.derived import Row, RunEnded, SegmentLeft, SendMessage
from tactful.events.records import EMPTY_MAP
from tactful.journeys.rules import Cause, JourneyRule, fire, start
from tactful.journeys.runs import Run
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn
from tactful.segments.membership import SegmentRule, evaluate


def pass_time(turn: Turn, profile: Profile, until: int, rows: list[Row]) -> None:
    """Bring a person up to `until`: every wake-up due, and every instant at which definitions changed meanwhile."""
    changes: list[int] = []
    if profile.settled < turn.state.generation:
        _forget(turn, profile, rows)
        ready = {rule.ready_at for rule in turn.plan.segments}
        # An instant at which it was looked at counts again: the plan may have come behind that record.
        changes = sorted((at for at in ready if profile.now <= at <= until), reverse=True)
        profile.settled = turn.state.generation
    while changes or (profile.wake_at is not None and profile.wake_at <= until):
        at, rules = profile.wake_at, turn.plan.moving(turn.newest(profile))
        if changes and (at is None or changes[-1] <= at):
            at, rules = changes.pop(), turn.plan.segments
        assert at is not None
        _look(turn, profile, rules, max(at, profile.now), rows)


def _look(turn: Turn, profile: Profile, rules: Iterable[SegmentRule], at: int, rows: list[Row]) -> None:
    """A person at one instant; `rules` are the segments that may flip. Afterwards `wake_at` is exact and later."""
    plan = turn.plan
    profile.now = at
    aggregates = turn.newest(profile)
    profile.wake_at, entered = evaluate(rules, profile.segments, aggregates, turn.traits(profile), at, "time", rows)
    for segment in entered:
        for rule in plan.started_by.get(segment.number, ()):
            begin(turn, profile, rule, Cause(at, at, 0, "", f"entered {segment.name}", EMPTY_MAP), at, rows)
    due_runs(turn, profile, at, rows)
    _let_go(plan, profile, aggregates, at)


def _let_go(plan: CompiledPlan, profile: Profile, aggregates: dict[int, Newest], at: int) -> None:
    """Drop what no window and no limit will see again, so that people at rest stay small."""
    gone = []
    for number, state in aggregates.items():
        window_us = plan.windows.get(number)
        if window_us is not None:
            prune(state, at - window_us)
            if not state.times:
                gone.append(number)
    for number in gone:
        del aggregates[number]
    for name in list(profile.sent):
        rule = plan.journeys.get(name)
        if rule is not None and profile.sent[name][-1][0] <= at - rule.per_us:
            del profile.sent[name]


def begin(turn: Turn, profile: Profile, rule: JourneyRule, cause: Cause, now: int, rows: list[Row]) -> None:
    """Start a run if its condition holds."""
    if not _holds(turn, profile, rule, now):
        return
    unwelcome = turn.newest(profile).get(rule.unwelcome) if rule.unwelcome is not None and cause.ref else None
    newest = (unwelcome.times[-1], unwelcome.refs[-1]) if unwelcome is not None else None
    rows.extend(start(rule, profile.runs, profile.sent, cause, now, newest))


def due_runs(turn: Turn, profile: Profile, at: int, rows: list[Row]) -> None:
    """Fire the waiting runs that are due, and keep `wake_at` no later than the next one."""
    for run in [run for run in profile.runs if not run.intent]:
        if run.due > at:
            if profile.wake_at is None or run.due < profile.wake_at:
                profile.wake_at = run.due
            continue
        row = _fire(turn, profile, run, at)
        rows.append(row)
        if isinstance(row, SendMessage):
            turn.intents.append(row)
        if not isinstance(row, SendMessage) or row.is_replay:
            profile.runs.remove(run)  # A replay hands nothing over, so no outcome will come.


def _fire(turn: Turn, profile: Profile, run: Run, at: int) -> SendMessage | RunEnded:
    rule = turn.plan.journeys.get(run.journey)
    if rule is None:
        return RunEnded(at, run.journey, run.entry_key, "the journey is no longer published", run.started_ref)
    if not _holds(turn, profile, rule, at):
        return RunEnded(at, run.journey, run.entry_key, f"no longer true: {_text(rule)}", run.started_ref)
    origin = f"{profile.key}#{profile.epoch}"
    return fire(rule, run, profile.sent, profile.key, origin, at, turn.plan.version, is_replay=turn.state.is_replay)


def _holds(turn: Turn, profile: Profile, rule: JourneyRule, at: int) -> bool:
    if rule.condition is None:
        return True
    return rule.ready_at <= at and rule.condition.holds(turn.newest(profile), turn.traits(profile), at)


def _text(rule: JourneyRule) -> str:
    return rule.condition.text if rule.condition is not None else ""


def _forget(turn: Turn, profile: Profile, rows: list[Row]) -> None:
    """Drop what the plan no longer has."""
    plan = turn.plan
    gone = [number for number in profile.segments if number not in plan.numbers]
    if gone and turn.plan_state is not None:
        names = {number: name for name, number in turn.plan_state.numbers.items()}
        for number in gone:
            del profile.segments[number]
            at = max(plan.published_at, profile.now)
            rows.append(SegmentLeft(at, names[number].removeprefix("segment/"), "publish", ()))
    aggregates = turn.newest(profile)
    for number in [number for number in aggregates if number not in plan.numbers]:
        del aggregates[number]
