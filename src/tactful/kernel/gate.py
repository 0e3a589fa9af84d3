"""The gate: the last decision before anything leaves, on the state at the claim's position (DESIGN 4, Claim).

Asked in this order, the first no is the reason: replay, what ended the run, validity, the journey still published, the
address and whether it is known to be the person's, consent, suppression, what one address may get from anybody, the
limit of the journey. Pure; what was sent before and what is suppressed comes in as `Facts`, read in the transaction
that will hold the claim.

An address that only a browser has named may be anybody's. A confirmation is the one message that goes there, without
consent, since it asks for it: seldom, and with nothing in it that a browser said (messages/render.py).
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from tactful.consent.permits import Permit, permit, places
from tactful.events.derived import SendMessage
from tactful.events.records import pack, unpack
from tactful.journeys.rules import JourneyRule, limit_text
from tactful.journeys.runs import Run
from tactful.kernel.addresses import Recipient, recipient
from tactful.kernel.fragments import consents, entry_of, hears_browsers
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.kernel.view import country_of
from tactful.messages.definition import Message
from tactful.people import traits
from tactful.values import DAY_US, format_time

MAILS_PER_ADDRESS = 10
"""Unless the settings say otherwise: to one address in any 24 hours, whatever definitions say."""
CONFIRMATIONS = ((1, DAY_US, "24h"), (3, 30 * DAY_US, "30d"))
"""At most so many to one address, in any window of that length."""


class Facts(Protocol):
    """What the outbox knows beyond the person."""

    def is_suppressed(self, address: str) -> bool: ...

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int: ...

    def mails_to(self, address: str, since_us: int, journeys: Collection[str] | None = None) -> int: ...


class Claim(Struct, frozen=True):
    """Only the gate makes one, from a Permit; only with one may a socket be opened."""

    intent: str
    address: str
    permit: Permit
    message: Message | None
    """None for a webhook."""
    frozen: bytes
    """msgpack map that the message is rendered from."""


class Later(Struct, frozen=True):
    """Not now: the intent waits until `not_before` (quiet hours). The reason stands in the outbox meanwhile."""

    not_before: int
    reason: str


class Refusal(Struct, frozen=True):
    """Why the intent does not leave: status `refused` or `lapsed`."""

    status: str
    reason: str
    detail: str = ""


def decide(
    intent: SendMessage,
    profile: Profile,
    run: Run,
    plan: CompiledPlan,
    facts: Facts,
    now: int,
    mails_per_address: int = MAILS_PER_ADDRESS,
) -> Claim | Refusal:
    """May this intent leave now?"""
    if (over := _over(intent, run, now)) is not None:
        return over
    rule = plan.journeys.get(intent.journey)
    if rule is None:
        return Refusal("refused", "the journey is no longer published")
    granted = _permit(rule, profile, plan)
    address, message = rule.target, None
    if rule.channel == "email":
        message, to = plan.messages[rule.target], recipient(profile.fragments, plan.traits)
        if to is None:
            return Refusal("refused", "no e-mail address", "the trait email is missing or is no address")
        address = to.address
        known = _confirmable(to, message, run, profile) if message.confirms else _known(to, rule)
        if known is not None:
            return known
    if granted is None:
        return Refusal("refused", f"no consent: {rule.purpose}", "never granted, or withdrawn")
    if message is not None:
        too_many = _too_many(message, address, plan, facts, now, mails_per_address)
        if too_many is not None:
            return too_many
    if rule.limit is not None:
        counted = facts.counted(rule.name, now - rule.per_us, _keys(profile), address if message else "")
        if counted >= rule.limit:
            return Refusal("refused", limit_text(rule), f"{counted} claimed for this person or address")
    frozen = bytes(pack({})) if message is not None and message.confirms else _frozen(intent, profile, plan)
    return Claim(intent.intent, address, granted, message, frozen)


def _over(intent: SendMessage, run: Run, now: int) -> Refusal | None:
    """What has ended it already."""
    if intent.is_replay:
        return Refusal("lapsed", "replay")
    if run.exited_by:
        return Refusal("refused", "an event came first", f"ref {run.exited_by}")
    if run.stopped:
        return Refusal("refused", run.stopped)
    if now > intent.valid_until:
        return Refusal("lapsed", f"valid until {format_time(intent.valid_until)}")
    return None


# ---- the address -----------------------------------------------------------------------------------------------------


def _known(to: Recipient, rule: JourneyRule) -> Refusal | None:
    """What needs a consent needs to know whose the address is: else somebody would be written to because of a
    stranger's yes."""
    if rule.purpose and to.is_hearsay and not to.is_confirmed:
        detail = "a browser named it; send a message with confirms: first (docs/consent.md)"
        return Refusal("refused", "the address is not confirmed", detail)
    return None


def _confirmable(to: Recipient, message: Message, run: Run, profile: Profile) -> Refusal | None:
    """Whether there is anything to confirm, and nobody has said no since it was asked for."""
    if to.is_confirmed:
        return Refusal("refused", "the address is confirmed already")
    for decisions in consents(profile.fragments, hears=True):
        for place in places(message.confirms):
            write = decisions.get(place)
            if write is not None and not write.granted and write.order() > run.started():
                return Refusal("refused", f"no consent: {message.confirms}", f"denied {format_time(write.timestamp)}")
    return None


def _too_many(
    message: Message, address: str, plan: CompiledPlan, facts: Facts, now: int, mails_per_address: int
) -> Refusal | None:
    """What one address may get, whoever it belongs to and whatever definitions say."""
    if facts.is_suppressed(address):
        return Refusal("refused", "the address is suppressed")
    if facts.mails_to(address, now - DAY_US) >= mails_per_address:
        return Refusal("refused", f"limit: {mails_per_address} mails to one address per 24h")
    if message.confirms:
        journeys = list(_confirming(plan))
        for most, window_us, window in CONFIRMATIONS:
            if facts.mails_to(address, now - window_us, journeys) >= most:
                return Refusal("refused", f"limit: {most} confirmations to one address per {window}")
    return None


def _confirming(plan: CompiledPlan) -> Iterator[str]:
    """Journeys that send a confirmation, whichever."""
    for name, rule in plan.journeys.items():
        if rule.channel == "email" and plan.messages[rule.target].confirms:
            yield name


# ---- the person ------------------------------------------------------------------------------------------------------


def _permit(rule: JourneyRule, profile: Profile, plan: CompiledPlan) -> Permit | None:
    """By what the person decided. For somebody whom a server knows, a yes that anybody may have said is none."""
    country = country_of(profile.fragments.values(), plan.traits)
    hears = hears_browsers(profile.fragments, is_signed=plan.identity.is_signed)
    decisions = consents(profile.fragments, hears=hears, rules=plan.traits)
    return permit(rule.purpose, decisions, plan.policy, country)


def _keys(profile: Profile) -> list[str]:
    """Under which the person's messages may have been counted."""
    return sorted({profile.key, *map(entry_of, profile.fragments)})


def _frozen(intent: SendMessage, profile: Profile, plan: CompiledPlan) -> bytes:
    """What templates may name; frozen now, so that what is rendered is what was allowed."""
    person = traits.values((fragment.traits for fragment in profile.fragments.values()), plan.traits)
    event = {
        "name": intent.event,
        "timestamp": format_time(intent.started_at),
        "key": intent.entry_key,
        "properties": unpack(intent.properties),
    }
    return bytes(pack({"profile": person, "event": event, "key": profile.key, "journey": intent.journey}))
