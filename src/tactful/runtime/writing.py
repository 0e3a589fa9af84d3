"""From a claim to the bytes that leave: the frozen source rendered with the frozen values.

Bytes are made after the hand-off is durable, and are the same whenever they are made again from the same claim.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from tactful.messages import call, links, mail, source
from tactful.messages.mail import AddressError
from tactful.messages.render import render
from tactful.messages.template import TemplateError
from tactful.runtime.ports import Claimed
from tactful.values import DAY_US

CONFIRM_US = 14 * DAY_US
"""How long the link of a confirmation works."""

_decoder = msgspec.msgpack.Decoder(dict[str, Any])


class Unwritable(Exception):
    """This claim can never become a message; the text says why (a template's error with its line, a bad address)."""


Writer = Callable[[Claimed], bytes]


class Letterhead(Struct, frozen=True):
    """What every mail of the workspace has: its name, who writes, where unsubscribe links lead and their keys."""

    workspace: str
    sender: str
    public_url: str
    link_keys: Mapping[int, bytes]


def mail_writer(letterhead: Letterhead, template: Callable[[str], bytes]) -> Writer:
    """`template` is `Outbox.template`; sources are immutable, so the newest are kept decoded."""
    sources = lru_cache(maxsize=64)(lambda digest: source.decode(template(digest)))

    def write(claim: Claimed) -> bytes:
        message = sources(claim.template)
        values = {"workspace": {"name": letterhead.workspace}, **_decoder.decode(claim.frozen)}
        try:
            rendered = render(message, values, claim.claimed_at, signed_url(letterhead, claim, message.confirms))
            return mail.compose(
                rendered, message.sender or letterhead.sender, claim.address, claim.intent.intent, claim.claimed_at
            )
        except (TemplateError, AddressError) as error:
            raise Unwritable(str(error)) from error

    return write


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
