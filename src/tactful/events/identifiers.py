"""Identifiers: which fields of a call name a person, how each is normalized, and where its home is (IDENTITY.md 2).

A key is a letter for the kind and the normalized value: `u:` user, `x:` external ("x:type:id"), `e:` e-mail, `p:`
phone, `a:` anonymous, `d:` device. The strongest key of an event decides in which partition it enters, so all of this
is routing: fixed for a workspace, a pure function of the call, and never looked up. "", null and white space name
nobody. An e-mail or phone that cannot be one stays a trait and names nobody either.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import phonenumbers

MAX_LENGTH = 512
"""Characters of an identifier; more is a mistake (a token, a page) and not somebody's name."""

PRIORITY = "uxepad"
"""The kinds of identifiers by their letters, the strongest first."""

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")


def user_key(value: object) -> str | None:
    """The key of a userId: `u:` and the value, trimmed; None where it names nobody."""
    return _key("u", value)


def email_key(value: object) -> str | None:
    """The key of an e-mail address: NFKC, lower case; None where it cannot be an address."""
    address = normalize_email(value)
    return f"e:{address}" if address else None


def phone_key(value: object) -> str | None:
    """The key of a phone number in E.164; None without a country code or where the number cannot exist."""
    number = _e164(value) if isinstance(value, str) else None
    return f"p:{number}" if number else None


def normalize_email(value: object) -> str | None:
    """An address as it is compared (NFKC, lower case, trimmed), or None where the value cannot be one."""
    if not isinstance(value, str):
        return None
    # Lower case may bring a letter that NFKC composes again, hence twice; both leave ASCII alone.
    address = value.strip().lower() if value.isascii() else _nfkc(_nfkc(value).lower()).strip()
    return address if len(address) <= MAX_LENGTH and _EMAIL.fullmatch(address) else None


def keys_of(
    user_id: object,
    previous_id: object,
    anonymous_id: object,
    traits: dict[str, Any] | None,
    context: dict[str, Any] | None,
    vouched: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Every identifier that a call names, strongest first, each once.

    `traits` are those that describe the person. previousId is the id of a user and, since old clients alias it,
    an anonymous one; anonymous only where it repeats the anonymousId. Within a kind: userId before previousId, the
    others by key. `vouched` is given for who speaks of himself only: no user but the first, no external ids, and of
    the addresses those in it.
    """
    if (
        type(user_id) is str
        and previous_id is None
        and not traits
        and not (context and ("externalIds" in context or "device" in context))
    ):  # What most clients send; half the time of the general way.
        name = user_id.strip()
        if anonymous_id is None:
            return (f"u:{name}",) if name else ()
        if type(anonymous_id) is str and name and (anonymous := anonymous_id.strip()):
            return (f"u:{name}", f"a:{anonymous}")
    keys: list[str | None] = [_key("u", user_id)] if user_id is not None else []
    if previous_id is not None and previous_id != anonymous_id and vouched is None:
        keys.append(_key("u", previous_id))
    if context and "externalIds" in context and vouched is None:
        keys += _external_keys(context["externalIds"])
    if traits:
        addresses = (email_key(traits.get("email")), phone_key(traits.get("phone")))
        keys += addresses if vouched is None else [address for address in addresses if address in vouched]
    if previous_id is not None:
        keys += sorted(filter(None, (_key("a", anonymous_id), _key("a", previous_id))))
    elif anonymous_id is not None:
        keys.append(_key("a", anonymous_id))
    if context and "device" in context and isinstance(device := context["device"], dict):
        keys.append(_key("d", device.get("id")))
    if len(keys) == 1:
        return (keys[0],) if keys[0] else ()
    return tuple(dict.fromkeys(key for key in keys if key))


@cache
def rank(kind: str, priority: str = PRIORITY) -> int:
    """How weak a kind is, 0 the strongest. Anonymous and device ids are of equal rank where nothing stands between
    them, so that either may take what the other had. A kind that `priority` leaves out is weaker than all in it."""
    place = priority.find(kind)
    if place < 0:
        return len(priority)
    return place - 1 if priority[max(place - 1, 0) : place + 1] in ("ad", "da") else place


def order(key: str, priority: str = PRIORITY) -> tuple[int, str]:
    """The fixed order of all identifiers, the strongest first (IDENTITY.md 2): a mark points to a smaller one only."""
    return rank(key[0], priority), key


@lru_cache(1 << 15)
def partition_of(key: str, partitions: int) -> int:
    """The home partition of an identifier: our own hash, so that every runtime and language agrees on it."""
    if partitions == 1:
        return 0
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % partitions


def _key(kind: str, value: object) -> str | None:
    if type(value) is str:
        name = value.strip()
    elif isinstance(value, int) and not isinstance(value, bool):
        name = str(value)
    else:
        return None
    return f"{kind}:{name}" if name else None


def _external_keys(entries: object) -> list[str]:
    """`[{id, type}]` as in Segment's context.externalIds; a colon in the type is escaped, so that keys stay apart."""
    keys: list[str] = []
    for entry in entries if isinstance(entries, list) else []:
        kind = entry.get("type") if isinstance(entry, dict) else None
        if isinstance(kind, str) and kind.strip():
            escaped = kind.strip().replace("%", "%25").replace(":", "%3A")
            key = _key(f"x:{escaped}", entry.get("id"))
            keys += [key] if key else []
    return sorted(keys)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(4096)
def _e164(text: str) -> str | None:
    """Parsing takes a tenth of a millisecond, and one person's number comes in again and again."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
