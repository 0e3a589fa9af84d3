"""The gate: the last decision before anything leaves, on the state at the claim's position (DESIGN 4, Claim).

Asked in this order, the first no is the reason: replay, what ended the run, validity, the journey stopped or no longer
published, the address and whether it is known to be the person's, consent, suppression, quiet hours; then, as of this
instant, what counts: what one address may get from anybody, caps, the limit of the journey, a coupon's code. Pure; what
was sent before, what is suppressed and which code is whose comes in as `Facts`, read in the transaction that will hold
the claim. Caps and quiet hours are not for confirmations, nor for what a contract or the law demands.

An address that only a browser has named may be anybody's. A confirmation is the one message that goes there, without
consent, since it asks for it: seldom, and with nothing in it that a browser said (messages/render.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from msgspec import Struct

from tactful.consent.permits import ConsentWrite, Permit, permit, places
from tactful.events import zones
from tactful.events.derived import SendMessage
from tactful.events.records import pack, unpack
from tactful.journeys.rules import JourneyRule, limit_text
from tactful.journeys.runs import Run
from tactful.kernel import addresses
from tactful.kernel.addresses import DEVICES, TRAITS, Recipient, recipient
from tactful.kernel.fragments import consents, entry_of, hears_browsers, name_of, states
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.sending import clock_time, quiet_until
from tactful.kernel.state import Profile, Steering
from tactful.kernel.view import Around, PersonView, Thresholds, country_of, zone_of
from tactful.messages import languages
from tactful.messages import rules as choices
from tactful.messages.definition import Message
from tactful.people import traits
from tactful.values import DAY_US, format_time

MAILS_PER_ADDRESS = 10
"""Unless the settings say otherwise: to one address in any 24 hours, whatever definitions say."""
CONFIRMATIONS = ((1, DAY_US, "24h"), (3, 30 * DAY_US, "30d"))
"""At most so many to one address, in any window of that length."""
EVERYTHING = ""
"""As a journey to be steered: all sending."""


class Facts(Protocol):
    """What the outbox knows beyond the person."""

    def is_suppressed(self, address: str) -> bool: ...

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int: ...

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int: ...

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int: ...

    def code(self, pool: str, owners: Sequence[str]) -> str | None: ...


class Coupon(Struct, frozen=True):
    """A code that a claim gives to somebody for good."""

    pool: str
    code: str
    owner: str
    """The fragment ("identifier#epoch") with which it goes to another person, and back."""


class Claim(Struct, frozen=True):
    """Only the gate makes one, from a Permit; only with one may a socket be opened."""

    intent: str
    address: str
    permit: Permit
    message: Message | None
    """None for a webhook."""
    frozen: bytes
    """msgpack map that the message is rendered from."""
    is_capped: bool = True
    """It counts against caps."""
    variant: str = ""
    coupon: Coupon | None = None


class Later(Struct, frozen=True):
    """Not now: the intent waits until `not_before` (quiet hours). The reason stands in the outbox meanwhile."""

    not_before: int
    reason: str
    detail: str = ""


class Refusal(Struct, frozen=True):
    """Why the intent does not leave: status `refused` or `lapsed`."""

    status: str
    reason: str
    detail: str = ""


class _Case(Struct, frozen=True, dict=True):
    """One intent before the gate, with what several questions want to know."""

    intent: SendMessage
    profile: Profile
    plan: CompiledPlan
    facts: Facts
    now: int
    message: Message | None
    to: str
    """The address, or addresses."""
    keys: list[str]
    """Under which the person's messages may have been counted."""

    @property
    def channel(self) -> str:
        return self.intent.channel

    def permits(self, purposes: Iterable[str]) -> Iterator[tuple[str, Permit | None]]:
        """By what the person decided. For somebody whom a server knows, a yes that anybody may have said is none."""
        decisions, country = self._decided
        for purpose in purposes:
            yield purpose, permit(purpose, decisions, self.plan.policy, country)

    @cached_property
    def _decided(self) -> tuple[list[Mapping[str, ConsentWrite]], str]:
        """Decisions about consent, and the country; asked for by the message, and by whether it may be tracked."""
        plan, fragments = self.plan, self.profile.fragments
        hears = hears_browsers(fragments, is_signed=plan.identity.is_signed)
        decisions = consents(fragments, hears=hears, rules=plan.traits)
        return decisions, country_of(fragments.values(), plan.traits)


def decide(
    intent: SendMessage,
    profile: Profile,
    run: Run,
    plan: CompiledPlan,
    facts: Facts,
    now: int,
    mails_per_address: int = MAILS_PER_ADDRESS,
    *,
    steering: Mapping[str, Steering] | None = None,
    thresholds: Callable[[], Thresholds] = dict,
    is_rendered: bool = True,
) -> Claim | Later | Refusal:
    """May this intent leave now? What is paused is not brought here (`is_paused`). Of what nobody will render, nothing
    but the variant is frozen."""
    if (over := _over(intent, run, now, steering or {})) is not None:
        return over
    rule = plan.journeys.get(intent.journey)
    if rule is None:
        return Refusal("refused", "the journey is no longer published")
    message = plan.messages.get(intent.message) if intent.channel != "webhook" else None
    if message is None and intent.channel != "webhook":
        return Refusal("refused", "the message is no longer published", intent.message)
    to = _address(intent, message, profile, run, plan, facts)
    if isinstance(to, Refusal):
        return to
    case = _Case(intent, profile, plan, facts, now, message, to, _keys(profile))
    granted = _permit(case)
    if isinstance(granted, Refusal):
        return granted
    is_capped = not (message is not None and message.confirms) and not plan.policy.is_always_allowed(granted.purpose)
    reachable = _not_suppressed(case)
    if reachable is None:
        return Refusal("refused", "the address is suppressed")
    if is_capped and (quiet := _quiet(case)) is not None:
        return quiet
    too_many = _too_many(case, mails_per_address) or (_capped(case) if is_capped else None) or _limited(case, rule)
    if too_many is not None:
        return too_many
    coupon = _coupon(case)
    if isinstance(coupon, Refusal):
        return coupon
    frozen = {} if message is not None and message.confirms else _frozen(case, coupon, thresholds, is_rendered)
    variant = str(frozen.get("variant", ""))
    return Claim(intent.intent, reachable, granted, message, bytes(pack(frozen)), is_capped, variant, coupon)


def is_paused(journey: str, steering: Mapping[str, Steering]) -> str:
    """Why an intent of the journey waits, whatever the gate would say; "" where it does not."""
    if _order(EVERYTHING, steering) == "pause":
        return "all sending is paused"
    return "the journey is paused" if _order(journey, steering) == "pause" else ""


def _order(journey: str, steering: Mapping[str, Steering]) -> str:
    said = steering.get(journey)
    return said.order if said is not None else "resume"


def _over(intent: SendMessage, run: Run, now: int, steering: Mapping[str, Steering]) -> Refusal | None:
    """What has ended it already."""
    if intent.is_replay:
        return Refusal("lapsed", "replay")
    if run.exited_by:
        return Refusal("refused", "an event came first", f"ref {run.exited_by}")
    if run.stopped:
        return Refusal("refused", run.stopped)
    if now > intent.valid_until:
        return Refusal("lapsed", f"valid until {format_time(intent.valid_until)}", is_paused(intent.journey, steering))
    if _order(intent.journey, steering) == "stop":
        said = steering[intent.journey]
        by = f" by {said.author}" if said.author else ""
        detail = f"{format_time(said.since)}{by}{f': {said.reason}' if said.reason else ''}"
        return Refusal("refused", "the journey was stopped", detail)
    return None


# ---- the address -----------------------------------------------------------------------------------------------------


def _address(
    intent: SendMessage, message: Message | None, profile: Profile, run: Run, plan: CompiledPlan, facts: Facts
) -> str | Refusal:
    """Where it goes, if that is known to be the person's."""
    if message is None:
        return intent.message
    channel = intent.channel
    to = recipient(profile.fragments, plan.traits, channel)
    if to is None:
        what = "e-mail" if channel == "email" else channel.replace("_", " ")
        return Refusal("refused", f"no {what} address", f"the trait {TRAITS[channel]} is missing or is no address")
    refusal = _confirmable(to, message, run, profile) if message.confirms else _known(to, intent, profile, plan)
    return to.address if refusal is None else refusal


def _known(to: Recipient, intent: SendMessage, profile: Profile, plan: CompiledPlan) -> Refusal | None:
    """What needs a consent needs to know whose the address is: else somebody would be written to because of a
    stranger's yes. A device speaks for itself, but not for somebody whom a server knows."""
    if not intent.purpose or not to.is_hearsay or to.is_confirmed:
        return None
    if intent.channel in DEVICES and hears_browsers(profile.fragments, is_signed=plan.identity.is_signed):
        return None
    hint = "send a message with confirms: first" if intent.channel == "email" else "let a server tell it"
    return Refusal("refused", "the address is not confirmed", f"a browser named it; {hint} (docs/consent.md)")


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


def _not_suppressed(case: _Case) -> str | None:
    """Those of the addresses that may be written to."""
    if case.channel == "webhook":
        return case.to
    spelling, is_suppressed = addresses.spelling, case.facts.is_suppressed
    kept = [one for one in addresses.each(case.to) if not is_suppressed(spelling(case.channel, one))]
    return "\n".join(kept) or None


# ---- consent ---------------------------------------------------------------------------------------------------------


def _permit(case: _Case) -> Permit | Refusal:
    """The message may have been given another purpose since the intent was made: then both are needed."""
    now_needed = case.message.purpose if case.message is not None else case.intent.purpose
    granted = Permit("", "")
    for purpose, found in case.permits(dict.fromkeys((case.intent.purpose, now_needed))):
        if found is None:
            return Refusal("refused", f"no consent: {purpose}", "never granted, or withdrawn")
        granted = found
    return granted


def _may_track(case: _Case) -> bool:
    """Whether the links and the pixel of a mail may say who it was."""
    purpose = case.plan.sending.track_purpose
    return case.channel != "email" or all(found is not None for _, found in case.permits([purpose]))


# ---- hours and numbers -----------------------------------------------------------------------------------------------


def _zone(case: _Case) -> zones.Zone:
    return zones.known(zone_of(case.profile.fragments.values(), case.plan.traits, case.plan.time_zone))


def _quiet(case: _Case) -> Later | Refusal | None:
    """Moved to the end of the person's quiet hours; at once no, where it would be too late then."""
    hours = case.plan.sending.quiet(case.channel)
    if hours is None:
        return None
    zone = _zone(case)
    until = quiet_until(hours, zone, case.now)
    if until is None:
        return None
    reason = f"quiet hours until {clock_time(zone, until)}"
    if until > case.intent.valid_until:
        return Refusal("lapsed", f"{reason}, valid until {clock_time(zone, case.intent.valid_until)}", zone.name)
    return Later(until, reason, zone.name)


def _too_many(case: _Case, mails_per_address: int) -> Refusal | None:
    """What one address may get, whoever it belongs to and whatever definitions say."""
    if case.channel != "email" or case.message is None:
        return None
    mails_to, now = case.facts.mails_to, case.now
    if mails_to(case.to, now - DAY_US) >= mails_per_address:
        return Refusal("refused", f"limit: {mails_per_address} mails to one address per 24h")
    if case.message.confirms:
        for most, window_us, window in CONFIRMATIONS:
            if mails_to(case.to, now - window_us, are_confirmations=True) >= most:
                return Refusal("refused", f"limit: {most} confirmations to one address per {window}")
    return None


def _capped(case: _Case) -> Refusal | None:
    """What the workspace lets one person or address get."""
    spellings = addresses.counted_as(case.channel, case.to)
    for channel, cap in case.plan.sending.caps(case.channel):
        zone = _zone(case)
        since = cap.since(zone, case.now)
        counted = case.facts.counted_all(channel, since, case.keys, spellings)
        if counted >= cap.times:
            day = f" since midnight in {zone.name}" if not cap.per_us else ""
            return Refusal("refused", cap.text(channel), f"{counted} claimed for this person or address{day}")
    return None


def _limited(case: _Case, rule: JourneyRule) -> Refusal | None:
    """The journey's own limit."""
    if rule.limit is None:
        return None
    address = "" if case.channel == "webhook" or case.channel in DEVICES else case.to
    counted = case.facts.counted(rule.name, case.now - rule.per_us, case.keys, address)
    if counted < rule.limit:
        return None
    return Refusal("refused", limit_text(rule), f"{counted} claimed for this person or address")


def _keys(profile: Profile) -> list[str]:
    return sorted({profile.key, *map(entry_of, profile.fragments)})


# ---- what it is made from --------------------------------------------------------------------------------------------


def _coupon(case: _Case) -> Coupon | Refusal | None:
    """The person's code of the pool that the message names. It is a fragment's: a device that goes to somebody else
    leaves it behind."""
    pool = case.message.coupon if case.message is not None else ""
    if not pool:
        return None
    fragments, own = case.profile.fragments, name_of(case.profile.key, case.profile.epoch)
    code = case.facts.code(pool, sorted({own, *fragments}))
    if code is None:
        return Refusal("refused", f"no code is left in the pool {pool}", "`tactful coupons load` brings more")
    return Coupon(pool, code, own if own in fragments else min(fragments, default=own))


def _frozen(
    case: _Case, coupon: Coupon | None, thresholds: Callable[[], Thresholds], is_rendered: bool
) -> dict[str, Any]:
    """What templates may name; frozen now, so that what is rendered is what was allowed."""
    intent, profile, plan = case.intent, case.profile, case.plan
    rule = plan.message_rules.get(intent.message) if case.message is not None else None
    around = Around(plan.time_zone, thresholds, plan.policy, plan.traits, is_signed=plan.identity.is_signed)
    view = PersonView(states(profile), profile.fragments, around)
    if not is_rendered:
        return {"variant": choices.choose(rule, view, profile.key, case.now) if rule is not None else ""}
    kept = profile.fragments.values()
    frozen: dict[str, Any] = {
        "profile": traits.values((one.traits for one in kept), plan.traits),
        "event": {
            "name": intent.event,
            "timestamp": format_time(intent.started_at),
            "key": intent.entry_key,
            "properties": unpack(intent.properties),
        },
        "key": profile.key,
        "journey": intent.journey,
    }
    frozen |= languages.heard(frozen["profile"], (one.locale for one in kept))
    if coupon is not None:
        frozen["coupon"] = {"code": coupon.code, "pool": coupon.pool}
    if not _may_track(case):
        frozen["tracking"] = False
    if rule is not None:
        frozen |= choices.frozen(rule, view, profile.key, case.now, lambda: _segments(profile, plan))
    return frozen


def _segments(profile: Profile, plan: CompiledPlan) -> list[str]:
    return [segment.name for number, segment in plan.by_number.items() if number in profile.segments]
