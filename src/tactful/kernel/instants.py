"""Instants: what happens to a person by itself. Flips and waits fire each at its own instant, never at the instant at
which somebody got round to it (I6)."""

from collections.abc import Iterable
from typing import NamedTuple

from tactful.events.derived import Row, SegmentLeft
from tactful.events.records import EMPTY_MAP
from tactful.journeys.reached import LATE_GOALS_US
from tactful.journeys.rules import NEVER_AGAIN, Cause, JourneyRule
from tactful.kernel import launching, seeding
from tactful.kernel.fragments import all_states
from tactful.kernel.looks import Look
from tactful.kernel.starting import begin
from tactful.kernel.state import Launched, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.view import PersonView
from tactful.kernel.walking import go_on
from tactful.people import zones
from tactful.segments.membership import SegmentRule, evaluate

IMPORT = "import"
"""The cause of what changes with a record that was brought in afterwards; it starts nothing (decision 0011)."""


class _Change(NamedTuple):
    """An instant at which definitions changed for everybody, and the segments that may say something else since."""

    at: int
    cause: str
    rules: Iterable[SegmentRule]
    launched: Launched | None = None


def pass_time(turn: Turn, profile: Profile, until: int, rows: list[Row]) -> None:
    """Bring a person up to `until`: every wake-up due, and every instant at which definitions changed meanwhile. An
    identifier that is nobody of its own has none, and one that waits for its fragments holds them back."""
    if profile.identity is not None and (profile.identity.is_waiting or profile.owner() is not None):
        return
    changes: list[_Change] = []
    if profile.settled < turn.state.generation:
        _forget(turn, profile, rows)
        seeding.catch_up(turn, profile)
        changes = _changes(turn, profile, until)
        profile.settled = turn.state.generation
    while changes or (profile.wake_at is not None and profile.wake_at <= until):
        wake = profile.wake_at
        if changes and (wake is None or changes[-1].at <= wake):
            at, cause, rules, launched = changes.pop()
        else:
            assert wake is not None
            at, cause, rules, launched = wake, "time", (), None
        at = max(at, profile.now)
        _look(turn, profile, rules or _due(turn, profile, at), at, cause, rows)
        if launched is not None:
            launching.meet(Look(turn, profile, turn.view(profile), at, rows), launched)


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
    if profile.runs and settled < state.adopted:
        changes.append(_Change(max(plan.published_at, profile.now), "publish", ()))
    for metric, by_percent in state.thresholds.items():
        rules = plan.reading.threshold.get(metric, {})
        if not rules and not launching.asks(turn, metric):
            continue
        since = {one.since for one in by_percent.values() if one.generation > settled}
        changes += [_Change(max(at, profile.now), "threshold", rules.values()) for at in since]
    for one in launching.pending(turn, settled):
        changes.append(_Change(max(one.at, profile.now), "time", (), one))
    return sorted(changes, key=_order, reverse=True)


def _order(change: _Change) -> tuple[int, bool, int]:
    """Of one instant: what time does, then what somebody said, in the order in which it was."""
    launched = change.launched
    return change.at, change.cause == "threshold", launched.generation if launched is not None else 0


def _look(turn: Turn, profile: Profile, rules: Iterable[SegmentRule], at: int, cause: str, rows: list[Row]) -> None:
    """A person at one instant; `rules` are the segments that may flip. Afterwards `wake_at` is later."""
    profile.now = at
    view = turn.view(profile)
    if rules:
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
    place = len(rows)
    for fragment in profile.fragments.values():
        if fragment.unwritten:
            rules = _without_awaited(turn, profile, rules)
            break
    wake, entered = evaluate(rules, profile.segments, profile.wakes, view, at, cause, rows)
    if wake is not None and (profile.wake_at is None or wake < profile.wake_at):
        profile.wake_at = wake
    if cause == IMPORT:
        return
    plan = turn.plan
    if not entered and not (plan.left_by and len(rows) > place):
        return
    starts = [
        (rule, f"entered {one.name}", key)
        for one, key, why in entered
        for rule in plan.started_by.get(one.number, ())
        if why != "publish" or rule.on_publish
    ]
    if plan.left_by and len(rows) > place:
        starts += _left(turn, rows[place:])
    if not starts:
        return
    look = Look(turn, profile, view, at, rows)
    for rule, event, matched in sorted(starts, key=lambda start: _first(start[0])):
        if cause != "merge" or rule.on_merge:
            begin(look, rule, Cause(at, at, 0, "", event, EMPTY_MAP, matched, origin=origin))


def _without_awaited(turn: Turn, profile: Profile, rules: Iterable[SegmentRule]) -> list[SegmentRule]:
    """Those that read nothing of which the event is on its way: it is looked at them when it comes, and started what
    entering them starts."""
    readers = turn.plan.reading
    awaited: set[int] = set()
    for name in {name for fragment in profile.fragments.values() for name in fragment.unwritten}:
        awaited.update(readers.trait.get(name, ()))
        if name == zones.TRAIT:
            awaited.update(readers.zone)
    for number in awaited:
        profile.wakes.pop(number, None)
    return [rule for rule in rules if rule.number not in awaited]


def _left(turn: Turn, rows: Iterable[Row]) -> Iterable[tuple[JourneyRule, str, str]]:
    """What leaving segments starts."""
    numbers = {rule.name: rule.number for rule in turn.plan.segments}
    for row in rows:
        if isinstance(row, SegmentLeft) and row.cause != "publish":
            for rule in turn.plan.left_by.get(numbers[row.segment], ()):
                yield rule, f"left {row.segment}", ""


def _first(rule: JourneyRule) -> tuple[int, str]:
    """The order in which journeys are started at one instant: the higher priority first."""
    return -rule.priority, rule.name


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
    for name, entered in list(profile.entered.items()):
        rule = turn.plan.journeys.get(name)
        again_us = rule.again_us if rule is not None else 0
        if again_us != NEVER_AGAIN and max(entered.values()) <= at - again_us - _latest_us(rule):
            del profile.entered[name]
    if profile.pursuits:
        profile.pursuits = [one for one in profile.pursuits if at <= one.until + LATE_GOALS_US]


def _latest_us(rule: JourneyRule | None) -> int:
    """How late a start may be looked at."""
    return rule.first_us + rule.validity_us if rule is not None else 0


def due_runs(turn: Turn, profile: Profile, view: PersonView, at: int, rows: list[Row]) -> None:
    """Bring the runs on that are due, and keep `wake_at` no later than the next one."""
    if profile.runs:
        go_on(Look(turn, profile, view, at, rows))


def _forget(turn: Turn, profile: Profile, rows: list[Row]) -> None:
    """Drop what the plan no longer has; not what only a later one has, by which a partition ahead has counted."""
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
        for number in [number for number in aggregates if number not in plan.numbers and number <= plan.newest]:
            del aggregates[number]
    for number in [number for number in wakes if number not in plan.by_number]:
        del wakes[number]
