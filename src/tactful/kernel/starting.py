"""Starting: whether a run begins (docs/journeys.md, "Starts"). A start is looked at in a fixed order, and the first no
is the reason; one that is refused changes nothing for the runs inside. Pure.
"""

from binascii import b2a_base64

from msgspec import Raw
from msgspec.structs import replace

from tactful.events.derived import RunEnded, RunStarted
from tactful.events.records import EMPTY_MAP, pack, unpack
from tactful.journeys.program import WaitFor, WaitUntil
from tactful.journeys.rules import NEVER_AGAIN, Cause, JourneyRule, arm_of, limit_text, used
from tactful.journeys.runs import Run
from tactful.journeys.unwelcome import came_after
from tactful.kernel.looks import Look, came_first, end, holds, is_still_true, rule_of, start_of, unless_text
from tactful.kernel.walking import walk
from tactful.people import seen
from tactful.segments.membership import matched_text
from tactful.values import format_duration, format_time

STEERED = {"pause": "the journey is paused", "drain": "the journey is draining", "stop": "the journey was stopped"}
_OPEN = WaitFor | WaitUntil
"""Waits of which it is not known beforehand how long they are."""
MOST_RUNS = 100
"""Of one journey, inside at the same time, of one person: whoever puts a thousand carts together is no customer."""
MOST_KEYS = 200
"""Entry keys of one journey whose newest start is remembered; of more the newest."""


def begin(look: Look, rule: JourneyRule, cause: Cause) -> None:
    """Start a run, or say why not. What it is about is the value of `key:`, else what the entered segment matched, else
    what the journey's own condition does."""
    if not is_still_true(look, rule):
        return
    if rule.condition is not None and not cause.matched:
        cause = replace(cause, matched=matched_text(rule.condition.key(look.view, look.at)))
    key = cause.matched if cause.key is None else cause.key
    runs = look.profile.runs
    inside = [run for run in runs if run.journey == rule.name and not run.intent]
    others = _others(look, rule) if rule.group else []
    restarted = [run for run in inside if run.entry_key == key]
    no = _steered(look, rule) or _late(look, rule, cause) or _unwelcome(look, rule, cause, key)
    if no is None and restarted and any(not rule.is_restarting or cause.at < run.started_at for run in restarted):
        return
    no = no or _again(look, rule, cause, key) or _limited(look, rule, cause) or _crowded(others, rule)
    if no is None and len(inside) - len(restarted) >= MOST_RUNS:
        no = f"{MOST_RUNS} runs are inside", cause.ref
    if no is not None:
        reason, ref = no
        told = RunEnded(look.at, rule.name, key, reason, ref, rule.version, started_at=cause.at)
        look.rows.append(told)
        return
    for run in restarted:
        end(look, run, rule_of(look.turn.plan, run), "restarted", cause.ref)
    for run, other in others:
        end(look, run, other, f"gave way to {rule.name}", cause.ref)
    _begin(look, rule, cause, key)


def _begin(look: Look, rule: JourneyRule, cause: Cause, key: str) -> None:
    profile, plan = look.profile, look.turn.plan
    if rule.again_us:
        _remember(look, rule, cause, key)
    run = Run(
        journey=rule.name,
        entry_key=key,
        started_at=cause.at,
        lag_us=cause.received_at - cause.at,
        started_ref=cause.ref,
        begun=_begun(cause.message_id) if cause.message_id else "",
        wait_us=0,
        event="" if cause.event == start_of(plan, rule) else cause.event,
        properties=_kept(rule, cause.properties),
        version=rule.version,
        origin=cause.origin,
        step=rule.program[0].name,
        arm=arm_of(rule, plan.sending.holdout, profile.key),
    )
    profile.runs.append(run)
    place = len(look.rows)
    walk(look, run, rule, 0, cause.at, is_beginning=True)
    # Known only when it has come to its first wait.
    due = cause.at + rule.first_us
    first = rule.program[0]
    if isinstance(first, _OPEN) and run.step == first.name:
        due = run.due
    started = RunStarted(look.at, rule.name, key, due, cause.because, rule.version, run.arm, cause.at)
    look.rows.insert(place, started)


def _begun(message_id: str) -> str:
    """48 bits of the mark by which repeats are known, as 8 characters."""
    return b2a_base64(seen.mark(message_id)[:6], newline=False).decode()


def _kept(rule: JourneyRule, properties: Raw) -> Raw:
    """As much of the event as messages read."""
    if rule.kept is None or properties == EMPTY_MAP:
        return properties
    if not rule.kept:
        return EMPTY_MAP
    return pack({name: value for name, value in unpack(properties).items() if name in rule.kept})


def _remember(look: Look, rule: JourneyRule, cause: Cause, key: str) -> None:
    """The newest start of each key, as long as it may refuse another."""
    entered = look.profile.entered.setdefault(rule.name, {})
    entered.pop(key, None)
    entered[key] = cause.at
    while len(entered) > MOST_KEYS:
        del entered[min(entered, key=lambda one: (entered[one], one))]


# ---- the reasons -----------------------------------------------------------------------------------------------------

No = tuple[str, int] | None
"""The reason, and the event behind it."""


def _steered(look: Look, rule: JourneyRule) -> No:
    said = look.turn.state.steering.get(rule.name)
    if said is None or said.since > look.at or said.order not in STEERED:
        return None
    return STEERED[said.order], 0


def _late(look: Look, rule: JourneyRule, cause: Cause) -> No:
    due = cause.at + rule.first_us
    if look.at <= due + rule.validity_us:
        return None
    late = f"too late: was due at {format_time(due)}, valid for {format_duration(rule.validity_us)}"
    return late, cause.ref


def _unwelcome(look: Look, rule: JourneyRule, cause: Cause, key: str) -> No:
    """An event behind a start that arrives late, or a condition that holds already."""
    for one in rule.exits:
        if one.when is not None:
            if holds(look, one.when):
                return unless_text(one.when), cause.ref
        elif cause.ref and one.match is not None:
            newest = came_after(one, look.view.states, key, (cause.at, cause.ref))
            if newest is not None:
                return came_first(one.match), newest[1]
    return None


def _again(look: Look, rule: JourneyRule, cause: Cause, key: str) -> No:
    newest = look.profile.entered.get(rule.name, {}).get(key) if rule.again_us else None
    if newest is None or (rule.again_us != NEVER_AGAIN and cause.at >= newest + rule.again_us):
        return None
    again = "never" if rule.again_us == NEVER_AGAIN else format_duration(rule.again_us)
    return f"again: {again}, and it began at {format_time(newest)}", cause.ref


def _limited(look: Look, rule: JourneyRule, cause: Cause) -> No:
    """Where it is known when the first message is due."""
    after = rule.first_send_us
    if after is None or not used(rule, look.profile.sent, max(cause.at + after, look.at)):
        return None
    return limit_text(rule), cause.ref


def _others(look: Look, rule: JourneyRule) -> list[tuple[Run, JourneyRule]]:
    """Runs of other journeys of the group."""
    found = []
    for run in look.profile.runs:
        if run.intent or run.journey == rule.name:
            continue
        other = rule_of(look.turn.plan, run)
        if other is not None and other.group == rule.group:
            found.append((run, other))
    return found


def _crowded(others: list[tuple[Run, JourneyRule]], rule: JourneyRule) -> No:
    for run, other in others:
        if other.priority >= rule.priority:
            return f"group {rule.group}: {run.journey} is inside", run.started_ref
    return None
