"""A webhook call: its body, and the signature by which the receiver knows who calls (Standard Webhooks 1.0).

The body is the same for every attempt, and its id is the intent's, so that a receiver can drop what it has seen; only
the time of the call and with it the signature change. https://www.standardwebhooks.com
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tactful.events.derived import SendMessage
from tactful.values import SECOND_US, format_time

_SECRET = "whsec_"  # noqa: S105 - the mark before a secret, not one
_encoder = msgspec.json.Encoder(order="deterministic")


def body(intent: SendMessage, values: Mapping[str, Any]) -> bytes:
    """{type, timestamp, data: {intent, journey, person, profile, event}}; `timestamp` is the intent's."""
    event = values.get("event")
    if isinstance(event, Mapping) and isinstance(at_us := event.get("timestamp"), int):
        event = {**event, "timestamp": format_time(at_us)}
    data = {
        "intent": intent.intent,
        "journey": intent.journey,
        "person": intent.key,
        "profile": values.get("profile"),
        "event": event,
    }
    return _encoder.encode({"type": "journey.message", "timestamp": format_time(intent.at), "data": data})


def headers(secrets: Sequence[str], intent: str, call: bytes, now_us: int) -> dict[str, str]:
    """One signature per secret, so that a secret can be exchanged while both are known."""
    seconds = str(now_us // SECOND_US)
    signed = b".".join((intent.encode(), seconds.encode(), call))
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": intent,
        "webhook-id": intent,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{_sign(secret, signed)}" for secret in secrets),
    }


def _sign(secret: str, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(secret_key(secret), signed, hashlib.sha256)).decode("ascii")


def secret_key(secret: str) -> bytes:
    """The bytes behind `whsec_<base64>`; another text stands for itself."""
    if secret.startswith(_SECRET):
        try:
            return base64.b64decode(secret.removeprefix(_SECRET), validate=True)
        except binascii.Error:
            pass
    return secret.encode("utf-8")
