"""Acting: what steps do beside waiting: they send messages, and set traits. Pure.

An id of what a run does is made of the run's own beginning and of the step, so that it is the same whatever is read
again, and whomever the person became meanwhile (IDENTITY.md 4).
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tactful.events.derived import SendMessage
from tactful.events.records import Event, pack, unpack
from tactful.journeys.program import END, Send, SetTraits
from tactful.journeys.rules import JourneyRule, count, limit_text, used
from tactful.journeys.runs import Run
from tactful.kernel import fragments
from tactful.kernel.deciding import may_collect
from tactful.kernel.looks import Look, origin_of, pursue, start_of, take
from tactful.kernel.state import Profile
from tactful.kernel.verdict import Said
from tactful.language.compiled import Valued
from tactful.people import seen, traits
from tactful.values import Duration, Time, digest, format_duration, format_time

ALREADY_SENT = "already sent"
SOURCE = "tactful"


def _identity(profile: Profile, run: Run, step: str) -> tuple[str, ...]:
    """What an id of something that a run does is made of: never of which profile the person became (IDENTITY.md 4)."""
    begun = run.begun or f"{run.started_at}"
    return run.journey, run.version, step, run.entry_key, origin_of(profile, run), begun


def send(look: Look, run: Run, rule: JourneyRule, step: Send, moment: int) -> str:
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
            take(look, run, "withheld", why)
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


def set_traits(look: Look, run: Run, step: SetTraits) -> None:
    """Traits are written as a server's identify would, by an event that comes to this partition's own log: so it stands
    there, with a place of its own, and is folded as any other. It comes back behind whatever else is due by now, so it
    is folded in here as well: whoever catches up with hours sees at each step what the steps before have set. Segments
    wait for the event, which says why they flip (instants.py)."""
    if step.ready_at > look.at:
        take(look, run, "set", "{}")
        return
    values: dict[str, Any] = {}
    for name, value in step.values:
        found = value.value(look.view, look.at) if isinstance(value, Valued) else value
        if found is not None or not isinstance(value, Valued):
            values[name] = _plain(found)
    take(look, run, "set", msgspec.json.encode(values).decode())
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
    if seen.is_repeat(profile.seen, seen.mark(seen.name_of(event))):
        return  # Edited, the run has come to this step again.
    turn.tell(turn.state.partition, event)
    if turn.plan.policy.collect and not may_collect(turn, profile, Said()):
        return
    # Of the same order as the event when it comes, but for its place, which is behind all that is there by now: that
    # one replaces this.
    name = fragments.name_of(profile.key, profile.epoch)
    fragment = fragments.fragment(profile, name, seeded=turn.seeded, since=turn.plan.version)
    there = (one.traits[name].ref for one in profile.fragments.values() for name in values if name in one.traits)
    written = unpack(event.properties), event.timestamp, event.received_at, max(there, default=0) + 1, SOURCE
    changed = traits.write(fragment.traits, *written, rules=turn.plan.traits)
    fragment.unwritten = [*fragment.unwritten, *changed]
    look.view.renew()


def is_set_by_journey(event: Event) -> bool:
    """Whether `set_traits` has made it."""
    return event.kind == "identify" and event.source == SOURCE and event.trust == "server"


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
