"""Responses: what comes back from a message, as events that every expression may ask for.

They are Event records of the kind `message`, named as the Segment spec for e-mail events names them
(https://segment.com/docs/connections/spec/email/), keyed to the person of the intent. The same report always has the
same messageId: what happens once to a message (it was delivered, it bounced) is named by the message, what may happen
often (it was opened, a link was clicked) by its second as well, or its minute. So a webhook that is sent again changes
nothing.

"*" does not mean them: whoever gets mail has not done anything by that. Nobody else can send them: a tracking call is
of another kind, also where its event has one of these names. Pure.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from tactful.events.records import Event, pack
from tactful.values import MINUTE_US, SECOND_US, digest

SOURCE = "tactful"
KIND: Literal["message"] = "message"
VERSION = 1

EMAIL_SENT = "Email Sent"
EMAIL_DELIVERED = "Email Delivered"
EMAIL_OPENED = "Email Opened"
EMAIL_CLICKED = "Email Link Clicked"
EMAIL_BOUNCED = "Email Bounced"
EMAIL_SPAM = "Email Marked as Spam"
UNSUBSCRIBED = "Unsubscribed"
MESSAGE_SENT = "Message Sent"
MESSAGE_DELIVERED = "Message Delivered"
MESSAGE_CLICKED = "Message Clicked"
MESSAGE_FAILED = "Message Failed"

_OFTEN: Mapping[str, int] = {
    EMAIL_OPENED: SECOND_US,
    EMAIL_CLICKED: SECOND_US,
    MESSAGE_CLICKED: SECOND_US,
    UNSUBSCRIBED: MINUTE_US,
}
"""What may happen several times to one message: once in so long a time. Mailboxes repeat what was not answered."""

PropertyType = Literal["text", "boolean"]
COMMON: Mapping[str, PropertyType] = {
    "intent": "text",
    "journey": "text",
    "message": "text",
    "channel": "text",
    "step": "text",
}
"""Properties of each of them."""
_OWN: Mapping[str, Mapping[str, PropertyType]] = {
    EMAIL_SENT: {},
    EMAIL_DELIVERED: {},
    EMAIL_OPENED: {"machine": "boolean", "reason": "text"},
    EMAIL_CLICKED: {"link": "text", "machine": "boolean", "reason": "text"},
    EMAIL_BOUNCED: {"kind": "text", "reason": "text"},
    EMAIL_SPAM: {"reason": "text"},
    UNSUBSCRIBED: {"purpose": "text", "reason": "text"},
    MESSAGE_SENT: {},
    MESSAGE_DELIVERED: {},
    MESSAGE_CLICKED: {"link": "text", "machine": "boolean", "reason": "text"},
    MESSAGE_FAILED: {"kind": "text", "reason": "text"},
}
PROPERTIES: Mapping[str, Mapping[str, PropertyType]] = {name: {**COMMON, **own} for name, own in _OWN.items()}
"""Of each name, with their types."""
NAMES = frozenset(PROPERTIES)
HELP: Mapping[str, str] = {
    EMAIL_SENT: "an e-mail was handed over to the mail server or the provider",
    EMAIL_DELIVERED: "the receiver's server took it (told by providers only)",
    EMAIL_OPENED: "its pixel was fetched; machine: by a proxy or a scanner, not by a person",
    EMAIL_CLICKED: "a link of it was followed; machine: by a scanner, not by a person",
    EMAIL_BOUNCED: "it could not be delivered; kind: hard (never) or soft (not now)",
    EMAIL_SPAM: "its reader called it spam",
    UNSUBSCRIBED: "its reader wants no more of this kind",
    MESSAGE_SENT: "a message of another channel was handed over",
    MESSAGE_DELIVERED: "it arrived",
    MESSAGE_CLICKED: "it was clicked",
    MESSAGE_FAILED: "it could not be delivered; kind: hard or soft",
}
"""A line for people."""
PROPERTY_HELP: Mapping[str, str] = {
    "intent": "the id of the message that was sent",
    "journey": "the journey that sent it",
    "message": "the message's name",
    "channel": "email, sms, push, web_push, chat or webhook",
    "step": "the step of the journey that sent it",
    "link": "where it leads",
    "reason": "why, in words of the receiver; of a machine, the rule by which it is one",
    "kind": "hard or soft",
    "machine": "no person did it, by the rules of docs/responses.md",
    "purpose": "of consent",
}


class About(Struct, frozen=True, array_like=True):
    """The message that something came back from, and whose it is."""

    intent: str
    key: str
    """The identifier that it was sent for."""
    journey: str = ""
    message: str = ""
    channel: str = "email"
    step: str = ""


class Response(Struct, frozen=True):
    """What came back. `link` and `reason` are cut to what a property may hold."""

    name: str
    at: int
    """When it happened, by whoever tells of it."""
    link: str = ""
    reason: str = ""
    kind: Literal["", "hard", "soft"] = ""
    machine: bool = False
    purpose: str = ""


GAVE_UP = "gave up"
"""How the reason of an outcome begins where the receiver only ever said "not now"."""
LINK_CHARS = 2_000
REASON_CHARS = 500
EARLIEST_US = 946_684_800_000_000
"""2000-01-01, as for tracking calls; a provider's clock that says less says nothing."""


def event(about: About, response: Response, received_at: int) -> Event:
    """The record; the same for the same report, but for when it was received."""
    at = response.at if EARLIEST_US <= response.at <= received_at else received_at
    said = {
        "link": response.link[:LINK_CHARS],
        "reason": response.reason[:REASON_CHARS],
        "kind": response.kind,
        "purpose": response.purpose,
    }
    declared = PROPERTIES[response.name]
    properties: dict[str, str | bool] = {
        **{name: getattr(about, name) for name in COMMON},
        **{name: text for name, text in said.items() if name in declared and text},
    }
    if "machine" in declared:
        properties["machine"] = response.machine
    return Event(
        VERSION,
        SOURCE,
        "server",
        KIND,
        response.name,
        about.key,
        (about.key,),
        message_id(about, response, at),
        at,
        received_at,
        pack({name: value for name, value in properties.items() if value != ""}),
    )


def message_id(about: About, response: Response, at: int) -> str:
    """What happens once is told once, however often and by whomever: a bounce by the provider and by a mail; of a
    soft bounce and a hard one, both. A person's click is none of a machine's that came in the same second."""
    parts = [about.intent, response.name, response.kind]
    if response.name in _OFTEN:
        parts += [
            str(at // _OFTEN[response.name]),
            response.link,
            response.purpose,
            "machine" if response.machine else "",
        ]
    return f"response:{digest(*parts)}"


def of_outcome(about: About, status: str, at: int, reason: str = "", *, was_offered: bool = True) -> Response | None:
    """What an outcome says to expressions: that the message went out, or that its receiver would not have it. None for
    what never left (a message that could not be written was not offered), or of which nobody knows whether it did."""
    is_email = about.channel == "email"
    if status == "sent":
        return Response(EMAIL_SENT if is_email else MESSAGE_SENT, at)
    if status == "rejected" and was_offered:
        kind: Literal["hard", "soft"] = "soft" if reason.startswith(GAVE_UP) else "hard"
        return Response(EMAIL_BOUNCED if is_email else MESSAGE_FAILED, at, reason=reason, kind=kind)
    return None
