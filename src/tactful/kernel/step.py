"""step(): one record in, decisions out. The only place where a person's state changes.

    every record   the clock goes on: max(clock, received_at)
    a person's     a repeat is dropped; what was due before fires, each at its own instant; then the record is applied:
                   fold, look at the segments that read it, stop runs, start runs, fire what is due at once
    a Tick         the same for everybody who is due, and for the next slice of a sweep
    a plan         takes effect at its instant, in every partition; people are settled by the sweep, or when next met

Pure: no clock, I/O or randomness; the same log gives the same bytes (I2). A Turn is what a worker decided since its
last commit; its profiles belong to the worker alone and change in place.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tactful.aggregates.newest import CAP, Newest, fold, prune
from tactful.consent.permits import ConsentWrite
from tactful.consent.permits import record as record_consent
from tactful.events.derived import ConsentChanged, EventKept, OutcomeNoted, Row, ref
from tactful.events.records import (
    EMPTY_MAP,
    Consent,
    Event,
    Forwarded,
    Imported,
    Outcome,
    Plan,
    Publish,
    Record,
    Tick,
    decode,
    unpack,
)
from tactful.journeys.rules import Cause, stop
from tactful.kernel.instants import begin, due_runs, pass_time
from tactful.kernel.plan import Reader, adopt, next_ready
from tactful.kernel.state import FIRST_KEY, Profile, only_fragment
from tactful.kernel.turn import Turn
from tactful.people import seen, traits
from tactful.segments.membership import SegmentRule, evaluate

GIVEN_BACK = ("refused", "lapsed", "rejected", "dropped")
"""Outcomes that count against no limit."""


def step(turn: Turn, record: Record, position: int, due: Sequence[str] = (), swept: Sequence[str] = ()) -> None:
    """Apply one record. `due` are the keys whose wake-up is due by then, asked for a Tick (at most its limit) and for
    what may bring a plan (all of them, since the plan before still decides what was due before); `swept` the next ones
    of the sweep, for a Tick."""
    generation = turn.state.generation
    if not isinstance(record, Plan):
        _go_on(turn, record.received_at)
    if isinstance(record, Tick):
        _pass_time(turn, dict.fromkeys((*due, *swept)), position)
        # Where a warming has ended with this very Tick, `swept` was not asked for the sweep that begins.
        if turn.state.sweep is not None and turn.state.generation == generation:
            turn.state.sweep = swept[-1] if len(swept) == record.limit else None
    elif isinstance(record, Publish | Plan | Forwarded):
        _PASSES_OF_PLANS[type(record)](turn, record, position, due)
    else:
        _PASSES[type(record)](turn, record, position)


def _go_on(turn: Turn, instant: int) -> None:
    """The clock goes on, never back; where a warming ends with it, people are settled anew."""
    state = turn.state
    state.clock = max(state.clock, instant)
    if state.ready_at is not None and state.ready_at <= state.clock and turn.plan_state is not None:
        state.generation += 1
        state.sweep = FIRST_KEY
        state.ready_at = next_ready(turn.plan_state, state.clock)


def _event(turn: Turn, event: Event, position: int) -> None:
    state = turn.state
    profile = turn.person(event.key)
    mark = seen.mark(event.message_id)
    if seen.is_repeat(profile.seen, mark):
        state.repeats += 1
        return
    now, here = state.clock, ref(state.partition, position)
    rows: list[Row] = []
    if profile.settled < state.generation or (profile.wake_at is not None and profile.wake_at <= now):
        pass_time(turn, profile, now, rows)
    profile.seen, early = seen.remember(profile.seen, mark, event.received_at // 1_000_000)
    state.forgotten += early
    state.events += 1
    rows.append(EventKept(event.timestamp, event.name, here))
    reader = turn.plan.reader(event.kind, event.name)
    properties = unpack(event.properties) if reader.needs_properties or event.kind == "identify" else {}
    context = unpack(event.context) if reader.needs_context else {}
    affected = _fold(reader, turn.newest(profile), event, here, now, properties, context)
    if event.kind == "identify":
        fragment = only_fragment(profile)
        traits.write(fragment.traits, properties, event.timestamp, event.received_at, here)
        affected |= turn.plan.trait_segments
    if reader.stops and profile.runs:
        order = (event.timestamp, event.received_at, here)
        rows.extend(stop(reader.stops, profile.runs, order, event.name, now))
    if not profile.tail:
        affected = turn.plan.blank | affected  # Everyone known has a value, from the first record on (LANGUAGE.md 1.8).
    if affected:
        _flip(turn, profile, affected, now, rows)
    for rule in reader.starts:
        if rule.where is None or rule.where.holds(properties, context):
            cause = Cause(event.timestamp, event.received_at, here, event.message_id, event.name, event.properties)
            begin(turn, profile, rule, cause, now, rows)
    if profile.runs:
        due_runs(turn, profile, now, rows)
    turn.close(profile, position, rows)


def _fold(
    reader: Reader,
    newest: dict[int, Newest],
    event: Event,
    here: int,
    now: int,
    properties: dict[str, Any],
    context: dict[str, Any],
) -> dict[int, SegmentRule]:
    """Fold the event into the aggregates that read it; returns the segments to look at."""
    affected: dict[int, SegmentRule] = {}
    at = event.timestamp
    for number, keep, window_us, test, segments in reader.folds:
        if test is not None and not test.holds(properties, context):
            continue
        if window_us is not None and at <= now - window_us:
            continue
        state = newest.get(number)
        if state is None:
            newest[number] = Newest([at], [here])
        else:
            if keep == CAP and window_us is not None:
                prune(state, now - window_us)
            fold(keep, state, at, here)
        affected.update(segments)
    return affected


def _flip(turn: Turn, profile: Profile, affected: dict[int, SegmentRule], now: int, rows: list[Row]) -> None:
    """Look at the segments that read the event, and start what entering them starts."""
    wake, entered = evaluate(
        affected.values(), profile.segments, turn.newest(profile), turn.traits(profile), now, "event", rows
    )
    if wake is not None and (profile.wake_at is None or wake < profile.wake_at):
        profile.wake_at = wake
    for segment in entered:
        for rule in turn.plan.started_by.get(segment.number, ()):
            begin(turn, profile, rule, Cause(now, now, 0, "", f"entered {segment.name}", EMPTY_MAP), now, rows)


def _consent(turn: Turn, consent: Consent, position: int) -> None:
    profile = turn.person(consent.key)
    mark = seen.mark(consent.message_id)
    if seen.is_repeat(profile.seen, mark):
        turn.state.repeats += 1
        return
    rows: list[Row] = []
    now, here = turn.state.clock, ref(turn.state.partition, position)
    pass_time(turn, profile, now, rows)
    profile.seen, early = seen.remember(profile.seen, mark, consent.received_at // 1_000_000)
    turn.state.forgotten += early
    write = ConsentWrite(
        consent.granted, consent.timestamp, consent.received_at, here, consent.text_version, consent.origin
    )
    if record_consent(only_fragment(profile).consents, consent.purpose, write):
        rows.append(ConsentChanged(now, consent.purpose, consent.granted, consent.origin, consent.text_version))
    if not profile.tail:
        _flip(turn, profile, turn.plan.blank, now, rows)
    turn.close(profile, position, rows)


def _outcome(turn: Turn, outcome: Outcome, position: int) -> None:
    """An outcome that was told before changes nothing: its run is gone, or held already."""
    profile = turn.known(outcome.key)
    runs = profile.runs if profile is not None else []
    run = next((run for run in runs if run.intent == outcome.intent), None)
    if profile is None or run is None or (outcome.status == "held" and run.is_held):
        return
    rows: list[Row] = []
    pass_time(turn, profile, turn.state.clock, rows)
    if outcome.status == "held":
        run.is_held = True
    else:
        profile.runs.remove(run)
    if outcome.status in GIVEN_BACK:
        entries = profile.sent.get(run.journey, [])
        profile.sent[run.journey] = [entry for entry in entries if entry[1] != outcome.intent]
        if not profile.sent[run.journey]:
            del profile.sent[run.journey]
    rows.append(
        OutcomeNoted(turn.state.clock, outcome.intent, run.journey, outcome.status, outcome.reason, outcome.detail)
    )
    turn.close(profile, position, rows)


def _pass_time(turn: Turn, keys: Iterable[str], position: int) -> None:
    for key in keys:
        profile = turn.person(key)
        rows: list[Row] = []
        pass_time(turn, profile, turn.state.clock, rows)
        turn.close(profile, position, rows)


def _publish(turn: Turn, publish: Publish, position: int, due: Sequence[str]) -> None:
    """Partition 0 numbers the plans and tells the others, through the ordered channels."""
    assert turn.state.partition == 0, "plans are published to partition 0"
    plan = Plan(turn.plan.version + 1, publish)
    for partition in range(1, turn.state.partitions):
        turn.tell(partition, plan)
    _plan(turn, plan, position, due)


def _plan(turn: Turn, plan: Plan, position: int, due: Sequence[str]) -> None:
    state = turn.state
    _pass_time(turn, due, position)
    turn.plan_state, turn.plan = adopt(turn.plan_state, plan, state.clock, is_empty=state.events == 0)
    turn.is_plan_new = True
    state.generation += 1
    state.sweep = FIRST_KEY if state.profiles else None
    state.ready_at = next_ready(turn.plan_state, state.clock)


def _forwarded(turn: Turn, forwarded: Forwarded, position: int, due: Sequence[str]) -> None:
    """Repeats are dropped and gaps are our bug: a channel is read exactly once, in order (IDENTITY.md 4)."""
    received = turn.state.received
    last = received.get(forwarded.src, 0)
    if forwarded.seq <= last:
        return
    assert forwarded.seq == last + 1, f"channel {forwarded.src}: {forwarded.seq} came after {last}"
    received[forwarded.src] = forwarded.seq
    _go_on(turn, forwarded.clock)
    step(turn, decode(forwarded.record), position, due)


def _imported(turn: Turn, imported: Imported, position: int) -> None:
    turn.state.imports[imported.digest] = (imported.line, imported.finished)
    turn.state.is_replay = not imported.finished


_PASSES: dict[type, Callable[[Turn, Any, int], None]] = {
    Event: _event,
    Consent: _consent,
    Outcome: _outcome,
    Imported: _imported,
}
_PASSES_OF_PLANS: dict[type, Callable[[Turn, Any, int, Sequence[str]], None]] = {
    Publish: _publish,
    Plan: _plan,
    Forwarded: _forwarded,
}
