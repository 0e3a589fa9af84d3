"""SendGrid's signed event webhook: an array of events; over time and body a signature (ECDSA P-256) in the headers.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (events), .../getting-started-event-webhook-
security-features (signature). Our `intent` comes back at the top of each event, as custom arguments do. Pure.
"""

import binascii
from base64 import b64decode

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from tactful.events import responses
from tactful.events.responses import Response
from tactful.events.verdicts import Refusal
from tactful.messages.reports import MOST, Report, is_stale
from tactful.values import SECOND_US

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_BAD_ADDRESSES = ("bounced address", "invalid", "spam reporting address")
"""How the reasons begin for which SendGrid drops what is sent to an address."""


class _Told(Struct):
    event: str = ""
    timestamp: float = 0
    intent: str = ""
    url: str = ""
    useragent: str | None = None
    reason: str = ""
    status: str = ""
    type: str = ""
    sg_machine_open: bool = False


_events = msgspec.json.Decoder(list[msgspec.Raw])
_event = msgspec.json.Decoder(_Told, strict=False)


def verify(public_key: str, signature: str, timestamp: str, body: bytes, now_us: int) -> Refusal | None:
    """None where the holder of the key (base64 of a DER SubjectPublicKeyInfo) has signed this body, lately."""
    try:
        key = load_der_public_key(b64decode(public_key))
        if not isinstance(key, EllipticCurvePublicKey):
            return Refusal("not_signed", "the public key is none of an elliptic curve")
        key.verify(b64decode(signature, validate=True), timestamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        return Refusal("not_signed", "the signature is not SendGrid's", SIGNATURE)
    if not timestamp.isascii() or not timestamp.isdigit() or is_stale(int(timestamp) * SECOND_US, now_us):
        return Refusal("stale", "it was signed too long ago", TIMESTAMP)
    return None


def read(body: bytes) -> list[Report] | Refusal:
    try:
        told = _events.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Refusal("unreadable", "the body is no array of events")
    found = []
    for one in told[:MOST]:
        try:
            report = _report(_event.decode(one))
        except (msgspec.DecodeError, RecursionError):
            continue
        if report is not None:
            found.append(report)
    return found


def _report(told: _Told) -> Report | None:
    at, intent = int(told.timestamp * SECOND_US), told.intent
    match told.event:
        case "delivered":
            return Report(Response(responses.EMAIL_DELIVERED, at), intent)
        case "open":
            reason = "SendGrid" if told.sg_machine_open else ""
            opened = Response(responses.EMAIL_OPENED, at, reason=reason, machine=told.sg_machine_open)
            return Report(opened, intent, agent=told.useragent)
        case "click":
            return Report(Response(responses.EMAIL_CLICKED, at, told.url), intent, agent=told.useragent)
        case "bounce":
            is_hard = told.type != "blocked"
            reason = " ".join(filter(None, (told.status, told.reason)))
            bounced = Response(responses.EMAIL_BOUNCED, at, reason=reason, kind="hard" if is_hard else "soft")
            return Report(bounced, intent, suppression="hard bounce" if is_hard else "")
        case "dropped":
            is_bad = told.reason.lower().startswith(_BAD_ADDRESSES)
            bounced = Response(responses.EMAIL_BOUNCED, at, reason=told.reason, kind="hard" if is_bad else "soft")
            return Report(bounced, intent, suppression="hard bounce" if is_bad else "")
        case "spamreport":
            return Report(Response(responses.EMAIL_SPAM, at), intent, suppression="complaint")
        case "unsubscribe" | "group_unsubscribe":
            return Report(Response(responses.UNSUBSCRIBED, at, reason="SendGrid"), intent, unsubscribes=True)
        case _:
            return None
