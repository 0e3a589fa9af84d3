"""The gate: the last decision before anything leaves, on the state at the claim's position (DESIGN 4, Claim).

Asked in this order, the first no is the reason: replay, an event that ends the run, validity, the journey still
published, the address, consent, suppression, the limit for the person and for the address. Pure; what was sent before
and what is suppressed comes in as `Facts`, read in the transaction that will hold the claim.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from tactful.consent.permits import Permit, permit
from tactful.events.derived import SendMessage
from tactful.events.identifiers import normalize_email
from tactful.events.records import pack, unpack
from tactful.journeys.rules import JourneyRule, limit_text
from tactful.journeys.runs import Run
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.messages.definition import Message
from tactful.people import traits
from tactful.values import format_time


class Facts(Protocol):
    """What the outbox knows beyond the person."""

    def is_suppressed(self, address: str) -> bool: ...

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int: ...


class Claim(Struct, frozen=True):
    """Only the gate makes one, from a Permit; only with one may a socket be opened."""

    intent: str
    address: str
    permit: Permit
    message: Message | None
    """None for a webhook."""
    frozen: bytes
    """msgpack map that the message is rendered from."""


class Refusal(Struct, frozen=True):
    """Why the intent does not leave: status `refused` or `lapsed`."""

    status: str
    reason: str
    detail: str = ""


def decide(
    intent: SendMessage, profile: Profile, run: Run, plan: CompiledPlan, facts: Facts, now: int
) -> Claim | Refusal:
    """May this intent leave now?"""
    if intent.is_replay:
        return Refusal("lapsed", "replay")
    if run.exited_by:
        return Refusal("refused", "an event came first", f"ref {run.exited_by}")
    if now > intent.valid_until:
        return Refusal("lapsed", f"valid until {format_time(intent.valid_until)}")
    rule = plan.journeys.get(intent.journey)
    if rule is None:
        return Refusal("refused", "the journey is no longer published")
    message = plan.messages.get(rule.target) if rule.channel == "email" else None
    address = _address(rule, profile)
    if not address:
        return Refusal("refused", "no e-mail address", "the trait email is missing or is no address")
    granted = permit(rule.purpose, [fragment.consents for fragment in profile.fragments.values()])
    if granted is None:
        return Refusal("refused", f"no consent: {rule.purpose}", "never granted, or withdrawn")
    if rule.channel == "email" and facts.is_suppressed(address):
        return Refusal("refused", "the address is suppressed")
    if rule.limit is not None:
        counted = facts.counted(rule.name, now - rule.per_us, [profile.key], address if message else "")
        if counted >= rule.limit:
            return Refusal("refused", limit_text(rule), f"{counted} claimed for this person or address")
    return Claim(intent.intent, address, granted, message, _frozen(intent, profile))


def _address(rule: JourneyRule, profile: Profile) -> str:
    if rule.channel != "email":
        return rule.target
    email = traits.values(fragment.traits for fragment in profile.fragments.values()).get("email")
    return (normalize_email(email) or "") if isinstance(email, str) else ""


def _frozen(intent: SendMessage, profile: Profile) -> bytes:
    """What templates may name; frozen now, so that what is rendered is what was allowed."""
    person = traits.values(fragment.traits for fragment in profile.fragments.values())
    event = {
        "name": intent.event,
        "timestamp": format_time(intent.started_at),
        "key": intent.entry_key,
        "properties": unpack(intent.properties),
    }
    return bytes(pack({"profile": person, "event": event, "key": profile.key, "journey": intent.journey}))
