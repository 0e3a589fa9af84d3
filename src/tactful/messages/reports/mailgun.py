"""Mailgun's webhooks: one event each, with an HMAC-SHA256 over a time and a token in the body itself.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads and .../securing-webhooks. The
signature does not cover the event, so that who has read one call could make another with its token: a token is good for
one body only (web/hooks.py). Our `intent` comes back among the user variables. Pure.
"""

import hmac
from typing import Any

import msgspec
from msgspec import Struct, field

from tactful.events import responses
from tactful.events.responses import Response
from tactful.events.verdicts import Refusal
from tactful.messages.reports import Report, is_stale
from tactful.values import SECOND_US

_BAD_ADDRESSES = frozenset({"bounce", "suppress-bounce", "suppress-complaint"})


class _Signature(Struct):
    timestamp: str = ""
    token: str = ""
    signature: str = ""


class _Client(Struct, rename={"agent": "user-agent"}):
    agent: str | None = None
    bot: str | None = None


class _Delivery(Struct):
    code: int | str | None = None
    message: str | None = None
    description: str | None = None


class _Told(Struct, rename="kebab"):
    event: str = ""
    timestamp: float = 0
    severity: str = ""
    reason: str = ""
    url: str = ""
    user_variables: Any = None
    """An object; an empty array where there are none."""
    client_info: _Client | None = None
    delivery_status: _Delivery | None = None


class _Call(Struct):
    signature: _Signature
    told: _Told = field(name="event-data")


_call = msgspec.json.Decoder(_Call, strict=False)


def token_of(body: bytes) -> str:
    """That the signature is over; empty where there is none."""
    try:
        return _call.decode(body).signature.token
    except (msgspec.DecodeError, RecursionError):
        return ""


def read(body: bytes, signing_key: str, now_us: int) -> list[Report] | Refusal:
    """What it tells, where the holder of the key has signed it lately."""
    try:
        call = _call.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Refusal("unreadable", "the body is no event of Mailgun's")
    said = call.signature
    made = hmac.new(signing_key.encode(), f"{said.timestamp}{said.token}".encode(), "sha256").hexdigest()
    if not hmac.compare_digest(made.encode(), said.signature.encode()):
        return Refusal("not_signed", "the signature is not Mailgun's", "signature")
    timestamp = said.timestamp
    if not timestamp.isascii() or not timestamp.isdigit() or is_stale(int(timestamp[:12]) * SECOND_US, now_us):
        return Refusal("stale", "it was signed too long ago", "signature.timestamp")
    report = _report(call.told)
    return [report] if report is not None else []


def _report(told: _Told) -> Report | None:
    at, intent = int(told.timestamp * SECOND_US), ""
    if isinstance(told.user_variables, dict):
        intent = str(told.user_variables.get("intent", ""))
    client = told.client_info or _Client()
    match told.event:
        case "delivered":
            return Report(Response(responses.EMAIL_DELIVERED, at), intent)
        case "opened":
            opened = Response(responses.EMAIL_OPENED, at, reason=_bot(client), machine=_bot(client) != "")
            return Report(opened, intent, agent=client.agent)
        case "clicked":
            clicked = Response(responses.EMAIL_CLICKED, at, told.url, _bot(client), machine=_bot(client) != "")
            return Report(clicked, intent, agent=client.agent)
        case "failed" | "rejected":
            is_hard = told.severity == "permanent" and told.reason in _BAD_ADDRESSES
            said = told.delivery_status or _Delivery()
            words = (said.code, said.message or said.description or told.reason)
            reason = " ".join(str(one) for one in words if one)
            bounced = Response(responses.EMAIL_BOUNCED, at, reason=reason, kind="hard" if is_hard else "soft")
            return Report(bounced, intent, suppression="hard bounce" if is_hard else "")
        case "complained":
            return Report(Response(responses.EMAIL_SPAM, at), intent, suppression="complaint")
        case "unsubscribed":
            return Report(Response(responses.UNSUBSCRIBED, at, reason="Mailgun"), intent, unsubscribes=True)
        case _:
            return None


def _bot(client: _Client) -> str:
    """Mailgun's own opinion: "apple", "gmail", "scanner", ...; Gmail's proxy fetches when somebody reads."""
    return f"Mailgun: {client.bot}" if client.bot and client.bot not in ("gmail", "false", "none") else ""
