"""Addresses: where a message to a person goes, by channel, and who says that the address is theirs. Pure.

An address is a text: a mailbox, a phone number (E.164), a device's token, a subscription of web push (JSON), whatever
the chat's service calls a person. A person may have several devices: then there is one address on each line.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from tactful.events.identifiers import email_key, phone_key
from tactful.events.records import Event
from tactful.kernel.state import Fragment
from tactful.language.vocabulary import TraitRules
from tactful.messages.mail import inbox, mailbox
from tactful.people import traits

TRAITS: Mapping[str, str] = {
    "email": "email",
    "sms": "phone",
    "push": "push_tokens",
    "web_push": "web_push",
    "chat": "chat",
}
"""By channel, the trait that its addresses stand in; a webhook's is the journey's."""
DEVICES = frozenset({"push", "web_push"})
"""Channels whose address is the device itself, which alone can say it."""
_OF_DEVICES = frozenset(TRAITS[channel] for channel in DEVICES)
MOST_DEVICES = 20
"""Of one person; those behind are not written to."""
LONGEST = 4096
"""Characters of one address."""

_B64 = re.compile(r"[A-Za-z0-9_-]{16,200}={0,2}")
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
_CHAT = re.compile(r"[^\x00-\x20\x7f-\x9f\u2028\u2029](?:[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,510}[^\s\x00-\x1f\x7f])?")


class Recipient(Struct, frozen=True):
    """Where a message to the person goes, and who says that the address is theirs."""

    address: str
    """One on each line, where there are several."""
    is_confirmed: bool
    """Its reader does."""
    is_hearsay: bool
    """Browsers do, and no server."""


def recipient(fragments: Mapping[str, Fragment], rules: TraitRules, channel: str = "email") -> Recipient | None:
    """What servers have said, by the trait's rule; browsers are asked only where no server has said anything. Otherwise
    a visitor who names an address and then somebody's user id would have that person's mail. For the same reason the
    first to have come to the person with an address is the one browser that is asked."""
    trait = TRAITS[channel]
    writes = [write for one in fragments.values() if (write := one.traits.get(trait)) is not None]
    if not writes:
        return None
    rule = rules.get(trait, traits.NEWEST)
    sure = traits.surest(rule, writes)
    address = _READ[channel](traits.shown(rule, [sure] if sure else writes[:1]))
    if not address:
        return None
    is_confirmed = channel == "email" and any(has_confirmed(one, address) for one in fragments.values())
    return Recipient(address, is_confirmed, is_hearsay=sure is None)


def has_confirmed(fragment: Fragment, address: str) -> bool:
    """Whether the mailbox was confirmed where this fragment entered."""
    return any(mailbox(one) == address for one in fragment.confirmed)


def is_proved(event: Event, trait: str, value: object) -> bool:
    """Whether the token of a browser's call speaks of this address; a device speaks of itself."""
    if not event.is_verified:
        return False
    if trait in _OF_DEVICES:
        return True
    key = email_key(value) if trait == "email" else phone_key(value) if trait == "phone" else None
    return key is not None and key in event.ids


# ---- what is counted and suppressed ----------------------------------------------------------------------------------


def each(address: str) -> tuple[str, ...]:
    """The addresses of a claim, one by one."""
    return tuple(address.split("\n"))


def spelling(channel: str, address: str) -> str:
    """What one address is suppressed by: of a subscription its endpoint, since its keys may change; else itself."""
    if channel != "web_push":
        return address
    try:
        return str(json.loads(address)["endpoint"])
    except (ValueError, KeyError, TypeError):
        return address


def counted_as(channel: str, address: str) -> tuple[str, ...]:
    """What is counted for the addresses of a claim: of mailboxes the inbox. Nothing for a webhook, whose URL is
    everybody's."""
    if channel == "webhook" or not address:
        return ()
    if channel == "email":
        return (inbox(address),)
    return tuple(dict.fromkeys(spelling(channel, one) for one in each(address)))


def told_by(trait: str, value: Any) -> tuple[str, ...]:
    """What is counted for the addresses that a value of a trait says; nothing where it says none."""
    channel = next((channel for channel, one in TRAITS.items() if one == trait), None)
    return counted_as(channel, _READ[channel](value) or "") if channel is not None else ()


def readable(text: str) -> str | None:
    """An address as somebody wrote it into a list, as it is suppressed; None where it is none of any channel."""
    said = text.strip()
    return mailbox(said) or _phone(said) or (said if _TOKEN.fullmatch(said) and "@" not in said else None)


# ---- how traits say it -----------------------------------------------------------------------------------------------


def _phone(value: Any) -> str | None:
    key = phone_key(value)
    return key[2:] if key else None


def _chat(value: Any) -> str | None:
    said = value.strip() if type(value) is str else ""
    return said if _CHAT.fullmatch(said) else None


def _push(value: Any) -> str | None:
    tokens = (one.strip() for one in _listed(value) if type(one) is str)
    return _lines(token for token in tokens if _TOKEN.fullmatch(token))


def _web_push(value: Any) -> str | None:
    """A subscription as `PushSubscription.toJSON()` gives it, or such a JSON text, or a list of either."""
    if type(value) is str:
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return _lines(said for one in _listed(value) if (said := _subscription(one)) is not None)


def _subscription(value: Any) -> str | None:
    """In one spelling."""
    keys = value.get("keys") if type(value) is dict else None
    endpoint = value.get("endpoint") if type(value) is dict else None
    if type(keys) is not dict or type(endpoint) is not str or not _is_endpoint(endpoint):
        return None
    kept = {name: keys.get(name) for name in ("auth", "p256dh")}
    if not all(type(key) is str and _B64.fullmatch(key) for key in kept.values()):
        return None
    return json.dumps({"endpoint": endpoint, "keys": kept}, separators=(",", ":"), sort_keys=True)


def _is_endpoint(url: str) -> bool:
    if len(url) > LONGEST // 2 or not _TOKEN.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def _lines(found: Iterator[str]) -> str | None:
    return "\n".join(list(dict.fromkeys(found))[:MOST_DEVICES]) or None


_READ: Mapping[str, Callable[[Any], str | None]] = {
    "email": mailbox,
    "sms": _phone,
    "push": _push,
    "web_push": _web_push,
    "chat": _chat,
}
