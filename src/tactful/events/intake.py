"""Intake: one call in, an Event or a Refusal out (the values are coerced once, here).

Pure: the same bytes, source and receive time give the same event, so that a refused call can be tried again from the
quarantine and an import can be repeated. A call without messageId gets one from its bytes, its receive time and its
place in the batch: two equal calls may well be two purchases, so each counts; whoever wants to send again safely
sends a messageId, as every official client does.
"""

from hashlib import blake2b
from typing import Any, Literal, cast

import msgspec
from msgspec import Raw, Struct

from tactful.events import identifiers
from tactful.events.calls import Call, ConsentCall, is_suspect, read_call, read_consent
from tactful.events.frames import OrdinaryFrame
from tactful.events.naming import DEFAULT, TOKEN, Naming, Proof, Prove, names_of
from tactful.events.normalize import normalize
from tactful.events.records import Consent, Event, Trust, decode
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.values import DAY_US, format_time, parse_time

Kind = Literal["track", "identify", "page", "screen", "group", "alias"]
VERSION = 1
MAX_TEXT = 1_000
"""Characters of an event name or a messageId."""
MOST_PURPOSES = 50
"""Of one consent call."""
MAX_LEAD_US = DAY_US
EARLIEST_US = 946_684_800_000_000
"""2000-01-01: no tracking call is older, and clocks that were never set say 1970 or 1980."""

_NAMES = {kind: f"${kind}" for kind in ("identify", "page", "screen", "group", "alias")}
_RESERVED = frozenset((*_NAMES.values(), "*"))
_ALL_INTEGRATIONS = {"All": True}


class Arrival(Struct, frozen=True):
    """What the events of one HTTP call (or import) share: whence, when, and what the frame says for all of them."""

    source: Source
    received_at: int
    sent_at: int | None = None
    context: dict[str, Any] | None = None
    default_kind: Kind | None = None
    """For a call without `type`, as sent to /v1/track and the others."""
    is_suspect: bool = True
    """The bytes may hold an escaped NUL; False saves looking again where a whole frame was looked through."""
    naming: Naming = DEFAULT
    proof: Proof | Refusal | None = None
    """What a token that came beside the calls says of whoever sends them, or what is wrong with it."""
    prove: Prove | None = None
    """Looks at a token that stands in a call."""
    salt_key: bytes = b""
    has_gpc: bool = False
    """Whoever sends it objects to sharing (Sec-GPC, https://w3c.github.io/gpc/)."""
    is_import: bool = False
    """Brought in afterwards (records.Event)."""

    def salt(self, message_id: str) -> bytes:
        """For the ledger: nobody can guess it who has not got the key, and it is the same for the same call."""
        return blake2b(f"{self.received_at} {message_id}".encode(), digest_size=16, key=self.salt_key).digest()

    def is_verified(self, key: str) -> bool:
        """Whether a token beside the call vouches for this user."""
        return self.source.trust == "browser" and isinstance(self.proof, Proof) and self.proof.user == key


class Draft(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """An Event whose maps are not packed yet; encodes to the same bytes in one pass (`encode_draft`)."""

    version: int
    source: str
    trust: Trust
    kind: Kind
    name: str
    key: str
    ids: tuple[str, ...]
    message_id: str
    timestamp: int
    received_at: int
    properties: dict[str, Any]
    context: dict[str, Any]
    extra: dict[str, Any]
    is_verified: bool = False
    salt: bytes = b""
    is_import: bool = False

    def event(self) -> Event:
        """The record itself."""
        event = decode(encode_draft(self))
        assert isinstance(event, Event)
        return event


def accept(body: bytes | Raw, arrival: Arrival, place: int = 0) -> Event | Refusal:
    """One call, checked, coerced and normalized; `place` is its index in the batch."""
    drafted = draft_of(body, arrival, place)
    return drafted if isinstance(drafted, Refusal) else drafted.event()


def draft_of(body: bytes | Raw, arrival: Arrival, place: int = 0) -> Draft | Refusal:
    """As `accept`, before packing."""
    if memoryview(body).nbytes > (most := arrival.source.event_bytes):
        return Refusal("event_too_large", f"the event is larger than {most:,} bytes")
    call = read_call(body, arrival.is_suspect and is_suspect(bytes(body)))
    if isinstance(call, Refusal):
        return call
    if not call.message_id:
        call.message_id = _derived_id(body, arrival, place)
    return draft(call, arrival)


def drafts_of(frame: OrdinaryFrame, arrival: Arrival) -> list[Draft] | None:
    """All of a batch at once; None where one is refused, whose bytes will be wanted."""
    drafts = []
    for call in frame.batch:
        drafted = draft(call, arrival)
        if isinstance(drafted, Refusal):
            return None
        drafts.append(drafted)
    return drafts


def draft(call: Call, arrival: Arrival) -> Draft | Refusal:
    """A call that was read and has a messageId. This is the hot path: ordinary calls leave every branch at once."""
    kind = call.type or arrival.default_kind
    name = call.event if kind == "track" else _NAMES.get(kind or "")
    if not name or len(name) > MAX_TEXT or (kind == "track" and name in _RESERVED):
        return _nameless(call, kind)
    message_id = call.message_id if type(call.message_id) is str else str(call.message_id)
    if len(message_id) > MAX_TEXT:
        return _too_long("messageId", MAX_TEXT)
    context, properties, traits = call.context or {}, call.properties or {}, call.traits
    if arrival.context:
        context = {**arrival.context, **context}
    if arrival.has_gpc:
        context["gpc"] = True
    if kind != "track":
        properties = _properties(call, kind, context)
        traits = properties if kind == "identify" else None if kind == "group" else traits
    normalize(properties, context)
    source, proof = arrival.source, arrival.proof
    if TOKEN in context:
        proof = _proof(context.pop(TOKEN), arrival)
    named = names_of(call, kind, traits, context, source.trust, arrival.naming, proof)
    if isinstance(named, Refusal):
        return named
    keys, is_verified = named
    timestamp = _timestamp(call, arrival)
    if isinstance(timestamp, Refusal):
        return timestamp
    return Draft(
        VERSION,
        source.name,
        source.trust,
        cast("Kind", kind),
        name,
        keys[0],
        keys,
        message_id,
        timestamp,
        arrival.received_at,
        properties,
        context,
        _extra(call, arrival),
        is_verified,
        arrival.salt(message_id) if "gpc" in context or "consent" in context else b"",
        arrival.is_import,
    )


def accept_consent(body: bytes, arrival: Arrival) -> list[Consent] | Refusal:
    """A `POST /v1/consent`: one decision, or several (`consents`), each a record of its own."""
    if memoryview(body).nbytes > (most := arrival.source.event_bytes):
        return Refusal("event_too_large", f"the call is larger than {most:,} bytes")
    call = read_consent(body)
    if isinstance(call, Refusal):
        return call
    message_id = str(call.message_id or _derived_id(body, arrival, 0))
    if len(message_id) > identifiers.MAX_LENGTH:
        return _too_long("messageId", identifiers.MAX_LENGTH)
    named, decisions, at = _who_decides(call, arrival), _decisions(call), _timestamp(call, arrival)
    if isinstance(named, Refusal):
        return named
    if isinstance(decisions, Refusal):
        return decisions
    if isinstance(at, Refusal):
        return at
    key, is_verified = named
    return [
        Consent(
            VERSION,
            arrival.source.name,
            arrival.source.trust,
            key,
            one,
            purpose,
            granted,
            at,
            arrival.received_at,
            call.text_version or "",
            salt=arrival.salt(one),
            is_verified=is_verified,
            is_import=arrival.is_import,
        )
        for purpose, granted in decisions.items()
        for one in [f"{message_id}/{purpose}" if call.consents else message_id]
    ]


def _who_decides(call: ConsentCall, arrival: Arrival) -> tuple[str, bool] | Refusal:
    """A server speaks for whomever it names; a browser for its own anonymousId, or for the userId of its token."""
    user_id, trust = call.user_id, arrival.source.trust
    if trust == "browser" and not arrival.is_verified(identifiers.user_key(user_id) or ""):
        if not call.anonymous_id and user_id:
            hint = "send its anonymousId, or let the server tell what a user has decided"
            return Refusal("not_allowed", f"a browser decides for itself alone: {hint}", "anonymousId")
        user_id = None
    named = names_of(
        Call(user_id=user_id, anonymous_id=call.anonymous_id),
        None,
        {"email": call.email},
        {},
        trust,
        arrival.naming,
        arrival.proof,
    )
    return named if isinstance(named, Refusal) else (named[0][0], named[1])


def _decisions(call: ConsentCall) -> dict[str, bool] | Refusal:
    """Granted or not, by purpose."""
    if call.consents:
        if call.purpose is not None or call.granted is not None:
            return Refusal("purpose_twice", "a call has either purpose and granted, or consents", "consents")
        if len(call.consents) > MOST_PURPOSES:
            return Refusal("too_many_purposes", f"a call decides on {MOST_PURPOSES} purposes at most", "consents")
        for purpose, granted in call.consents.items():
            if not 0 < len(purpose) <= MAX_TEXT or not isinstance(granted, bool):
                return Refusal("granted_missing", "each purpose must be true or false", f"consents.{purpose}"[:200])
        return call.consents
    if not call.purpose or len(call.purpose) > MAX_TEXT:
        return Refusal("purpose_missing", "consent is for a purpose, such as email_marketing", "purpose")
    if call.granted is None:
        return Refusal("granted_missing", "granted must be true or false", "granted")
    return {call.purpose: call.granted}


encode_draft = msgspec.msgpack.Encoder().encode
"""The bytes of `records.encode(draft.event())`."""


def completed(body: bytes, arrival: Arrival, kind: str | None = None) -> bytes:
    """A refused call as it can be tried again by itself: with the type and sentAt that only its surroundings told.

    They are written in front, where what the call says itself wins, as the later of two equal keys does.
    """
    told = {"type": kind or arrival.default_kind, "sentAt": arrival.sent_at and format_time(arrival.sent_at)}
    front = b",".join(b'"%b":"%b"' % (key.encode(), text.encode()) for key, text in told.items() if text)
    inner = body.strip()[1:]
    if not front or not body.strip().startswith(b"{") or inner.lstrip().startswith(b"}"):
        return body
    return b"{" + front + b"," + inner


def _proof(token: object, arrival: Arrival) -> Proof | Refusal | None:
    """What a token in the context says; without one that beside the call counts, and a server needs none."""
    if arrival.source.trust == "server" or token is None:
        return arrival.proof
    if arrival.prove is None:
        return Refusal("token_invalid", "no token is believed here: [identity] secrets is empty", f"context.{TOKEN}")
    return arrival.prove(token, arrival.received_at)


def _nameless(call: Call, kind: str | None) -> Refusal:
    """Why the event has no name in the language (LANGUAGE.md 4)."""
    if kind == "track":
        if not call.event:
            return Refusal("event_missing", "a track call needs the name of its event", "event")
        if call.event in _RESERVED:
            return Refusal("event_reserved", f"{call.event} is the name of another kind of call", "event")
        return _too_long("event", MAX_TEXT)
    if not kind:
        return Refusal("type_missing", "the call has no type", "type")
    return Refusal("unknown_type", "type must be one of track, identify, page, screen, group, alias", "type")


def _properties(call: Call, kind: str | None, context: dict[str, Any]) -> dict[str, Any]:
    """Properties as conditions see them: the traits of identify and group; name and category of page and screen."""
    if kind == "identify":
        # Rudder clients write traits into the context (and repeat them on every later call, where they mean nothing).
        traits = context.get("traits")
        return {**traits, **(call.traits or {})} if isinstance(traits, dict) else call.traits or {}
    if kind == "group":
        return call.traits or {}
    properties = call.properties or {}
    if kind in ("page", "screen") and (call.name or call.category):
        named = {"name": call.name, "category": call.category}
        return {**properties, **{key: text for key, text in named.items() if text}}
    return properties


def _timestamp(call: Call | ConsentCall, arrival: Arrival) -> int | Refusal:
    """When it happened, corrected for the client's clock (LANGUAGE.md 1.3)."""
    received_at = arrival.received_at
    text = call.original_timestamp or call.timestamp
    if not text:
        return received_at
    at = parse_time(text)
    if at is None:
        return Refusal("timestamp_unreadable", f"{_time_field(call)} is not a time in ISO 8601", _time_field(call))
    sent_at = parse_time(call.sent_at) if call.sent_at else arrival.sent_at
    if sent_at is not None:
        at += received_at - sent_at
    if EARLIEST_US <= at <= received_at:
        return at
    if received_at < at <= received_at + MAX_LEAD_US:
        return received_at
    when = "before the year 2000" if at < EARLIEST_US else "more than 24 hours ahead"
    return Refusal("timestamp_absurd", f"{_time_field(call)} lies {when}", _time_field(call))


def _time_field(call: Call | ConsentCall) -> str:
    return "originalTimestamp" if call.original_timestamp else "timestamp"


def _derived_id(body: bytes | Raw, arrival: Arrival, place: int) -> str:
    about = f"{arrival.source.name} {arrival.received_at} {place} ".encode()
    return "auto-" + blake2b(about + bytes(body), digest_size=16).hexdigest()


def _too_long(field: str, most: int) -> Refusal:
    return Refusal("too_long", f"{field} has more than {most} characters", field)


def _extra(call: Call, arrival: Arrival) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if arrival.sent_at is not None or call.sent_at:
        extra["originalTimestamp"] = call.original_timestamp or call.timestamp
    if call.group_id or call.previous_id or call.channel:
        named = {"groupId": call.group_id, "previousId": call.previous_id, "channel": call.channel}
        extra |= {name: str(value) for name, value in named.items() if value}
    if call.integrations and call.integrations != _ALL_INTEGRATIONS:
        extra["integrations"] = call.integrations
    return extra
