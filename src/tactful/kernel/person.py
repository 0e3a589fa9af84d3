"""A record of a person, applied to the profile that the person is now: fold, look, stop, start, fire what is due.

Whose a record is, and whether it is a repeat, has been decided before (step.py, ties.py). It belongs to one fragment,
that of the identifier where it entered. Pure.
"""

from collections.abc import Mapping
from typing import Any, Literal

from tactful.consent import ledger
from tactful.consent.permits import ConsentWrite
from tactful.events import responses
from tactful.events.derived import (
    EventKept,
    EventRefused,
    OutcomeNoted,
    RecordKept,
    Responded,
    Row,
    RunEnded,
    TraitRefused,
)
from tactful.events.records import Consent, Enter, Event, Outcome, Score, pack, unpack
from tactful.journeys.rules import Cause, Told, key_text
from tactful.kernel import fragments, names, verdict
from tactful.kernel.acting import is_set_by_journey
from tactful.kernel.addresses import is_proved
from tactful.kernel.deciding import Entry, decide, fragment_of, hear, is_hearsay, may_collect
from tactful.kernel.following import follow, go_on_with
from tactful.kernel.instants import IMPORT, due_runs, flip, pass_time
from tactful.kernel.looks import CALL, Look
from tactful.kernel.readers import EventReader, Rules
from tactful.kernel.starting import begin
from tactful.kernel.state import Fragment, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.verdict import KEEP, Judged, Said
from tactful.kernel.view import PersonView
from tactful.messages.mail import mailbox
from tactful.people import countries, locales, seen, traits, zones
from tactful.people.scores import ScoreWrite
from tactful.people.scores import record as record_score

GIVEN_BACK = ("refused", "lapsed", "rejected", "dropped")
"""Outcomes that count against no limit."""
ADDRESSES = ("email", "phone")
DEVICES = ("push_tokens", "web_push")
TOLD_BY_TOKEN = (*ADDRESSES, *DEVICES)
"""What a browser may say as if a server said it, where its call brings a token: of an address, one that names it."""


# ---- events ----------------------------------------------------------------------------------------------------------


def apply_event(
    turn: Turn, profile: Profile, event: Event, entry: Entry, judged: Judged, position: int, rows: list[Row]
) -> bool:
    """An event of this person, which fits. False where the person does not allow to keep it."""
    state, now, here = turn.state, turn.state.clock, entry.ref
    cause = IMPORT if event.is_import else "event"
    reader = turn.plan.reader(event.kind, event.name)
    said = verdict.said(event)
    is_own = entry.fragment == fragments.name_of(profile.key, profile.epoch)
    affected: Rules = {}
    if said.consent is not None or said.gpc is not None:
        hear(turn, profile, event, entry, said, affected, rows)
    if turn.plan.policy.collect and not may_collect(turn, profile, said):
        _end(turn, profile, affected, IMPORT if event.is_import else "consent", position, rows)
        return False
    fragment = fragment_of(turn, profile, entry, rows)
    state.events += 1
    names.count(state, event.name)
    late_us = now - event.timestamp
    own = "" if is_own else entry.fragment
    epoch = profile.epoch if is_own else fragments.epoch_of(own)
    mended = bytes(pack(judged.properties or {})) if judged.is_mended else b""
    rows.append(EventKept(event.timestamp, event.name, here, own, judged.flags, late_us, epoch, mended))
    properties, context = _read(event, reader, judged)
    if reader.read is not None:
        lag = event.received_at - event.timestamp
        told_ = event.timestamp, lag, here, now, properties, context
        also = fragment.aggregates if profile.view is not None else None
        read_by = turn.plan.reading.aggregate
        for number in reader.read.read(fragments.states(profile), *told_, also):
            if number in read_by:
                affected.update(read_by[number])
    _tell_of_person(turn, profile, fragment, event, here, said, properties, affected, rows)
    if event.kind == responses.KIND:
        rows.append(_responded(now, event))
    view = turn.view(profile)
    if not reader.follows or not (profile.runs or profile.pursuits):
        _look(turn, profile, view, affected, cause, rows, own)
        if reader.starts:
            _start(Look(turn, profile, view, now, rows), reader, event, entry, own, properties, context)
    else:
        told = _told(event, reader, here)
        look = Look(turn, profile, view, now, rows)
        waiting = follow(look, reader, told)
        _look(turn, profile, view, affected, cause, rows, own)
        _start(look, reader, event, entry, own, properties, context)
        go_on_with(look, waiting, told)
    if profile.runs and _may_go_on(turn, profile):
        due_runs(turn, profile, view, now, rows)
    turn.close(profile, position, rows)
    return True


def _may_go_on(turn: Turn, profile: Profile) -> bool:
    """Whether an event may have brought a run on that does not name it. What is due stands in `wake_at`, whatever else
    somebody ordered or published meanwhile came with the time before (instants.py)."""
    if profile.wake_at is not None and profile.wake_at <= turn.state.clock:
        return True
    asking = turn.plan.asking
    return bool(asking) and any(run.journey in asking for run in profile.runs)


def _told(event: Event, reader: EventReader, here: int) -> Told:
    """The event as runs look at it."""
    order = event.timestamp, event.received_at, here
    return Told(event.name, reader.names, order, unpack(event.properties), unpack(event.context))


def _start(
    look: Look,
    reader: EventReader,
    event: Event,
    entry: Entry,
    own: str,
    properties: Mapping[str, Any],
    context: Mapping[str, Any],
) -> None:
    """What the event starts, the higher priority first; `own` is the fragment as runs keep it."""
    if event.is_import:
        return
    name = seen.name_of(event)
    for rule in reader.starts:
        if rule.where is not None and not rule.where.holds(properties, context):
            continue
        key = key_text(rule.key(properties, context)) if rule.key is not None else None
        if rule.key is not None and key is None:
            continue
        times = event.timestamp, event.received_at, entry.ref
        begin(look, rule, Cause(*times, name, event.name, event.properties, origin=own, key=key))


def _responded(now: int, event: Event) -> Responded:
    """What came back from a message."""
    said = unpack(event.properties)
    detail = said.get("link") or said.get("reason") or ""
    about = str(said.get("journey", "")), str(said.get("intent", "")), event.name, str(detail)
    return Responded(now, *about, is_machine=said.get("machine") is True)


def _read(event: Event, reader: EventReader, judged: Judged) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Properties and context, where anything reads them."""
    properties = judged.properties
    if properties is None:
        properties = unpack(event.properties) if reader.needs_properties or event.kind == "identify" else {}
    return properties, unpack(event.context) if reader.needs_context else {}


def _tell_of_person(
    turn: Turn,
    profile: Profile,
    fragment: Fragment,
    event: Event,
    here: int,
    said: Said,
    properties: Mapping[str, Any],
    affected: Rules,
    rows: list[Row],
) -> None:
    """What the event says of the person beside having happened; adds the segments that read what is now another. With
    several fragments the newest of all counts, so what is new to none of them may still be another value."""
    reading, is_one_of_many = turn.plan.reading, len(profile.fragments) > 1
    order = event.timestamp, event.received_at, here
    if said.timezone is not None:
        before = fragment.zone
        after = fragment.zone = zones.see(before, said.timezone, *order)
        if reading.zone and after is not None and (before is None or before.name != after.name or is_one_of_many):
            affected.update(reading.zone)
    if said.locale is not None:
        fragment.locale = locales.see(fragment.locale, said.locale, *order)
    is_moved = False
    if said.location is not None:
        known = fragment.country
        fragment.country = countries.see(known, said.country(), *order)
        is_moved = fragment.country is not known or is_one_of_many
    if event.trust == "server" and not fragment.is_vouched and event.kind != responses.KIND:
        # That mail to somebody bounced does not make them known to the shop's server, nor what a journey sets.
        fragment.is_vouched = not is_set_by_journey(event)
        is_moved |= fragment.is_vouched
    if event.kind == "identify":
        is_browser = event.trust == "browser"
        written = properties if not is_browser else _allowed(turn, profile, event, here, properties, rows)
        proved = {name for name in TOLD_BY_TOKEN if name in written and is_proved(event, name, written[name])}
        changed = []
        for some, is_said in ((written.keys() - proved, is_browser), (proved, False)):
            if some:
                values = {name: value for name, value in written.items() if name in some}
                told = turn.plan.traits
                changed += traits.write(fragment.traits, values, *order, event.source, is_browser=is_said, rules=told)
        is_awaited = is_set_by_journey(event)
        if is_awaited:  # Its run knows it already (acting.py); to segments it is new.
            fragment.unwritten = [name for name in fragment.unwritten if name not in written]
        for name in written if is_one_of_many or is_awaited else changed:
            affected.update(reading.trait.get(name, {}))
            if name == zones.TRAIT:
                affected.update(reading.zone)
            is_moved |= name in ("country", "address", "email")
    if is_moved:
        _look_at_purposes(turn, affected)


def _look_at_purposes(turn: Turn, affected: Rules) -> None:
    """Who permits what may be another answer: by where the person is, where mail to them goes, and whether a server
    knows them, of whom a browser's yes counts no more."""
    for rules in turn.plan.reading.purpose.values():
        affected.update(rules)


def _allowed(
    turn: Turn, profile: Profile, event: Event, here: int, properties: Mapping[str, Any], rows: list[Row]
) -> Mapping[str, Any]:
    """What a browser may say of the person: anybody may speak through it, so not the address of somebody known."""
    if not any(name in properties for name in ADDRESSES):
        return properties
    allowed = dict(properties)
    kept = list(profile.fragments.values())
    for name in ADDRESSES:
        if name not in properties:
            continue
        before = traits.value(name, (one.traits for one in kept), turn.plan.traits)
        if before == properties[name] or is_proved(event, name, properties[name]):
            continue
        if fragments.is_vouched(profile):
            why = "a browser may not say the address of somebody whom a server knows"
        elif before is not None and profile.key[0] not in "ad":
            why = "a browser may not change the address that a user has"
        elif name == "email" and any(mailbox(before) in one.confirmed for one in kept):
            why = "a browser may not change an address that was confirmed"
        else:
            continue
        del allowed[name]
        rows.append(TraitRefused(turn.state.clock, name, why, here))
    return allowed


# ---- consent, scores and outcomes -----------------------------------------------------------------------------------


def apply_consent(turn: Turn, profile: Profile, consent: Consent, entry: Entry, position: int, rows: list[Row]) -> None:
    """A decision of this person."""
    affected: Rules = {}
    write = ConsentWrite(
        consent.granted,
        consent.timestamp,
        consent.received_at,
        entry.ref,
        consent.text_version,
        consent.origin,
        is_hearsay(consent),
        (mailbox(consent.address) or consent.address) if consent.origin == "confirm" else "",
    )
    salt = consent.salt or ledger.plain_salt(consent.message_id, entry.ref)
    if decide(turn, profile, consent, entry, consent.purpose, write, salt, affected, rows):
        rows.append(_kept(turn, "consent", entry))
    if consent.origin == "confirm" and consent.address:
        fragment = fragment_of(turn, profile, entry, rows)
        if consent.address not in fragment.confirmed:
            fragment.confirmed = [*fragment.confirmed, consent.address]
    elif consent.origin == "api" and consent.trust == "server":
        fragment = fragment_of(turn, profile, entry, rows)
        if not fragment.is_vouched:
            fragment.is_vouched = True
            _look_at_purposes(turn, affected)
    _end(turn, profile, affected, IMPORT if consent.is_import else "consent", position, rows)


def apply_score(turn: Turn, profile: Profile, score: Score, entry: Entry, position: int, rows: list[Row]) -> None:
    write = ScoreWrite(score.value, score.received_at, entry.ref)
    is_new = record_score(fragment_of(turn, profile, entry, rows).scores, score.model, write)
    rows.append(_kept(turn, "score", entry))
    is_one_of_many = len(profile.fragments) > 1  # Another one's value may have counted until now.
    affected = dict(turn.plan.reading.score.get(score.model, {})) if is_new or is_one_of_many else {}
    _end(turn, profile, affected, IMPORT if score.is_import else "score", position, rows)


def apply_enter(turn: Turn, profile: Profile, enter: Enter, entry: Entry, position: int, rows: list[Row]) -> None:
    """Somebody is to enter a journey."""
    now, view = turn.state.clock, turn.view(profile)
    fragment_of(turn, profile, entry, rows)
    rows.append(_kept(turn, "enter", entry))
    _look(turn, profile, view, {}, "event", rows)
    rule = turn.plan.journeys.get(enter.journey)
    if rule is None or not rule.is_called:
        why = "there is no such journey" if rule is None else "no call starts this journey"
        version = rule.version if rule is not None else ""
        rows.append(
            RunEnded(now, enter.journey, enter.entry_key, why, entry.ref, version, started_at=enter.received_at)
        )
    else:
        is_own = entry.fragment == fragments.name_of(profile.key, profile.epoch)
        own = "" if is_own else entry.fragment
        key, name = key_text(enter.entry_key), seen.name_of(enter)
        times = enter.received_at, enter.received_at, entry.ref
        cause = Cause(*times, name, CALL, enter.properties, origin=own, key=key or "")
        begin(Look(turn, profile, view, now, rows), rule, cause)
    due_runs(turn, profile, view, now, rows)
    turn.close(profile, position, rows)


def _kept(turn: Turn, kind: Literal["consent", "score", "enter"], entry: Entry) -> RecordKept:
    return RecordKept(turn.state.clock, kind, entry.ref, fragments.epoch_of(entry.fragment))


def apply_outcome(turn: Turn, profile: Profile, outcome: Outcome, position: int) -> None:
    """An outcome that was told before changes nothing: its run is gone, or held already."""
    run = next((run for run in profile.runs if run.intent == outcome.intent), None)
    if run is None or (outcome.status == "held" and run.is_held):
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


# ---- looking ---------------------------------------------------------------------------------------------------------


def _look(
    turn: Turn, profile: Profile, view: PersonView, affected: Rules, cause: str, rows: list[Row], origin: str = ""
) -> None:
    """Look at the segments that read what changed; of somebody new, also at those that need nothing to be known."""
    if not profile.tail:
        affected = turn.plan.reading.nothing | affected  # Everyone known has a value (LANGUAGE.md 1.8).
    if affected:
        flip(turn, profile, view, affected.values(), turn.state.clock, cause, rows, origin)


def _end(turn: Turn, profile: Profile, affected: Rules, cause: str, position: int, rows: list[Row]) -> None:
    """The end of a record that is no event."""
    view = turn.view(profile)
    _look(turn, profile, view, affected, cause, rows)
    due_runs(turn, profile, view, turn.state.clock, rows)
    turn.close(profile, position, rows)


def refuse(turn: Turn, profile: Profile | None, event: Event, here: int, judged: Judged, position: int) -> None:
    """An event that is not kept. What a person does not allow to keep is not told of the person either."""
    state = turn.state
    state.verdicts[judged.verdict] = state.verdicts.get(judged.verdict, 0) + 1
    if judged.verdict in (verdict.ANONYMOUS, verdict.COUNT):
        names.count(state, event.name)
    if judged.verdict in (verdict.COUNT, verdict.DROP):
        return
    why, late_us = (judged.verdict, judged.code, judged.field, judged.message), state.clock - event.timestamp
    row = EventRefused(event.timestamp, event.name, here, *why, late_us)
    if judged.verdict == verdict.QUARANTINE:
        turn.refused.append((event, row))
        if profile is not None:
            rows: list[Row] = []
            pass_time(turn, profile, state.clock, rows)
            turn.close(profile, position, [*rows, row])
            return
    turn.close_nobody(position, [row])


assert KEEP == "keep"
