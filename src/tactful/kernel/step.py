"""step(): one record in, decisions out. The only place where a person's state changes.

    every record   the clock goes on: max(clock, received_at)
    a person's     a repeat is dropped, and what does not fit is refused (verdict.py), where it enters; then it goes to
                   whoever the identifier belongs to (ties.py). There what was due before fires, each at its own
                   instant; then the record is applied (person.py): fold, look at the segments that read it, stop runs,
                   start runs, fire what is due at once
    between identifiers
                   a tie is made or taken back: fragments of people come and go (ties.py)
    a Tick         the same for everybody who is due, and for the next slice of a sweep
    a plan, a seed, a threshold, a campaign, an order to a journey
                   takes effect at its instant, in every partition; people are settled by the sweep, or when next met

Pure: no clock, I/O or randomness; the same log gives the same bytes (I2). A Turn is what a worker decided since its
last commit; its profiles belong to the worker alone and change in place.
"""

from collections.abc import Callable, Sequence
from typing import Any, get_args

from msgspec import Raw
from msgspec.structs import replace

from tactful.events import responses
from tactful.events.derived import Row, ref
from tactful.events.records import (
    Between,
    Consent,
    Enter,
    Event,
    Forwarded,
    Imported,
    Launch,
    Outcome,
    Passed,
    Plan,
    Publish,
    Record,
    Score,
    Seed,
    Steer,
    Take,
    Threshold,
    Tick,
    Unmerge,
    decode,
    decode_told,
    encode,
)
from tactful.kernel import adopting, deciding, launching, person, ties, verdict
from tactful.kernel.deciding import Entry
from tactful.kernel.fragments import name_of
from tactful.kernel.instants import pass_time
from tactful.kernel.plan import next_ready
from tactful.kernel.state import FIRST_KEY, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.verdict import KEEP, Judged
from tactful.people import seen

OfPerson = Event | Consent | Score | Enter | Outcome
_BETWEEN = get_args(Between)


def step(turn: Turn, record: Record, position: int, due: Sequence[str] = (), swept: Sequence[str] = ()) -> None:
    """Apply one record. `due` are the keys whose wake-up is due by then, asked for a Tick (at most its limit) and for
    what may bring a plan (all of them, since the plan before still decides what was due before); `swept` the next ones
    of the sweep, for a Tick."""
    generation = turn.state.generation
    if not isinstance(record, Plan):
        _go_on(turn, record.received_at)
    pass_ = _PASSES.get(type(record))
    if pass_ is not None:
        pass_(turn, record, position)
    elif isinstance(record, Tick):
        adopting.pass_people(turn, dict.fromkeys((*due, *swept)), position)
        # Where a warming has ended with this very Tick, `swept` was not asked for the sweep that begins.
        if turn.state.sweep is not None and turn.state.generation == generation:
            turn.state.sweep = swept[-1] if len(swept) == record.limit else None
            if turn.state.sweep is None:
                launching.settled(turn)
    else:
        _PASSES_OF_PLANS[type(record)](turn, record, position, due)
    while turn.local:
        _between(turn, turn.local.popleft(), position)


def _go_on(turn: Turn, instant: int) -> None:
    """The clock goes on, never back; where a warming ends with it, or a schedule's instant comes, people are settled
    anew."""
    state = turn.state
    state.clock = max(state.clock, instant)
    if state.ready_at is not None and state.ready_at <= state.clock and turn.plan_state is not None:
        state.generation += 1
        state.sweep = FIRST_KEY
        state.ready_at = next_ready(turn.plan_state, state.clock)
    if state.start_at is not None and state.start_at <= state.clock:
        launching.pass_schedules(turn)


# ---- records of people -----------------------------------------------------------------------------------------------


def _event(turn: Turn, event: Event, position: int) -> None:
    state, plan = turn.state, turn.plan
    here = ref(state.partition, position)
    profile = turn.known(event.key)
    mark = seen.mark_of(event)
    if profile is not None and _is_repeat(turn, profile, mark):
        return
    judged = verdict.judge(plan, event, plan.reader(event.kind, event.name))
    if profile is None and event.kind == responses.KIND:
        # Somebody who is not known any more: an old mail makes nobody known again.
        person.refuse(turn, None, event, here, Judged(verdict.DROP, "unknown_person"), position)
        return
    is_nobodys = profile is None and plan.policy.collect != "" and not deciding.may_collect_of_nobody(turn, event)
    if is_nobodys and judged.verdict == KEEP and ties.ask(turn, event, here):
        return
    if is_nobodys:
        person.refuse(turn, None, event, here, Judged(plan.policy.otherwise, "no_consent"), position)
        return
    if judged.verdict != KEEP and (profile is None or not plan.policy.collect):
        person.refuse(turn, profile, event, here, judged, position)
        return
    profile = profile or turn.person(event.key)
    _enter(turn, profile, event, here, position, mark, judged)


def _of_person(turn: Turn, record: Consent | Score | Enter, position: int) -> None:
    profile = turn.person(record.key)
    mark = seen.mark_of(record)
    if not _is_repeat(turn, profile, mark):
        _enter(turn, profile, record, ref(turn.state.partition, position), position, mark)


def _outcome(turn: Turn, outcome: Outcome, position: int) -> None:
    profile = turn.known(outcome.key)
    if profile is not None:
        _enter(turn, profile, outcome, ref(turn.state.partition, position), position, b"")


def _is_repeat(turn: Turn, profile: Profile, mark: bytes) -> bool:
    if not seen.is_repeat(profile.seen, mark):
        return False
    turn.state.repeats += 1
    return True


def _remember(turn: Turn, profile: Profile, mark: bytes, received_at: int) -> None:
    profile.seen, early = seen.remember(profile.seen, mark, received_at // 1_000_000)
    if early:
        turn.state.forgotten += early


def _enter(
    turn: Turn,
    profile: Profile,
    record: OfPerson,
    here: int,
    position: int,
    mark: bytes,
    judged: Judged | None = None,
) -> None:
    """A record at the identifier that it names first: from here it goes to whoever that belongs to. What does not fit
    is not remembered, so that it may come again when it does; nor is what has no mark."""
    is_fit = judged is None or judged.verdict == KEEP
    if is_fit and mark:
        _remember(turn, profile, mark, record.received_at)
    name = name_of(profile.key, profile.epoch)
    row = profile.identity
    if row is None or not (row.is_waiting or profile.owner() is not None):
        _apply(turn, profile, record, Entry(here, name), position, judged, is_entering=True)
        return
    if is_fit and isinstance(record, Event):
        _meet(turn, profile, record, position)
    if row.is_waiting:
        ties.defer(profile, Passed(profile.key, Raw(encode(record)), here, name, ()))
    else:
        ties.pass_on(turn, profile, record, here)


def _meet(turn: Turn, profile: Profile, event: Event, position: int) -> None:
    if len(event.ids) > 1:
        rows: list[Row] = []
        ties.meet(turn, profile, event, rows)
        if rows:
            turn.close(profile, position, rows)


def _passed(turn: Turn, passed: Passed, position: int) -> None:
    """A record that entered elsewhere."""
    profile = turn.person(passed.key)
    if profile.identity is not None:
        if profile.identity.is_waiting:
            ties.defer(profile, passed)
            return
        owner = profile.owner()
        if owner is not None:
            tied = max(passed.tied, profile.identity.tied.get(profile.epoch, 0))
            turn.send(replace(passed, key=owner, path=(*passed.path, (profile.key, profile.epoch)), tied=tied))
            return
    record = decode(passed.record)
    assert isinstance(record, OfPerson)
    if passed.is_entering and not isinstance(record, Outcome):
        mark = seen.mark_of(record)
        if _is_repeat(turn, profile, mark):
            return
        _remember(turn, profile, mark, record.received_at)
    is_entering = passed.is_entering and not passed.path
    entry = Entry(passed.ref, passed.fragment, passed.path, passed.tied or _happened_at(record))
    _apply(turn, profile, record, entry, position, None, is_entering=is_entering)


def _happened_at(record: OfPerson) -> int:
    return record.timestamp if isinstance(record, Event | Consent) else record.received_at


def _apply(
    turn: Turn,
    profile: Profile,
    record: OfPerson,
    entry: Entry,
    position: int,
    judged: Judged | None,
    *,
    is_entering: bool,
) -> None:
    """The record has come to the person. What was due before fires before."""
    state = turn.state
    if isinstance(record, Outcome):
        person.apply_outcome(turn, profile, record, position)
        return
    rows: list[Row] = []
    if profile.settled < state.generation or (profile.wake_at is not None and profile.wake_at <= state.clock):
        pass_time(turn, profile, state.clock, rows)
    match record:
        case Event():
            if _apply_event(turn, profile, record, entry, position, rows, judged, is_entering) and is_entering:
                _meet(turn, profile, record, position)  # What waited, or came from elsewhere, has met already.
        case Consent():
            person.apply_consent(turn, profile, record, entry, position, rows)
        case Score():
            person.apply_score(turn, profile, record, entry, position, rows)
        case Enter():
            person.apply_enter(turn, profile, record, entry, position, rows)


def _apply_event(
    turn: Turn,
    profile: Profile,
    event: Event,
    entry: Entry,
    position: int,
    rows: list[Row],
    judged: Judged | None,
    is_entering: bool,
) -> bool:
    """Whether it was kept. Only what may be kept ties identifiers: nothing of another one is remembered for somebody
    who said no."""
    plan = turn.plan
    judged = judged or verdict.judge(plan, event, plan.reader(event.kind, event.name))
    if judged.verdict != KEEP:
        if plan.policy.collect and not deciding.may_collect(turn, profile, verdict.said(event)):
            # Not even the quarantine remembers whoever does not allow it.
            judged = Judged(plan.policy.otherwise, "no_consent")
        turn.close(profile, position, rows)
        person.refuse(turn, profile, event, entry.ref, judged, position)
        return False
    is_kept = person.apply_event(turn, profile, event, entry, judged, position, rows)
    if is_kept:
        return True
    may_ask = is_entering and deciding.is_undecided(turn, profile)
    if not (may_ask and ties.ask(turn, event, entry.ref, profile.epoch)):
        person.refuse(turn, profile, event, entry.ref, Judged(plan.policy.otherwise, "no_consent"), position)
    return False


def _agrees(turn: Turn, take: Take) -> bool:
    """Whether a call that came with a Take may be kept, since a person who allows it will be the taker's."""
    profile = turn.known(take.key)
    if profile is not None and profile.identity is not None and profile.identity.is_waiting:
        return True  # It is asked again when everything is back.
    if profile is None or not deciding.may_collect_of(turn, profile):
        return False
    return ties.why_not(turn, profile, take) == ""


def _between(turn: Turn, record: Between, position: int) -> None:
    if isinstance(record, Passed):
        _passed(turn, record, position)
    elif isinstance(record, Take) and record.ref and not _agrees(turn, record):
        event = decode(record.record)
        assert isinstance(event, Event)
        person.refuse(turn, None, event, record.ref, Judged(turn.plan.policy.otherwise, "no_consent"), position)
    else:
        ties.receive(turn, record, position)


# ---- time, plans, thresholds -----------------------------------------------------------------------------------------


def _forwarded(turn: Turn, forwarded: Forwarded, position: int, due: Sequence[str]) -> None:
    """Repeats are dropped and gaps are our bug: a channel is read exactly once, in order (IDENTITY.md 4)."""
    received = turn.state.received
    last = received.get(forwarded.src, 0)
    if forwarded.seq <= last:
        return
    assert forwarded.seq == last + 1, f"channel {forwarded.src}: {forwarded.seq} came after {last}"
    received[forwarded.src] = forwarded.seq
    _go_on(turn, forwarded.clock)
    record = decode_told(forwarded.record)
    if isinstance(record, _BETWEEN):
        _between(turn, record, position)
    elif isinstance(record, Event):
        _event(turn, record, position)  # A journey has set traits.
    else:
        assert isinstance(record, Plan | Threshold | Launch | Steer | Seed), record
        if not isinstance(record, Plan):
            _go_on(turn, record.received_at)
        _PASSES_OF_PLANS[type(record)](turn, record, position, due)


def _imported(turn: Turn, imported: Imported, position: int) -> None:
    turn.state.imports[imported.digest] = (imported.line, imported.finished)
    if not imported.is_backfill:
        turn.state.is_replay = not imported.finished


_PASSES: dict[type, Callable[[Turn, Any, int], None]] = {
    Event: _event,
    Consent: _of_person,
    Score: _of_person,
    Enter: _of_person,
    Outcome: _outcome,
    Imported: _imported,
    Unmerge: ties.unmerge,
}
_PASSES_OF_PLANS: dict[type, Callable[[Turn, Any, int, Sequence[str]], None]] = {
    Publish: adopting.take_publish,
    Plan: adopting.take_plan,
    Threshold: adopting.take_said,
    Launch: adopting.take_said,
    Steer: adopting.take_said,
    Seed: adopting.take_seed,
    Forwarded: _forwarded,
}
"""What may change the answers of definitions: what was due before is decided before."""
