"""Decisions about consent, as step() takes them: what may be kept of whom, and what a yes or a no brings about.

A decision counts for the fragment where it entered, and covers all that are the person's at that moment; each is an
entry of the partition's ledger. Pure.
"""

from msgspec import Struct

from tactful.consent import ledger, permits
from tactful.consent.permits import ConsentWrite, permit
from tactful.consent.policy import told
from tactful.events.derived import ConsentChanged, FragmentsCame, Row, TraitRefused
from tactful.events.records import Consent, Edge, Event
from tactful.journeys.rules import JourneyRule
from tactful.journeys.runs import Run
from tactful.kernel import fragments, looks, verdict
from tactful.kernel.addresses import recipient
from tactful.kernel.readers import Rules
from tactful.kernel.state import Fragment, PartitionState, Profile
from tactful.kernel.turn import Turn
from tactful.kernel.verdict import Said
from tactful.kernel.view import country_of
from tactful.people import countries


class Entry(Struct, frozen=True):
    """Where a record entered: its place in the logs, and the fragment that it belongs to."""

    ref: int
    fragment: str
    path: tuple[Edge, ...] = ()
    tied: int = 0
    """Of one that entered elsewhere: when what brings it here happened."""


def fragment_of(turn: Turn, profile: Profile, entry: Entry, rows: list[Row]) -> Fragment:
    """The fragment of a record; the first that comes from elsewhere says so."""
    found = profile.fragments.get(entry.fragment)
    if found is not None:
        return found
    if entry.path:
        identifier = fragments.entry_of(entry.fragment)
        came = (entry.fragment,), (0,), (entry.tied,)
        rows.append(FragmentsCame(turn.state.clock, "new", identifier, 0, 0, *came))
    found = fragments.fragment(profile, entry.fragment, entry.path, turn.seeded, turn.plan.version)
    found.tied = max(found.tied, entry.tied)
    return found


def may_collect_of_nobody(turn: Turn, event: Event) -> bool:
    """Whether an event of somebody of whom nothing is known may be kept, by what it says itself."""
    plan, said = turn.plan, verdict.said(event)
    decisions: dict[str, ConsentWrite] = {}
    for purpose, granted, origin in _said_of_consent(turn, said):
        permits.record(decisions, purpose, ConsentWrite(granted, 0, 0, 0, "", origin))
    seen = countries.see(None, said.country(), 0, 0, 0)
    return permit(plan.policy.collect, [decisions], plan.policy, countries.country("", [seen])) is not None


def may_collect_of(turn: Turn, profile: Profile | None) -> bool:
    """Whether somebody who is a person of their own allows to keep events, by what they decided before."""
    if profile is None or profile.owner() is not None:
        return False
    return may_collect(turn, profile, Said())


def may_collect(turn: Turn, profile: Profile, said: Said) -> bool:
    """Whether an event of this person may be kept. Its own yes is enough for itself, where nobody said no: of somebody
    whom a server knows no more is heard of a browser."""
    policy, parts = turn.plan.policy, profile.fragments

    def country() -> str:
        kept = country_of(parts.values(), turn.plan.traits)
        return kept or countries.country("", [countries.see(None, said.country(), 0, 0, 0)])

    def hears() -> bool:
        return fragments.hears_browsers(parts, is_signed=turn.plan.identity.is_signed)

    if any(one.confirmed for one in parts.values()) and not hears():  # Where mail goes is seldom looked at.
        known = fragments.consents(parts, hears=False, rules=turn.plan.traits)
        is_allowed = permit(policy.collect, known, policy, country()) is not None
    else:
        is_allowed = permits.allows(policy.collect, parts, policy, country, hears)
    if is_allowed:
        return True
    if said.consent is None or hears():
        return False
    among = permits.lineage(policy.collect)
    if not any(granted and purpose in among for purpose, granted, _ in _said_of_consent(turn, said)):
        return False
    kept = fragments.consents(parts, hears=False, rules=turn.plan.traits)
    decided = (write for one in kept for write in one.items())
    return not any(place in permits.places(policy.collect) and not write.granted for place, write in decided)


def is_undecided(turn: Turn, profile: Profile) -> bool:
    """Whether nobody has said yes or no to keeping this person's events."""
    among = permits.places(turn.plan.policy.collect)
    parts = profile.fragments.values()
    return not any(place in one.consents or place in one.covered for one in parts for place in among)


def _said_of_consent(turn: Turn, said: Said) -> list[tuple[str, bool, str]]:
    return told(turn.plan.policy, {"consent": said.consent}, has_gpc=said.gpc is True)


def hear(
    turn: Turn, profile: Profile, event: Event, entry: Entry, said: Said, affected: Rules, rows: list[Row]
) -> None:
    """What an event says of consent: once, not with every call that says it again."""
    for purpose, granted, origin in _said_of_consent(turn, said):
        hearsay = is_hearsay(event)
        write = ConsentWrite(granted, event.timestamp, event.received_at, entry.ref, "", origin, hearsay)
        own = profile.fragments.get(entry.fragment)
        if own is not None and permits.says_again(own.consents, purpose, write):
            continue
        salt = event.salt or ledger.plain_salt(event.message_id, entry.ref)
        decide(turn, profile, event, entry, purpose, write, salt, affected, rows)


def is_hearsay(record: Event | Consent) -> bool:
    """Whether anybody may have sent it: write keys of browsers are public."""
    return record.trust == "browser" and not record.is_verified


def decide(
    turn: Turn,
    profile: Profile,
    record: Event | Consent,
    entry: Entry,
    purpose: str,
    write: ConsentWrite,
    salt: bytes,
    affected: Rules,
    rows: list[Row],
) -> bool:
    """A decision counts for its fragment and covers all that are the person's now; it is an entry of the ledger, also
    where it changes nothing. Whether it was taken in."""
    if write.granted and fragments.is_vouched(profile):
        why = "a browser may not agree for somebody whom a server knows" if write.is_hearsay else ""
        if write.address and _is_elsewhere(turn, profile, write.address):
            why = "who reads another address may not agree for somebody whom a server knows"
        if why:
            if isinstance(record, Consent):
                rows.append(TraitRefused(turn.state.clock, f"consent to {purpose}", why, entry.ref))
            return False
    own = fragment_of(turn, profile, entry, rows)
    permits.record(own.consents, purpose, write)
    others = {name: other for name, other in profile.fragments.items() if name != entry.fragment}
    for other in others.values():
        permits.cover(other.covered, purpose, entry.fragment, write)
    row = _noted(turn.state, write, entry, purpose, record.source, salt, tuple(others))
    rows.append(row)
    turn.decisions.append(row)
    for name, rules in turn.plan.reading.purpose.items():
        if purpose in permits.lineage(name):
            affected.update(rules)
    if not write.granted:
        _withdraw(turn, profile, purpose, rows)
    return True


def _noted(
    state: PartitionState,
    write: ConsentWrite,
    entry: Entry,
    purpose: str,
    source: str,
    salt: bytes,
    covers: tuple[str, ...],
) -> ConsentChanged:
    """The decision as the next entry of the partition's ledger."""
    state.decisions += 1
    number, key = state.decisions, fragments.entry_of(entry.fragment)
    said = purpose, write.granted
    text, origin, at = write.text_version, write.origin, write.timestamp
    sealed = ledger.commitment(salt, key, *said, at, state.clock, text, origin, source, number)
    state.ledger = ledger.link(state.ledger, number, sealed)
    place = entry.ref, write.received_at, fragments.epoch_of(entry.fragment)
    told = *said, origin, text, number, key, at, source, salt, state.ledger, *place
    return ConsentChanged(state.clock, *told, covers=covers, is_hearsay=write.is_hearsay, address=write.address)


def _is_elsewhere(turn: Turn, profile: Profile, confirmed: str) -> bool:
    """Whether mail to the person goes to another address, where any browser may have said that this one is theirs."""
    if fragments.hears_browsers(profile.fragments, is_signed=turn.plan.identity.is_signed):
        return False
    to = recipient(profile.fragments, turn.plan.traits)
    return to is None or confirmed != to.address


def _withdraw(turn: Turn, profile: Profile, purpose: str, rows: list[Row]) -> None:
    """A run none of whose messages may be sent any more does not go on. What other purposes need is asked at the claim:
    it may be given by then."""
    plan, now = turn.plan, turn.state.clock
    look = looks.Look(turn, profile, turn.view(profile), now, rows)
    hears = fragments.hears_browsers(profile.fragments, is_signed=plan.identity.is_signed)
    decisions, country = (
        fragments.consents(profile.fragments, hears=hears, rules=plan.traits),
        country_of(profile.fragments.values(), plan.traits),
    )
    for run in list(profile.runs):
        rule = looks.rule_of(plan, run)
        needed = _needed(rule, run) if rule is not None else []
        if not any(purpose in permits.lineage(one) for one in needed):
            continue
        if any(permit(one, decisions, plan.policy, country) is not None for one in needed):
            continue
        why = f"consent withdrawn: {' or '.join(dict.fromkeys(needed))}"
        if run.intent:
            run.stopped = why
        else:
            looks.end(look, run, rule, why, run.started_ref)


def _needed(rule: JourneyRule, run: Run) -> list[str]:
    """Purposes: of the message that was handed over; of a run that walks those of all its messages, since it goes on as
    long as one of them may be sent."""
    return [one.purpose for one in rule.sends if not run.intent or one.name == run.step]
