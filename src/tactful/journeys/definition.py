"""A journey's file, journeys/NAME.yaml: what starts a run, what ends it, and what it sends.

start: {event: Product Added, where: price > 20}    # or {segment: NAME}: on entering it
if: country == "DE"               # optional; checked when it starts and again when it is due
wait: 30m                         # optional
unless: Order Completed           # optional; an event, or a list, that ends the waiting run
repeat: restart                   # optional; what another start does while a run waits (default ignore)
on_merge: start                   # optional; also where the segment is entered since two people turn out to be one
limit: 1 per 24h                  # optional; per person
validity: 24h                     # optional; how long after its moment it may still be sent
send: {email: cart_reminder}      # or {webhook: https://...}, with purpose: NAME if it needs one
"""

import re
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from tactful.language.check import Checked
from tactful.language.document import Document, Fields
from tactful.language.tree import Trait, walk
from tactful.language.vocabulary import Vocabulary
from tactful.values import DAY_US, parse_duration

_KNOWN = ("description", "start", "if", "wait", "unless", "repeat", "on_merge", "limit", "validity", "send", "purpose")
_LIMIT = re.compile(r"([1-9][0-9]{0,2})\s+per\s+(\S+)")
LONGEST_LIMIT_US = 366 * DAY_US


class Start(Struct, frozen=True):
    """An event (with a condition on it), or entering a segment; one of both is empty."""

    events: tuple[str, ...] = ()
    where: Checked | None = None
    segment: str = ""


class Limit(Struct, frozen=True):
    """At most so many messages of this journey per person in any window of this length."""

    times: int
    per_us: int


class Send(Struct, frozen=True):
    channel: Literal["email", "webhook"]
    message: str
    """Name of the message, or the URL."""
    purpose: str = ""
    """Of a webhook; a message has its own."""


class Journey(Struct, frozen=True):
    name: str
    description: str
    start: Start
    condition: Checked | None
    """`if`."""
    wait_us: int
    unless: tuple[str, ...]
    repeat: Literal["ignore", "restart"]
    limit: Limit | None
    validity_us: int
    send: Send
    version: str
    """Digest of the source."""
    on_merge: bool = False
    """Whether it starts where a segment is entered by a merge (IDENTITY.md 5)."""


def read(name: str, document: Document, vocabulary: Vocabulary) -> Journey | None:
    """The journey; None where the document now has problems. References are not checked here."""
    fields = document.fields(_KNOWN, required=("start", "send"))
    if fields is None:
        return None
    start, send = _start(fields, vocabulary), _send(fields)
    journey = Journey(
        name=name,
        description=fields.text("description"),
        start=start,
        condition=fields.expression("if", vocabulary),
        wait_us=fields.duration("wait", 0),
        unless=fields.events("unless", vocabulary),
        repeat="restart" if fields.choice("repeat", ("ignore", "restart"), "ignore") == "restart" else "ignore",
        limit=_limit(fields),
        validity_us=fields.duration("validity", DAY_US),
        send=send,
        version=document.version,
        on_merge=fields.choice("on_merge", ("ignore", "start"), "ignore") == "start",
    )
    if "on_merge" in fields and not start.segment:
        hint = "a run that an event starts goes on by itself"
        document.warn(fields.at("on_merge"), "on_merge: speaks of entering a segment, and none starts this", hint)
    if "unless" in fields and not journey.wait_us and "wait" not in fields:
        document.warn(fields.at("unless"), "without a wait nothing can end the run", "add a line wait: 30m")
    return None if document.problems else journey


def _start(fields: Fields, vocabulary: Vocabulary) -> Start:
    inner = fields.mapping("start", ("event", "where", "segment"))
    if inner is None:
        return Start()
    if ("event" in inner) == ("segment" in inner):
        fields.refuse(
            "start", "a journey starts on an event or on entering a segment", "write one of event: and segment:"
        )
    if "where" in inner and "event" not in inner:
        inner.refuse("where", "where: is a condition on the event", "for a condition on the person write if:")
    events = inner.events("event", vocabulary)
    where = inner.expression("where", vocabulary, scope="event", events=events or None)
    for node in walk(where.tree) if where is not None else ():
        if isinstance(node, Trait):
            hint = "a condition on the person stands in if:"
            inner.refuse_in("where", node.span[0], "a start looks at the event alone", hint)
    return Start(events, where, inner.reference("segment", "segments"))


def _limit(fields: Fields) -> Limit | None:
    if "limit" not in fields or not (text := fields.text("limit")):
        return None
    match = _LIMIT.fullmatch(text.strip())
    per_us = parse_duration(match[2]) if match else None
    if match is None or per_us is None:
        fields.refuse("limit", f'"{text}" is no limit', "write a number and a duration: 1 per 24h")
        return None
    if per_us > LONGEST_LIMIT_US:
        fields.refuse("limit", f'"{match[2]}" is longer than 366 days', "write a shorter one")
        return None
    return Limit(int(match[1]), per_us)


def _send(fields: Fields) -> Send:
    inner = fields.mapping("send", ("email", "webhook"))
    if inner is None:
        return Send("email", "")
    if ("email" in inner) == ("webhook" in inner):
        fields.refuse("send", "a journey sends one e-mail or one webhook", "write one of email: and webhook:")
    if "email" in inner:
        if "purpose" in fields:
            fields.refuse("purpose", "the purpose of an e-mail stands in its message", "remove it here")
        return Send("email", inner.reference("email", "messages"))
    url = inner.text("webhook")
    if url and not _is_url(url):
        inner.refuse("webhook", f'"{url}" is no address to send to', "write https://example.com/path")
    return Send("webhook", url, fields.purpose("purpose"))


def _is_url(url: str) -> bool:
    """https (or http, which the channel may refuse), a host, no password in it, nothing that could split a header."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_clean = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    return is_clean and has_port and parts.scheme in ("https", "http") and bool(parts.hostname)
