"""Walking: how a run goes from step to step (docs/journeys.md, "Steps").

A run stands at the step where it waits. Its moment, from which everything counts, is the instant at which its last wait
ended; the instant at which somebody looks is another matter, and only says what is due and what holds. So a start that
arrives late catches up step by step. Pure; what it decides are rows, intents, and events to this very partition.
"""

from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from tactful.events import zones
from tactful.events.derived import Reading, Row, RunEnded, SendMessage, StepTaken
from tactful.events.records import Event, pack
from tactful.journeys.program import (
    END,
    Branch,
    Exit,
    Instruction,
    Send,
    SetTraits,
    Split,
    Timed,
    Wait,
    WaitFor,
    WaitUntil,
)
from tactful.journeys.rules import JourneyRule, count, limit_text, share_of, used
from tactful.journeys.runs import FOR_EVER, Pursuit, Run
from tactful.kernel.fragments import name_of
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.view import PersonView
from tactful.language.compiled import Valued
from tactful.values import DAY_US, Duration, Time, digest, format_duration, format_time

FINISHED = "finished"
"""The reason of a run that came to the end of its steps."""
UNPUBLISHED = "the journey is no longer published"
ALREADY_SENT = "already sent"
SOURCE = "tactful"
CALL = "call"
LATE_GOALS_US = DAY_US
"""So long after its end a goal is still counted."""
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


# ---- looking ---------------------------------------------------------------------------------------------------------


def go_on(look: Look) -> None:
    """Everything about a person's runs that is so by now: what ends them, what is due, what has come to hold; and keep
    `wake_at` no later than the next such instant."""
    plan = look.turn.plan
    for run in list(look.profile.runs):
        rule = rule_of(plan, run)
        if rule is not None and rule.exits and _has_ended(look, run, rule):
            continue
        if run.intent:
            continue
        if rule is None:
            if run.due <= look.at:
                end(look, run, None, UNPUBLISHED, run.started_ref)
            else:
                wake_by(look.profile, run.due)
        elif not stands_still(look.turn.state, run.journey, look.at):
            _go_on(look, run, rule)


def wake_by(profile: Profile, at: int) -> None:
    if profile.wake_at is None or at < profile.wake_at:
        profile.wake_at = at


def _await(look: Look, timed: Timed) -> None:
    """Look again when a condition may be another."""
    if timed.ready_at > look.at:
        wake_by(look.profile, timed.ready_at)
    elif not timed.condition.is_still:
        change = timed.condition.next_change(look.view, look.at)
        if change is not None:
            wake_by(look.profile, change)


def _has_ended(look: Look, run: Run, rule: JourneyRule) -> bool:
    """Whether a condition of `unless` holds: it ends the run, or stops what waits to leave."""
    for one in rule.exits:
        if one.when is None:
            continue
        if not holds(look, one.when):
            _await(look, one.when)
            continue
        why = unless_text(one.when)
        if run.intent:
            run.stopped = run.stopped or why
        else:
            end(look, run, rule, why)
        return True
    return False


def unless_text(timed: Timed) -> str:
    """A condition that ends runs, as a reason."""
    return f"unless {timed.condition.text}"


def _go_on(look: Look, run: Run, rule: JourneyRule) -> None:
    """One run, where it stands: in the program of today it may stand elsewhere, or nowhere."""
    index = rule.place(run.step)
    if index is None:
        end(look, run, rule, f"edited: there is no step {run.step} any more")
        return
    at = look.at
    match rule.program[index]:
        case WaitFor() as step:
            _go_on_waiting(look, run, rule, step)
        case WaitUntil() as step:
            if run.zone != look.view.zone:
                _wait_until(look, run, step, run.moment)
                if run.due > at:
                    _tell_wait(look, run)
            _go_on_due(look, run, rule, step.next)
        case Wait(us=us, next=next_):
            if run.wait_us == FOR_EVER:  # It has waited for something else.
                run.wait_us = us
            _go_on_due(look, run, rule, next_)
        case _:
            _go_on_due(look, run, rule, index)


def _go_on_due(look: Look, run: Run, rule: JourneyRule, index: int) -> None:
    if run.due <= look.at:
        walk(look, run, rule, index, run.due)
    else:
        wake_by(look.profile, run.due)


def _go_on_waiting(look: Look, run: Run, rule: JourneyRule, step: WaitFor) -> None:
    """What came while the journey was paused counts, and first; at the instant when the time is over, it is over."""
    if run.came is not None:
        came(look, run, rule, step, *run.came)
    elif run.due and run.due <= look.at:
        _take(look, run, "over")
        walk(look, run, rule, step.otherwise, run.due)
    elif step.when is not None and holds(look, step.when):
        _take(look, run, "came", because=step.when.condition.because(look.view, look.at))
        walk(look, run, rule, step.came, look.at)
    else:
        _wait_on(look, run, step)


def _wait_on(look: Look, run: Run, step: WaitFor) -> None:
    if run.due:
        wake_by(look.profile, run.due)
    if step.when is not None:
        _await(look, step.when)


def came(look: Look, run: Run, rule: JourneyRule, step: WaitFor, timestamp: int, ref: int, name: str) -> None:
    """The event that the run waited for."""
    run.came = None
    _take(look, run, "came", name, ref=ref)
    walk(look, run, rule, step.came, timestamp)


# ---- walking ---------------------------------------------------------------------------------------------------------


def walk(look: Look, run: Run, rule: JourneyRule, index: int, moment: int, *, is_beginning: bool = False) -> None:
    """From an instruction on, until the run waits or ends. The wait for a duration with which a run begins is told by
    its beginning."""
    run.zone = ""
    withheld = ""
    while index != END:
        step = rule.program[index]
        run.step = step.name
        if isinstance(step, Send):
            if not is_still_true(look, rule):
                assert rule.condition is not None
                end(look, run, rule, f"no longer true: {rule.condition.text}", run.started_ref)
                return
            withheld = _send(look, run, rule, step, moment)
            if not withheld and step.next == END:
                return
            index, is_beginning = step.next, False
            continue
        withheld = ""
        match step:
            case Branch() | Split():
                index = _branch(look, run, step)
            case SetTraits():
                _set(look, run, step)
                index = step.next
            case Exit(reason=reason):
                end(look, run, rule, reason)
                return
            case _:
                is_told = is_beginning and isinstance(step, Wait)
                went = _wait(look, run, step, moment, is_told=is_told)
                if went is None:
                    return
                index, moment = went
        is_beginning = False
    end(look, run, rule, withheld or FINISHED, run.started_ref if withheld else 0)


def _wait(look: Look, run: Run, step: Instruction, moment: int, *, is_told: bool) -> tuple[int, int] | None:
    """Come to a wait: where the run goes on, and its moment then; None where it waits."""
    match step:
        case Wait(us=us):
            run.stand(moment, moment + us)
        case WaitUntil():
            _wait_until(look, run, step, moment)
        case WaitFor():
            run.stand(moment, moment + step.at_most_us if step.at_most_us else 0)
    is_over = bool(run.due) and run.due <= look.at
    if isinstance(step, Wait | WaitUntil) and is_over:
        run.zone = ""
        return step.next, run.due
    if isinstance(step, WaitFor) and is_over:
        _take(look, run, "over")
        return step.otherwise, run.due
    if not isinstance(step, WaitFor):
        wake_by(look.profile, run.due)
    elif step.when is not None and holds(look, step.when):
        _take(look, run, "came", because=step.when.condition.because(look.view, look.at))
        return step.came, moment
    else:
        _wait_on(look, run, step)
    if not is_told:
        _tell_wait(look, run, step)
    return None


def _wait_until(look: Look, run: Run, step: WaitUntil, moment: int) -> None:
    """By the person's clock of now."""
    run.zone = look.view.zone
    run.stand(moment, zones.next_time(zones.known(run.zone), moment, step.minute, step.weekdays))


def _tell_wait(look: Look, run: Run, step: Instruction | None = None) -> None:
    waited = ""
    if isinstance(step, WaitFor):
        waited = " or ".join(sorted(step.match.events)) if step.match is not None else ""
        waited = step.when.condition.text if step.when is not None else waited
    _take(look, run, "wait", waited, until=run.due)


def _take(
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
    told = run.journey, run.entry_key, run.started_at, run.step, what, detail, until, because, ref
    look.rows.append(StepTaken(look.at, *told))


def _branch(look: Look, run: Run, step: Branch | Split) -> int:
    """Where the run goes on."""
    if isinstance(step, Branch):
        is_so = holds(look, step.when)
        because = step.when.condition.because(look.view, look.at) if step.when.ready_at <= look.at else ()
        _take(look, run, "branch", "then" if is_so else "else", because=because)
        return step.then if is_so else step.otherwise
    drawn = share_of("split", run.journey, step.name, look.profile.key)
    name, _, target = next(arm for arm in step.arms if drawn < arm[1])
    _take(look, run, "split", name)
    return target


# ---- what steps do ---------------------------------------------------------------------------------------------------


def origin_of(profile: Profile, run: Run | Pursuit) -> str:
    """The fragment whose record started a run."""
    return run.origin or name_of(profile.key, profile.epoch)


def _identity(profile: Profile, run: Run, step: str) -> tuple[str, ...]:
    """What an id of something that a run does is made of: never of which profile the person became (IDENTITY.md 4)."""
    begun = run.begun or f"{run.started_at}"
    return run.journey, run.version, step, run.entry_key, origin_of(profile, run), begun


def _send(look: Look, run: Run, rule: JourneyRule, step: Send, moment: int) -> str:
    """An intent; or the reason why none. Where nothing comes behind it the run itself is what was handed over, else a
    copy is."""
    turn, profile, at = look.turn, look.profile, look.at
    why = ""
    if run.arm:
        why = f"holdout: {run.arm}"
    elif step.name in run.had:
        why = ALREADY_SENT
    elif used(rule, profile.sent, at):
        why = limit_text(rule)
    if why:
        if step.next != END:
            _take(look, run, "withheld", why)
        return why
    is_replay = turn.state.is_replay
    intent = digest(*_identity(profile, run, step.name))
    sent = replace(run, intent=intent, came=None)
    count(rule, profile.sent, at, sent)
    row = SendMessage(
        at=at,
        intent=intent,
        key=profile.key,
        journey=run.journey,
        entry_key=run.entry_key,
        channel=step.channel,
        message=step.target,
        purpose=step.purpose,
        due=at,
        valid_until=moment + step.validity_us,
        plan=turn.plan.version,
        started_at=run.started_at,
        started_ref=run.started_ref,
        event=run.event or start_of(turn.plan, rule),
        properties=run.properties,
        is_replay=is_replay,
        version=run.version,
        step=step.name,
        priority=rule.priority,
    )
    look.rows.append(row)
    turn.intents.append(row)
    runs = profile.runs
    if step.next == END:
        pursue(look, run, rule)
        runs[:] = [one for one in runs if one is not run]
    if not is_replay:  # A replay hands nothing over, so no outcome will come.
        runs.append(sent)
    return ""


def _set(look: Look, run: Run, step: SetTraits) -> None:
    """Traits are written as a server's identify would, by an event that comes to this partition's own log: so it stands
    there, with a place of its own, and is folded as any other."""
    if step.ready_at > look.at:
        _take(look, run, "set", "{}")
        return
    values: dict[str, Any] = {}
    for name, value in step.values:
        found = value.value(look.view, look.at) if isinstance(value, Valued) else value
        if found is not None or not isinstance(value, Valued):
            values[name] = _plain(found)
    _take(look, run, "set", msgspec.json.encode(values).decode())
    if not values:
        return
    turn, profile = look.turn, look.profile
    event = Event(
        version=1,
        source=SOURCE,
        trust="server",
        kind="identify",
        name="$identify",
        key=profile.key,
        ids=(profile.key,),
        message_id=digest("set", *_identity(profile, run, step.name)),
        timestamp=look.at,
        received_at=turn.state.clock,
        properties=pack(values),
    )
    turn.tell(turn.state.partition, event)


def _plain(value: Any) -> Any:
    """As a call would have said it: times and durations are texts there."""
    match value:
        case Time():
            return format_time(value)
        case Duration():
            return format_duration(value)
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value


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
