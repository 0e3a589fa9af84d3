"""Intake: one call in, an Event or a Refusal out (the values are coerced once, here).

Pure: the same bytes, source and receive time give the same event, so that a refused call can be tried again from the
quarantine and an import can be repeated. A call without messageId gets one from its bytes, its receive time and its
place in the batch: two equal calls may well be two purchases, so each counts; whoever wants to send again safely
sends a messageId, as every official client does.
"""

from hashlib import blake2b
from typing import Any, Literal, cast

from msgspec import Raw, Struct

from tactful.events import identifiers
from tactful.events.calls import Call, is_suspect, read_call, read_consent
from tactful.events.records import EMPTY_MAP, Consent, Event, pack
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.values import DAY_US, format_time, parse_time

Kind = Literal["track", "identify", "page", "screen", "group", "alias"]
VERSION = 1
MAX_EVENT_BYTES = 256 * 1024
MAX_TEXT = 1_000
"""Characters of an event name or a messageId."""
MAX_LEAD_US = DAY_US
EARLIEST_US = 946_684_800_000_000
"""2000-01-01: no tracking call is older, and clocks that were never set say 1970 or 1980."""

_NAMES = {kind: f"${kind}" for kind in ("identify", "page", "screen", "group", "alias")}
_RESERVED = frozenset((*_NAMES.values(), "*"))
_ALL_INTEGRATIONS = {"All": True}
_FIELD_OF = {
    "u": "userId",
    "x": "context.externalIds",
    "e": "traits.email",
    "p": "traits.phone",
    "a": "anonymousId",
    "d": "context.device.id",
}


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


def accept(body: bytes | Raw, arrival: Arrival, place: int = 0) -> Event | Refusal:
    """One call, checked, coerced and normalized; `place` is its index in the batch."""
    if memoryview(body).nbytes > MAX_EVENT_BYTES:
        return Refusal("event_too_large", f"the event is larger than {MAX_EVENT_BYTES // 1024} KiB")
    call = read_call(body, arrival.is_suspect and is_suspect(bytes(body)))
    if isinstance(call, Refusal):
        return call
    kind = call.type or arrival.default_kind
    name = _event_name(call, kind)
    if isinstance(name, Refusal):
        return name
    message_id = _message_id(call.message_id, body, arrival, place)
    if isinstance(message_id, Refusal):
        return message_id
    return _event(call, cast(Kind, kind), name, message_id, arrival)


def accept_consent(body: bytes, arrival: Arrival) -> Consent | Refusal:
    """A `POST /v1/consent`; only sources of trust `server` may speak for somebody."""
    if arrival.source.trust != "server":
        return Refusal("not_allowed", 'only a source with trust = "server" may record consent')
    if memoryview(body).nbytes > MAX_EVENT_BYTES:
        return Refusal("event_too_large", f"the call is larger than {MAX_EVENT_BYTES // 1024} KiB")
    call = read_consent(body)
    if isinstance(call, Refusal):
        return call
    key = identifiers.user_key(call.user_id)
    if not key:
        return Refusal("no_identifier", "consent is somebody's: it needs a userId", "userId")
    if not call.purpose or len(call.purpose) > MAX_TEXT:
        return Refusal("purpose_missing", "consent is for a purpose, such as email_marketing", "purpose")
    if call.granted is None:
        return Refusal("granted_missing", "granted must be true or false", "granted")
    message_id = _message_id(call.message_id, body, arrival, 0)
    at = _timestamp(call.timestamp, "timestamp", call.sent_at, arrival)
    for refusal in (_too_long(key, "userId", identifiers.MAX_LENGTH), message_id, at):
        if isinstance(refusal, Refusal):
            return refusal
    return Consent(
        VERSION,
        arrival.source.name,
        arrival.source.trust,
        key,
        cast(str, message_id),
        call.purpose,
        call.granted,
        cast(int, at),
        arrival.received_at,
        call.text_version or "",
    )


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


def _event(call: Call, kind: Kind, name: str, message_id: str, arrival: Arrival) -> Event | Refusal:
    context = call.context
    if arrival.context:
        context = {**arrival.context, **(context or {})}
    properties = _properties(call, kind, context)
    traits = properties if kind == "identify" else None if kind == "group" else call.traits
    keys = identifiers.keys_of(call.user_id, call.previous_id, call.anonymous_id, traits, context)
    if not keys:
        return Refusal("no_identifier", "the call names nobody: it needs a userId or an anonymousId", "userId")
    for key in keys:
        if len(key) > identifiers.MAX_LENGTH:
            field = _FIELD_OF[key[0]]
            return Refusal("too_long", f"{field} has more than {identifiers.MAX_LENGTH} characters", field)
    field = "originalTimestamp" if call.original_timestamp else "timestamp"
    timestamp = _timestamp(call.original_timestamp or call.timestamp, field, call.sent_at, arrival)
    if isinstance(timestamp, Refusal):
        return timestamp
    return Event(
        VERSION,
        arrival.source.name,
        arrival.source.trust,
        kind,
        name,
        keys[0],
        keys,
        message_id,
        timestamp,
        arrival.received_at,
        pack(properties) if properties else EMPTY_MAP,
        pack(context) if context else EMPTY_MAP,
        _extra(call, arrival),
    )


def _event_name(call: Call, kind: str | None) -> str | Refusal:
    """The event's name in the language (LANGUAGE.md 4), or why there is none."""
    if kind == "track":
        if not call.event:
            return Refusal("event_missing", "a track call needs the name of its event", "event")
        if call.event in _RESERVED:
            return Refusal("event_reserved", f"{call.event} is the name of another kind of call", "event")
        return _too_long(call.event, "event", MAX_TEXT) or call.event
    if kind in _NAMES:
        return _NAMES[kind]
    if not kind:
        return Refusal("type_missing", "the call has no type", "type")
    return Refusal("unknown_type", "type must be one of track, identify, page, screen, group, alias", "type")


def _properties(call: Call, kind: Kind, context: dict[str, Any] | None) -> dict[str, Any] | None:
    """Properties as conditions see them: the traits of identify and group; name and category of page and screen."""
    if kind == "identify":
        # Rudder clients write traits into the context (and repeat them on every later call, where they mean nothing).
        traits = context.get("traits") if context else None
        return {**traits, **(call.traits or {})} if isinstance(traits, dict) else call.traits
    if kind == "group":
        return call.traits
    if kind in ("page", "screen") and (call.name or call.category):
        named = {"name": call.name, "category": call.category}
        return {**(call.properties or {}), **{key: text for key, text in named.items() if text}}
    return call.properties


def _timestamp(text: str | None, field: str, sent: str | None, arrival: Arrival) -> int | Refusal:
    """When it happened, corrected for the client's clock (LANGUAGE.md 1.3)."""
    received_at = arrival.received_at
    if not text:
        return received_at
    at = parse_time(text)
    if at is None:
        return Refusal("timestamp_unreadable", f"{field} is not a time in ISO 8601", field)
    sent_at = parse_time(sent) if sent else arrival.sent_at
    if sent_at is not None:
        at += received_at - sent_at
    if at > received_at:
        if at - received_at > MAX_LEAD_US:
            return Refusal("timestamp_absurd", f"{field} lies more than 24 hours ahead", field)
        return received_at
    if at < EARLIEST_US:
        return Refusal("timestamp_absurd", f"{field} lies before the year 2000", field)
    return at


def _message_id(given: str | int | None, body: bytes | Raw, arrival: Arrival, place: int) -> str | Refusal:
    if given is None or given == "":
        about = f"{arrival.source.name} {arrival.received_at} {place} ".encode()
        return "auto-" + blake2b(about + bytes(body), digest_size=16).hexdigest()
    message_id = given if isinstance(given, str) else str(given)
    return _too_long(message_id, "messageId", MAX_TEXT) or message_id


def _too_long(text: str, field: str, most: int) -> Refusal | None:
    return Refusal("too_long", f"{field} has more than {most} characters", field) if len(text) > most else None


def _extra(call: Call, arrival: Arrival) -> Raw:
    extra: dict[str, Any] = {}
    if call.group_id:
        extra["groupId"] = str(call.group_id)
    if call.previous_id:
        extra["previousId"] = str(call.previous_id)
    if call.channel:
        extra["channel"] = call.channel
    if call.integrations and call.integrations != _ALL_INTEGRATIONS:
        extra["integrations"] = call.integrations
    if call.sent_at or arrival.sent_at is not None:
        extra["originalTimestamp"] = call.original_timestamp or call.timestamp
    return pack(extra) if extra else EMPTY_MAP
