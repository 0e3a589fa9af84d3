"""step(): one record in, decisions out. The only place where a person's state changes.

    every record   the clock goes on: max(clock, received_at)
    a person's     a repeat is dropped; what was due before fires, each at its own instant; then the record is applied:
                   fold, look at the segments that read it, stop runs, start runs, fire what is due at once
    a Tick         the same for everybody who is due, and for the next slice of a sweep
    a plan, or a threshold
                   takes effect at its instant, in every partition; people are settled by the sweep, or when next met

Pure: no clock, I/O or randomness; the same log gives the same bytes (I2). A Turn is what a worker decided since its
last commit; its profiles belong to the worker alone and change in place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tactful.consent.permits import ConsentWrite
from tactful.consent.permits import record as record_consent
from tactful.events.derived import ConsentChanged, EventKept, OutcomeNoted, Row, ref
from tactful.events.records import (
    Consent,
    Event,
    Forwarded,
    Imported,
    Outcome,
    Plan,
    Publish,
    Record,
    Score,
    Threshold,
    Tick,
    decode,
    unpack,
)
from tactful.journeys.rules import Cause, stop
from tactful.kernel import names
from tactful.kernel.instants import begin, due_runs, flip, pass_time
from tactful.kernel.plan import Rules, adopt, next_ready, revised
from tactful.kernel.state import FIRST_KEY, Fragment, Profile, ThresholdSet, only_fragment
from tactful.kernel.turn import Turn
from tactful.kernel.view import PersonView
from tactful.people import seen, traits, zones
from tactful.people.scores import ScoreWrite
from tactful.people.scores import record as record_score

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
    elif isinstance(record, Publish | Plan | Threshold | Forwarded):
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
    state, plan = turn.state, turn.plan
    profile = turn.person(event.key)
    rows = _arrived(turn, profile, event.message_id, event.received_at)
    if rows is None:
        return
    now, here = state.clock, ref(state.partition, position)
    state.events += 1
    names.count(state, event.name)
    rows.append(EventKept(event.timestamp, event.name, here))
    reader = plan.reader(event.kind, event.name)
    properties = unpack(event.properties) if reader.needs_properties or event.kind == "identify" else {}
    context = unpack(event.context) if reader.needs_context else {}
    fragment = only_fragment(profile)
    affected: Rules = {}
    if reader.read is not None:
        lag = event.received_at - event.timestamp
        for number in reader.read.read(fragment.aggregates, event.timestamp, lag, here, now, properties, context):
            if number in plan.reading.aggregate:
                affected.update(plan.reading.aggregate[number])
    _tell_of_person(turn, fragment, event, here, properties, affected)
    if reader.stops and profile.runs:
        order = (event.timestamp, event.received_at, here)
        rows.extend(stop(reader.stops, profile.runs, order, event.name, now))
    view = turn.view(profile)
    _look(turn, profile, view, affected, "event", rows)
    for rule in reader.starts:
        if rule.where is None or rule.where.holds(properties, context):
            cause = Cause(event.timestamp, event.received_at, here, event.message_id, event.name, event.properties)
            begin(turn, profile, view, rule, cause, now, rows)
    if profile.runs:
        due_runs(turn, profile, view, now, rows)
    turn.close(profile, position, rows)


def _arrived(turn: Turn, profile: Profile, message_id: str, received_at: int) -> list[Row] | None:
    """A record of a person that is no repeat: it is remembered, and what was due before fires. The rows of that; None
    for a repeat."""
    state = turn.state
    mark = seen.mark(message_id)
    if seen.is_repeat(profile.seen, mark):
        state.repeats += 1
        return None
    rows: list[Row] = []
    if profile.settled < state.generation or (profile.wake_at is not None and profile.wake_at <= state.clock):
        pass_time(turn, profile, state.clock, rows)
    profile.seen, early = seen.remember(profile.seen, mark, received_at // 1_000_000)
    state.forgotten += early
    return rows


def _tell_of_person(
    turn: Turn, fragment: Fragment, event: Event, here: int, properties: Mapping[str, Any], affected: Rules
) -> None:
    """What the event says of the person beside having happened; adds the segments that read what is now another."""
    reading = turn.plan.reading
    before = fragment.zone
    after = fragment.zone = zones.see(before, event.context, event.timestamp, event.received_at, here)
    if reading.zone and after is not None and (before is None or before.name != after.name):
        affected.update(reading.zone)
    if event.kind == "identify":
        for name in traits.write(fragment.traits, properties, event.timestamp, event.received_at, here):
            affected.update(reading.trait.get(name, {}))
            if name == zones.TRAIT:
                affected.update(reading.zone)


def _look(turn: Turn, profile: Profile, view: PersonView, affected: Rules, cause: str, rows: list[Row]) -> None:
    """Look at the segments that read what changed; of somebody new, also at those that need nothing to be known."""
    if not profile.tail:
        affected = turn.plan.reading.nothing | affected  # Everyone known has a value (LANGUAGE.md 1.8).
    if affected:
        flip(turn, profile, view, affected.values(), turn.state.clock, cause, rows)


def _consent(turn: Turn, consent: Consent, position: int) -> None:
    profile = turn.person(consent.key)
    rows = _arrived(turn, profile, consent.message_id, consent.received_at)
    if rows is None:
        return
    now, here = turn.state.clock, ref(turn.state.partition, position)
    write = ConsentWrite(
        consent.granted, consent.timestamp, consent.received_at, here, consent.text_version, consent.origin
    )
    affected: Rules = {}
    if record_consent(only_fragment(profile).consents, consent.purpose, write):
        rows.append(ConsentChanged(now, consent.purpose, consent.granted, consent.origin, consent.text_version))
        affected = turn.plan.reading.purpose.get(consent.purpose, {})
    _end(turn, profile, affected, "consent", position, rows)


def _score(turn: Turn, score: Score, position: int) -> None:
    profile = turn.person(score.key)
    rows = _arrived(turn, profile, score.message_id, score.received_at)
    if rows is None:
        return
    write = ScoreWrite(score.value, score.received_at, ref(turn.state.partition, position))
    is_new = record_score(only_fragment(profile).scores, score.model, write)
    affected = turn.plan.reading.score.get(score.model, {}) if is_new else {}
    _end(turn, profile, affected, "score", position, rows)


def _end(turn: Turn, profile: Profile, affected: Rules, cause: str, position: int, rows: list[Row]) -> None:
    """The end of a record that is no event."""
    view = turn.view(profile)
    _look(turn, profile, view, affected, cause, rows)
    due_runs(turn, profile, view, turn.state.clock, rows)
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
    _settle_anew(turn)


def revise(turn: Turn) -> None:
    """The plan was stored by another version of this program, and asks this one for aggregates that nobody counted:
    they begin now, and people are settled as after a publication."""
    assert turn.plan_state is not None
    turn.plan_state, turn.plan = revised(turn.plan_state, turn.state.clock)
    _settle_anew(turn)


def _settle_anew(turn: Turn) -> None:
    state = turn.state
    assert turn.plan_state is not None
    turn.is_plan_new = True
    turn.look_around()
    state.generation += 1
    state.adopted = state.generation
    state.sweep = FIRST_KEY if state.profiles else None
    state.ready_at = next_ready(turn.plan_state, state.clock)


def _threshold(turn: Turn, threshold: Threshold, position: int, due: Sequence[str]) -> None:
    """Partition 0 tells the others; then it takes effect at its instant, as a plan does. The newest by received_at
    counts, and of equal ones the last in the log of partition 0, which is the order of every channel."""
    state = turn.state
    if state.partition == 0:
        for partition in range(1, state.partitions):
            turn.tell(partition, threshold)
    _pass_time(turn, due, position)
    metric, percent = threshold.metric, threshold.percent
    by_percent = state.thresholds.setdefault(metric, {})
    before = by_percent.get(percent)
    if before is not None and before.received_at > threshold.received_at:
        return
    since, generation = (before.since, before.generation) if before is not None else (0, 0)
    if before is None or before.value != threshold.value:
        since = state.clock
        if metric in turn.plan.reading.threshold:
            state.generation += 1
            state.sweep = FIRST_KEY if state.profiles else None
        generation = state.generation
    by_percent[percent] = ThresholdSet(threshold.value, threshold.received_at, since, generation)
    turn.look_around()


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
    Score: _score,
    Outcome: _outcome,
    Imported: _imported,
}
_PASSES_OF_PLANS: dict[type, Callable[[Turn, Any, int, Sequence[str]], None]] = {
    Publish: _publish,
    Plan: _plan,
    Threshold: _threshold,
    Forwarded: _forwarded,
}
