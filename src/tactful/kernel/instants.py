"""Instants: what happens to a person by itself. Flips and waits fire each at its own instant, never at the instant at
which somebody got round to it (I6)."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from tactful.aggregates.newest import Newest
from tactful.events.derived import Row, RunEnded, SegmentLeft, SendMessage
from tactful.events.records import EMPTY_MAP
from tactful.journeys.rules import Cause, JourneyRule, fire, start
from tactful.journeys.runs import Run
from tactful.kernel.fragments import all_states, name_of
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn
from tactful.kernel.view import PersonView
from tactful.segments.membership import SegmentRule, evaluate, matched_text


class _Change(NamedTuple):
    """An instant at which definitions changed for everybody, and the segments that may say something else since."""

    at: int
    cause: str
    rules: Iterable[SegmentRule]


def pass_time(turn: Turn, profile: Profile, until: int, rows: list[Row]) -> None:
    """Bring a person up to `until`: every wake-up due, and every instant at which definitions changed meanwhile. An
    identifier that is nobody of its own has none, and one that waits for its fragments holds them back."""
    if profile.identity is not None and (profile.identity.is_waiting or profile.owner() is not None):
        return
    changes: list[_Change] = []
    if profile.settled < turn.state.generation:
        _forget(turn, profile, rows)
        changes = _changes(turn, profile, until)
        profile.settled = turn.state.generation
    while changes or (profile.wake_at is not None and profile.wake_at <= until):
        wake = profile.wake_at
        if changes and (wake is None or changes[-1].at <= wake):
            at, cause, rules = changes.pop()
        else:
            assert wake is not None
            at, cause, rules = wake, "time", _due(turn, profile, wake)
        _look(turn, profile, rules, max(at, profile.now), cause, rows)


def _due(turn: Turn, profile: Profile, at: int) -> list[SegmentRule]:
    """The segments that may flip by themselves by then."""
    by_number = turn.plan.by_number
    return [by_number[number] for number, wake in profile.wakes.items() if wake <= at]


def _changes(turn: Turn, profile: Profile, until: int) -> list[_Change]:
    """What the person has not been settled under, last first. The instant at which it was looked at counts again where
    a plan has come since: behind the record of that instant, perhaps."""
    plan, state, settled = turn.plan, turn.state, profile.settled
    after = profile.now if settled < state.adopted else profile.now + 1
    ready = {rule.ready_at for rule in plan.segments}
    changes = [_Change(at, "time", plan.segments) for at in ready if after <= at <= until]
    for metric, rules in plan.reading.threshold.items():
        new = [one for one in state.thresholds.get(metric, {}).values() if one.generation > settled]
        changes += [_Change(max(at, profile.now), "threshold", rules.values()) for at in {one.since for one in new}]
    return sorted(changes, key=lambda change: (change.at, change.cause == "threshold"), reverse=True)


def _look(turn: Turn, profile: Profile, rules: Iterable[SegmentRule], at: int, cause: str, rows: list[Row]) -> None:
    """A person at one instant; `rules` are the segments that may flip. Afterwards `wake_at` is later."""
    profile.now = at
    view = turn.view(profile)
    flip(turn, profile, view, rules, at, cause, rows)
    profile.wake_at = min(profile.wakes.values(), default=None)
    due_runs(turn, profile, view, at, rows)
    _let_go(turn, profile, rules, at)


def flip(
    turn: Turn,
    profile: Profile,
    view: PersonView,
    rules: Iterable[SegmentRule],
    at: int,
    cause: str,
    rows: list[Row],
    origin: str = "",
) -> None:
    """Look at segments, start what entering them starts, and keep `wake_at` no later than their next change. `origin`
    is the fragment of the record behind it; the profile's own where time passed."""
    wake, entered = evaluate(rules, profile.segments, profile.wakes, view, at, cause, rows)
    if wake is not None and (profile.wake_at is None or wake < profile.wake_at):
        profile.wake_at = wake
    for segment, matched in entered:
        for rule in turn.plan.started_by.get(segment.number, ()):
            if cause == "merge" and not rule.on_merge:
                continue
            began = origin or name_of(profile.key, profile.epoch)
            entry = Cause(at, at, 0, "", f"entered {segment.name}", EMPTY_MAP, matched, origin=began)
            begin(turn, profile, view, rule, entry, at, rows)


def _let_go(turn: Turn, profile: Profile, rules: Iterable[SegmentRule], at: int) -> None:
    """Drop what no window and no limit will see again: of what was looked at, and of everything where nothing more is
    waited for, so that people at rest stay small."""
    shrinking = turn.plan.shrinking
    looked_at = {fold.number for rule in rules for fold in rule.condition.folds} if profile.wakes else None
    for aggregates in all_states(profile):
        for number in list(aggregates if looked_at is None else looked_at):
            if number in shrinking and number in aggregates and shrinking[number].let_go(aggregates[number], at):
                del aggregates[number]
    for name in list(profile.sent):
        rule = turn.plan.journeys.get(name)
        if rule is not None and profile.sent[name][-1][0] <= at - rule.kept_us:
            del profile.sent[name]


def begin(
    turn: Turn, profile: Profile, view: PersonView, rule: JourneyRule, cause: Cause, now: int, rows: list[Row]
) -> None:
    """Start a run if its condition holds. What the run is about is what the entered segment matched, else what the
    journey's own condition does."""
    if not _holds(rule, view, now):
        return
    unwelcome = view.states.get(rule.unwelcome) if rule.unwelcome is not None and cause.ref else None
    assert unwelcome is None or isinstance(unwelcome, Newest)
    newest = (unwelcome.times[-1], unwelcome.refs[-1]) if unwelcome is not None else None
    if rule.condition is not None and not cause.matched:
        cause = replace(cause, matched=matched_text(rule.condition.key(view, now)))
    rows.extend(start(rule, profile.runs, profile.sent, cause, now, newest))


def due_runs(turn: Turn, profile: Profile, view: PersonView, at: int, rows: list[Row]) -> None:
    """Fire the waiting runs that are due, and keep `wake_at` no later than the next one."""
    for run in [run for run in profile.runs if not run.intent]:
        if run.due > at:
            if profile.wake_at is None or run.due < profile.wake_at:
                profile.wake_at = run.due
            continue
        row = _fire(turn, profile, view, run, at)
        rows.append(row)
        if isinstance(row, SendMessage):
            turn.intents.append(row)
        if not isinstance(row, SendMessage) or row.is_replay:
            profile.runs.remove(run)  # A replay hands nothing over, so no outcome will come.


def _fire(turn: Turn, profile: Profile, view: PersonView, run: Run, at: int) -> SendMessage | RunEnded:
    rule = turn.plan.journeys.get(run.journey)
    if rule is None:
        return RunEnded(at, run.journey, run.entry_key, "the journey is no longer published", run.started_ref)
    if not _holds(rule, view, at):
        return RunEnded(at, run.journey, run.entry_key, f"no longer true: {_text(rule)}", run.started_ref)
    return fire(rule, run, profile.sent, profile.key, at, turn.plan.version, is_replay=turn.state.is_replay)


def _holds(rule: JourneyRule, view: PersonView, at: int) -> bool:
    return rule.condition is None or (rule.ready_at <= at and rule.condition.holds(view, at))


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
    wakes = profile.wakes
    for aggregates in all_states(profile):
        for number in [number for number in aggregates if number not in plan.numbers]:
            del aggregates[number]
    for number in [number for number in wakes if number not in plan.by_number]:
        del wakes[number]
