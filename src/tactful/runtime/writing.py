"""From a claim to the bytes that leave: the frozen source rendered with the frozen values.

Bytes are made after the hand-off is durable, and are the same whenever they are made again from the same claim.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.messages import call, links, mail, note, source
from tactful.messages.mail import AddressError, Rendered
from tactful.messages.render import render, render_note
from tactful.messages.source import MessageSource
from tactful.messages.template import TemplateError
from tactful.messages.tracking import NOTHING, Tracking, followed, tracked
from tactful.runtime.outcomes import about
from tactful.runtime.ports import Claimed
from tactful.values import DAY_US

CONFIRM_US = 14 * DAY_US
"""How long the link of a confirmation works."""

_decoder = msgspec.msgpack.Decoder(dict[str, Any])


class Unwritable(Exception):
    """This claim can never become a message; the text says why (a template's error with its line, a bad address)."""


Writer = Callable[[Claimed], bytes]
Compose = Callable[[Rendered, str, str, str, int], bytes]
"""A rendered message as what leaves, from, to, by which intent, when (messages/mail.py `compose`)."""
ALLOWED = "tracking"
"""In the frozen values: false where the person does not allow to track (`[sending] track_purpose`)."""


class Letterhead(Struct, frozen=True):
    """What every mail of the workspace has: its name, who writes, where links to us lead and their keys, and what is
    tracked."""

    workspace: str
    sender: str
    public_url: str
    link_keys: Mapping[int, bytes]
    tracking: Tracking = NOTHING
    site_url: str = ""
    """What links of a message that name no host are relative to."""


def mail_writer(letterhead: Letterhead, template: Callable[[str], bytes], compose: Compose = mail.compose) -> Writer:
    """`template` is `Outbox.template`; sources are immutable, so the newest are kept decoded."""
    sources = lru_cache(maxsize=64)(lambda digest: source.decode(template(digest)))

    def write(claim: Claimed) -> bytes:
        message = sources(claim.template)
        values = {"workspace": {"name": letterhead.workspace}, **_decoder.decode(claim.frozen)}
        try:
            url = signed_url(letterhead, claim, message.confirms)
            rendered = render(message, values, claim.claimed_at, url, letterhead.site_url)
            rendered = with_tracking(letterhead, claim, message, rendered, is_allowed=values.get(ALLOWED) is not False)
            return compose(
                rendered, message.sender or letterhead.sender, claim.address, claim.intent.intent, claim.claimed_at
            )
        except (TemplateError, AddressError) as error:
            raise Unwritable(str(error)) from error

    return write


def note_writer(letterhead: Letterhead, template: Callable[[str], bytes]) -> Writer:
    """Of what goes by SMS, chat and push: a note (messages/note.py). Its link is followed as those of mails are; links
    within its text stay, since they are read."""
    sources = lru_cache(maxsize=64)(lambda digest: source.decode(template(digest)))

    def write(claim: Claimed) -> bytes:
        message = sources(claim.template)
        values = {"workspace": {"name": letterhead.workspace}, **_decoder.decode(claim.frozen)}
        try:
            made = render_note(message, values, claim.claimed_at, signed_url(letterhead, claim, message.confirms))
        except TemplateError as error:
            raise Unwritable(str(error)) from error
        tracking = letterhead.tracking
        if tracking.clicks and message.tracking and made.url and values.get(ALLOWED) is not False:
            house = letterhead.public_url, letterhead.link_keys
            url = followed(made.url, tracking, *house, about(claim.intent), claim.claimed_at)
            made = replace(made, url=url or made.url)
        return note.compose(made)

    return write


def with_tracking(
    letterhead: Letterhead, claim: Claimed, message: MessageSource, rendered: Rendered, *, is_allowed: bool
) -> Rendered:
    """The mail with its links and its pixel, where that is wanted and allowed. A confirmation goes to whoever somebody
    named, who has agreed to nothing yet."""
    tracking = letterhead.tracking
    if not (is_allowed and message.tracking and rendered.html) or message.confirms or tracking == NOTHING:
        return rendered
    house = letterhead.public_url, letterhead.link_keys
    html = tracked(rendered.html, tracking, *house, about(claim.intent), claim.claimed_at, rendered.tags)
    return replace(rendered, html=html, tags=None)


def signed_url(letterhead: Letterhead, claim: Claimed, confirms: str) -> str:
    """Where this mail's one click leads: of a confirmation to confirm, else to unsubscribe; empty for a message that
    needs no consent."""
    intent = claim.intent
    wanted: links.Link
    if confirms:
        expires_at = claim.claimed_at + CONFIRM_US
        wanted = links.Confirm(intent.key, confirms, intent.intent, claim.address, expires_at)
    elif intent.purpose:
        wanted = links.Unsubscribe(intent.key, intent.purpose, intent.intent)
    else:
        return ""
    return links.link(letterhead.public_url, letterhead.link_keys, wanted)


def call_writer() -> Writer:
    """A webhook's body."""

    def write(claim: Claimed) -> bytes:
        return call.body(claim.intent, _decoder.decode(claim.frozen))

    return write
