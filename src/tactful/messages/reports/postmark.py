"""Postmark's webhooks: one event each. They are not signed: a password of basic authentication says who it is.

https://postmarkapp.com/developer/webhooks/webhooks-overview, /bounce-webhook, /spam-complaint-webhook, /open-tracking-
webhook, /click-webhook, /delivery-webhook, /subscription-change-webhook. Our `intent` comes back in the metadata. Pure.
"""

import binascii
import hmac
from base64 import b64decode

import msgspec
from msgspec import Struct

from tactful.events import responses
from tactful.events.responses import Response
from tactful.events.verdicts import Refusal
from tactful.messages.reports import Report
from tactful.values import parse_time

_HARD = frozenset({"HardBounce", "BadEmailAddress"})
_NONE = frozenset({"AutoResponder", "AddressChange", "Subscribe", "OpenRelayTest", "ChallengeVerification"})
"""What Postmark calls a bounce and is an answer."""


class _Told(Struct, rename="pascal"):
    record_type: str = ""
    metadata: dict[str, str] | None = None
    type: str = ""
    description: str | None = None
    details: str | None = None
    delivered_at: str | None = None
    bounced_at: str | None = None
    received_at: str | None = None
    changed_at: str | None = None
    original_link: str | None = None
    user_agent: str | None = None
    suppress_sending: bool = False
    suppression_reason: str | None = None
    origin: str | None = None


_told = msgspec.json.Decoder(_Told, strict=False)


def verify(password: str, authorization: str) -> Refusal | None:
    """`authorization` is the header of basic authentication (RFC 7617), whatever the user's name."""
    scheme, _, value = authorization.partition(" ")
    try:
        given = b64decode(value.strip(), validate=True).partition(b":")[2] if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    if not password or not hmac.compare_digest(given, password.encode()):
        return Refusal("not_allowed", "the password is not the webhook's", "authorization")
    return None


def read(body: bytes) -> list[Report] | Refusal:
    try:
        told = _told.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Refusal("unreadable", "the body is no event of Postmark's")
    report = _report(told)
    return [report] if report is not None else []


def _report(told: _Told) -> Report | None:
    intent = (told.metadata or {}).get("intent", "")
    match told.record_type:
        case "Delivery":
            return Report(Response(responses.EMAIL_DELIVERED, _at(told.delivered_at)), intent)
        case "Open":
            return Report(Response(responses.EMAIL_OPENED, _at(told.received_at)), intent, agent=told.user_agent)
        case "Click":
            clicked = Response(responses.EMAIL_CLICKED, _at(told.received_at), told.original_link or "")
            return Report(clicked, intent, agent=told.user_agent)
        case "SpamComplaint":
            return Report(Response(responses.EMAIL_SPAM, _at(told.bounced_at)), intent, suppression="complaint")
        case "Bounce" if told.type not in _NONE:
            return _bounce(told, intent)
        case "SubscriptionChange" if told.suppress_sending and told.suppression_reason == "ManualSuppression":
            if told.origin != "Recipient":
                return None  # Somebody at the shop has done it, who says so here as well.
            unsubscribed = Response(responses.UNSUBSCRIBED, _at(told.changed_at), reason="Postmark")
            return Report(unsubscribed, intent, unsubscribes=True)
        case _:
            return None


def _bounce(told: _Told, intent: str) -> Report:
    at, reason = _at(told.bounced_at), told.details or told.description or told.type
    if told.type == "Unsubscribe":
        return Report(Response(responses.UNSUBSCRIBED, at, reason="Postmark"), intent, unsubscribes=True)
    if told.type in ("SpamComplaint", "SpamNotification"):
        if told.type == "SpamComplaint":
            return Report(Response(responses.EMAIL_SPAM, at), intent, suppression="complaint")
        return Report(Response(responses.EMAIL_BOUNCED, at, reason=reason, kind="soft"), intent)
    is_hard = told.type in _HARD
    bounced = Response(responses.EMAIL_BOUNCED, at, reason=reason, kind="hard" if is_hard else "soft")
    return Report(bounced, intent, suppression="hard bounce" if is_hard else "")


def _at(text: str | None) -> int:
    """0 where it says none: then it is when it came."""
    return (parse_time(text) or 0) if text else 0
