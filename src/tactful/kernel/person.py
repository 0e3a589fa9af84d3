"""A record of a person, applied to the profile that the person is now: fold, look, stop, start, fire what is due.

Whose a record is, and whether it is a repeat, has been decided before (step.py, ties.py). It belongs to one fragment,
that of the identifier where it entered. Pure.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tactful.consent import ledger, permits
from tactful.consent.permits import ConsentWrite, permit
from tactful.consent.policy import told
from tactful.events.derived import (
    ConsentChanged,
    EventKept,
    EventRefused,
    FragmentsCame,
    OutcomeNoted,
    Row,
    RunEnded,
    TraitRefused,
)
from tactful.events.identifiers import normalize_email
from tactful.events.records import Consent, Edge, Event, Outcome, Score, unpack
from tactful.journeys.rules import Cause, stop
from tactful.kernel import fragments, names, verdict
from tactful.kernel.instants import begin, due_runs, flip, pass_time
from tactful.kernel.plan import EventReader, Rules
from tactful.kernel.state import Fragment, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.verdict import KEEP, Judged, Said
from tactful.kernel.view import PersonView, country_of
from tactful.people import countries, traits, zones
from tactful.people.scores import ScoreWrite
from tactful.people.scores import record as record_score

GIVEN_BACK = ("refused", "lapsed", "rejected", "dropped")
"""Outcomes that count against no limit."""
ADDRESSES = ("email", "phone")


class Entry(Struct, frozen=True):
    """Where a record entered: its place in the logs, and the fragment that it belongs to."""

    ref: int
    fragment: str
    path: tuple[Edge, ...] = ()


# ---- events ----------------------------------------------------------------------------------------------------------


def apply_event(
    turn: Turn, profile: Profile, event: Event, entry: Entry, judged: Judged, position: int, rows: list[Row]
) -> bool:
    """An event of this person, which fits. False where the person does not allow to keep it."""
    state, now, here = turn.state, turn.state.clock, entry.ref
    reader = turn.plan.reader(event.kind, event.name)
    said = verdict.said(event)
    is_own = entry.fragment == fragments.name_of(profile.key, profile.epoch)
    affected: Rules = {}
    if said.consent is not None or said.gpc is not None:
        _hear(turn, profile, event, entry, said, affected, rows)
    if turn.plan.policy.collect and not _may_collect(turn, profile, said):
        _end(turn, profile, affected, "consent", position, rows)
        return False
    fragment = _fragment(turn, profile, entry, rows)
    state.events += 1
    names.count(state, event.name)
    rows.append(EventKept(event.timestamp, event.name, here, "" if is_own else entry.fragment, judged.flags))
    properties, context = _read(event, reader, judged)
    if reader.read is not None:
        lag = event.received_at - event.timestamp
        told_ = event.timestamp, lag, here, now, properties, context
        numbers = reader.read.read(fragment.aggregates, *told_)
        if profile.view is not None:
            numbers = reader.read.read(profile.view, *told_)
        for number in numbers:
            if number in turn.plan.reading.aggregate:
                affected.update(turn.plan.reading.aggregate[number])
    _tell_of_person(turn, profile, fragment, event, here, said, properties, affected, rows)
    if reader.stops and profile.runs:
        order = (event.timestamp, event.received_at, here)
        rows.extend(stop(reader.stops, profile.runs, order, event.name, now))
    view = turn.view(profile)
    _look(turn, profile, view, affected, "event", rows, entry.fragment)
    for rule in reader.starts:
        if rule.where is None or rule.where.holds(properties, context):
            cause = Cause(
                event.timestamp,
                event.received_at,
                here,
                event.message_id,
                event.name,
                event.properties,
                origin=entry.fragment,
            )
            begin(turn, profile, view, rule, cause, now, rows)
    if profile.runs:
        due_runs(turn, profile, view, now, rows)
    turn.close(profile, position, rows)
    return True


def _read(event: Event, reader: EventReader, judged: Judged) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Properties and context, where anything reads them."""
    properties = judged.properties
    if properties is None:
        properties = unpack(event.properties) if reader.needs_properties or event.kind == "identify" else {}
    return properties, unpack(event.context) if reader.needs_context else {}


def _fragment(turn: Turn, profile: Profile, entry: Entry, rows: list[Row]) -> Fragment:
    """The fragment of a record; the first that comes from elsewhere says so."""
    if entry.fragment not in profile.fragments and entry.path:
        identifier = fragments.entry_of(entry.fragment)
        rows.append(FragmentsCame(turn.state.clock, "new", identifier, 0, 0, (entry.fragment,)))
    return fragments.fragment(profile, entry.fragment, entry.path)


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
    is_elsewhere = False
    if said.location is not None:
        seen = fragment.country
        fragment.country = countries.see(seen, said.country(), *order)
        is_elsewhere = fragment.country is not seen or is_one_of_many
    if event.trust == "server" and not fragment.is_vouched:
        fragment.is_vouched = True
    if event.kind == "identify":
        is_browser = event.trust == "browser"
        written = properties if not is_browser else _allowed(turn, profile, event, properties, rows)
        changed = traits.write(fragment.traits, written, *order, event.source, is_browser=is_browser)
        for name in written if is_one_of_many else changed:
            affected.update(reading.trait.get(name, {}))
            if name == zones.TRAIT:
                affected.update(reading.zone)
            is_elsewhere |= name in ("country", "address")
    if is_elsewhere:
        for rules in reading.purpose.values():
            affected.update(rules)


def _allowed(
    turn: Turn, profile: Profile, event: Event, properties: Mapping[str, Any], rows: list[Row]
) -> Mapping[str, Any]:
    """What a browser may say of the person: anybody may speak through it, so not the address of somebody known."""
    if event.is_verified or not any(name in properties for name in ADDRESSES):
        return properties
    allowed = dict(properties)
    kept = list(profile.fragments.values())
    for name in ADDRESSES:
        if name not in properties:
            continue
        before = traits.value(name, (one.traits for one in kept))
        if before == properties[name]:
            continue
        if fragments.is_vouched(profile):
            why = "a browser may not say the address of somebody whom a server knows"
        elif before is not None and profile.key[0] not in "ad":
            why = "a browser may not change the address that a user has"
        elif isinstance(before, str) and any(normalize_email(before) in one.confirmed for one in kept):
            why = "a browser may not change an address that was confirmed"
        else:
            continue
        del allowed[name]
        rows.append(TraitRefused(turn.state.clock, name, why))
    return allowed


# ---- consent ---------------------------------------------------------------------------------------------------------


def may_collect_of_nobody(turn: Turn, event: Event) -> bool:
    """Whether an event of somebody of whom nothing is known may be kept, by what it says itself."""
    plan, said = turn.plan, verdict.said(event)
    decisions: dict[str, ConsentWrite] = {}
    for purpose, granted, origin in _said_of_consent(turn, said):
        permits.record(decisions, purpose, ConsentWrite(granted, 0, 0, 0, "", origin))
    seen = countries.see(None, said.country(), 0, 0, 0)
    return permit(plan.policy.collect, [decisions], plan.policy, countries.country("", [seen])) is not None


def _may_collect(turn: Turn, profile: Profile, said: Said) -> bool:
    policy = turn.plan.policy
    seen = countries.see(None, said.country(), 0, 0, 0)
    country = country_of(profile.fragments.values()) or countries.country("", [seen])
    return permit(policy.collect, fragments.consents(profile.fragments), policy, country) is not None


def _said_of_consent(turn: Turn, said: Said) -> list[tuple[str, bool, str]]:
    return told(turn.plan.policy, {"consent": said.consent}, has_gpc=said.gpc is True)


def _hear(
    turn: Turn, profile: Profile, event: Event, entry: Entry, said: Said, affected: Rules, rows: list[Row]
) -> None:
    """What an event says of consent: once, not with every call that says it again."""
    for purpose, granted, origin in _said_of_consent(turn, said):
        write = ConsentWrite(granted, event.timestamp, event.received_at, entry.ref, "", origin)
        own = profile.fragments.get(entry.fragment)
        if own is not None and permits.says_again(own.consents, purpose, write):
            continue
        salt = event.salt or ledger.plain_salt(event.message_id, entry.ref)
        _decide(turn, profile, event, entry, purpose, write, salt, affected, rows)


def apply_consent(turn: Turn, profile: Profile, consent: Consent, entry: Entry, position: int, rows: list[Row]) -> None:
    """A decision of this person."""
    affected: Rules = {}
    write = ConsentWrite(
        consent.granted, consent.timestamp, consent.received_at, entry.ref, consent.text_version, consent.origin
    )
    salt = consent.salt or ledger.plain_salt(consent.message_id, entry.ref)
    _decide(turn, profile, consent, entry, consent.purpose, write, salt, affected, rows)
    if consent.origin == "confirm" and consent.address:
        fragment = _fragment(turn, profile, entry, rows)
        if consent.address not in fragment.confirmed:
            fragment.confirmed = [*fragment.confirmed, consent.address]
    elif consent.origin == "api" and consent.trust == "server":
        _fragment(turn, profile, entry, rows).is_vouched = True
    _end(turn, profile, affected, "consent", position, rows)


def _decide(
    turn: Turn,
    profile: Profile,
    record: Event | Consent,
    entry: Entry,
    purpose: str,
    write: ConsentWrite,
    salt: bytes,
    affected: Rules,
    rows: list[Row],
) -> None:
    """A decision counts for its fragment and covers all that are the person's now; it is an entry of the ledger, also
    where it changes nothing."""
    state = turn.state
    if write.granted and record.trust == "browser" and not record.is_verified and fragments.is_vouched(profile):
        why = "a browser may not agree for somebody whom a server knows"
        rows.append(TraitRefused(state.clock, f"consent to {purpose}", why))
        return
    own = _fragment(turn, profile, entry, rows)
    permits.record(own.consents, purpose, write)
    for name, other in profile.fragments.items():
        if name != entry.fragment:
            permits.cover(other.covered, purpose, entry.fragment, write)
    state.decisions += 1
    number, key = state.decisions, fragments.entry_of(entry.fragment)
    sealed = ledger.commitment(
        salt,
        key,
        purpose,
        write.granted,
        write.timestamp,
        state.clock,
        write.text_version,
        write.origin,
        record.source,
        number,
    )
    state.ledger = ledger.link(state.ledger, number, sealed)
    row = ConsentChanged(
        state.clock,
        purpose,
        write.granted,
        write.origin,
        write.text_version,
        number,
        key,
        write.timestamp,
        record.source,
        salt,
        state.ledger,
    )
    rows.append(row)
    turn.decisions.append(row)
    for name, rules in turn.plan.reading.purpose.items():
        if purpose in permits.lineage(name):
            affected.update(rules)
    if not write.granted:
        _withdraw(turn, profile, purpose, rows)


def _withdraw(turn: Turn, profile: Profile, purpose: str, rows: list[Row]) -> None:
    """Nothing that waits for a message of this purpose goes on without it. What other purposes need is asked at the
    claim: it may be given by then."""
    plan, now = turn.plan, turn.state.clock
    decisions, country = fragments.consents(profile.fragments), country_of(profile.fragments.values())
    for run in list(profile.runs):
        rule = plan.journeys.get(run.journey)
        if rule is None or purpose not in permits.lineage(rule.purpose):
            continue
        if permit(rule.purpose, decisions, plan.policy, country) is not None:
            continue
        why = f"consent withdrawn: {rule.purpose}"
        if run.intent:
            run.stopped = why
        else:
            profile.runs.remove(run)
            rows.append(RunEnded(now, run.journey, run.entry_key, why, run.started_ref))


# ---- scores and outcomes ---------------------------------------------------------------------------------------------


def apply_score(turn: Turn, profile: Profile, score: Score, entry: Entry, position: int, rows: list[Row]) -> None:
    write = ScoreWrite(score.value, score.received_at, entry.ref)
    is_new = record_score(_fragment(turn, profile, entry, rows).scores, score.model, write)
    is_one_of_many = len(profile.fragments) > 1  # Another one's value may have counted until now.
    affected = dict(turn.plan.reading.score.get(score.model, {})) if is_new or is_one_of_many else {}
    _end(turn, profile, affected, "score", position, rows)


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
    row = EventRefused(event.timestamp, event.name, here, judged.verdict, judged.code, judged.field, judged.message)
    if judged.verdict == verdict.QUARANTINE:
        turn.refused.append((event, row))
        if profile is not None:
            rows: list[Row] = []
            pass_time(turn, profile, state.clock, rows)
            turn.close(profile, position, [*rows, row])
            return
    turn.close_nobody(position, [row])


assert KEEP == "keep"
