"""Walking: how a run goes from step to step (docs/journeys.md, "Steps").

A run stands at the step where it waits. Its moment, from which everything counts, is the instant at which its last wait
ended; the instant at which somebody looks is another matter, and only says what is due and what holds. So a start that
arrives late catches up step by step. Pure; what it decides are rows, intents, and events to this very partition.
"""

from tactful.events import zones
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
from tactful.journeys.rules import JourneyRule, share_of
from tactful.journeys.runs import FOR_EVER, Run
from tactful.kernel.acting import send, set_traits
from tactful.kernel.looks import Look, end, holds, is_still_true, rule_of, stands_still, take, unless_text, wake_by

FINISHED = "finished"
"""The reason of a run that came to the end of its steps."""
UNPUBLISHED = "the journey is no longer published"


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
            # Without a zone it has waited for something else, and keeps the due time that it had.
            if run.zone and run.zone != look.view.zone:
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
        take(look, run, "over")
        walk(look, run, rule, step.otherwise, run.due)
    elif step.when is not None and holds(look, step.when):
        take(look, run, "came", because=step.when.condition.because(look.view, look.at))
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
    take(look, run, "came", name, ref=ref)
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
                end(look, run, rule, f"no longer true: {rule.condition.said}", run.started_ref)
                return
            withheld = send(look, run, rule, step, moment)
            if not withheld and step.next == END:
                return
            index, is_beginning = step.next, False
            continue
        withheld = ""
        match step:
            case Branch() | Split():
                index = _branch(look, run, step)
            case SetTraits():
                set_traits(look, run, step)
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
    if is_over and isinstance(step, Wait | WaitUntil):
        run.zone = ""
        return step.next, run.due
    if is_over and isinstance(step, WaitFor):
        take(look, run, "over")
        return step.otherwise, run.due
    if not isinstance(step, WaitFor):
        wake_by(look.profile, run.due)
    elif step.when is not None and holds(look, step.when):
        take(look, run, "came", because=step.when.condition.because(look.view, look.at))
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
        waited = step.when.condition.said if step.when is not None else waited
    take(look, run, "wait", waited, until=run.due)


def _branch(look: Look, run: Run, step: Branch | Split) -> int:
    """Where the run goes on."""
    if isinstance(step, Branch):
        is_so = holds(look, step.when)
        because = step.when.condition.because(look.view, look.at) if step.when.ready_at <= look.at else ()
        take(look, run, "branch", "then" if is_so else "else", because=because)
        return step.then if is_so else step.otherwise
    drawn = share_of("split", run.journey, step.name, look.profile.key)
    name, _, target = next(arm for arm in step.arms if drawn < arm[1])
    take(look, run, "split", name)
    return target
