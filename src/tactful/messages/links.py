"""Signed links of mails: an opaque token that only this installation can make or read.

Sealed with AES-SIV (RFC 5297): deterministic, so that each rendering of a claim gives the same bytes, and nothing can
be changed or made up without the key; what it holds (the person, the purpose, the intent) cannot be read from a mail.
What a token is for is sealed in as well, so that one for unsubscribing never confirms anything, nor the other way. The
first byte names the key, so that keys can be rotated: seal with the newest, open with any that is kept.

A bounce comes back to an address (VERP), whose local part has 64 characters at most and may come back in small letters
(RFC 5321 2.4, 4.5.3.1.1). There is no room to seal anything in it: it holds the intent and 56 bits of a keyed hash, in
base32.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import Struct

from tactful.events.responses import About

TOKEN_CHARS = 8192
"""A key of 512 characters and an address have room, whatever alphabet they are written in."""


class Unsubscribe(Struct, frozen=True, array_like=True):
    """What a link asks for: this person wants nothing more for this purpose. The intent is the mail's."""

    key: str
    purpose: str
    intent: str


class Confirm(Struct, frozen=True, array_like=True):
    """What a link asks for: whoever reads mail at this address wants what the purpose stands for."""

    key: str
    """The person's that the mail was sent for."""
    purpose: str
    intent: str
    address: str
    """Where the mail went, and so the only one that is confirmed."""
    expires_at: int


class Click(Struct, frozen=True, array_like=True):
    """A link of a mail as it was: where it leads, and which mail it stands in."""

    about: About
    sent_at: int
    """Instant of the claim."""
    target: str
    """http or https, as it goes into a Location header; "" for the trap, which nobody sees (messages/tracking.py)."""


class Open(Struct, frozen=True, array_like=True):
    """The pixel of a mail."""

    about: About
    sent_at: int


Link = Unsubscribe | Confirm | Click | Open
L = TypeVar("L", Unsubscribe, Confirm, Click, Open)

_PATHS: dict[type[Link], tuple[str, str]] = {
    Unsubscribe: ("/v1/unsubscribe/", ""),
    Confirm: ("/v1/confirm/", ""),
    Click: ("/v1/c/", ""),
    Open: ("/v1/o/", ".gif"),
}
_FOR: dict[type[Link], bytes] = {
    Unsubscribe: b"tactful unsubscribe",
    Confirm: b"tactful confirm",
    Click: b"tactful click",
    Open: b"tactful open",
}
_INTENT = re.compile(r"[0-9a-f]{32}")
_MAC_BYTES = 7
_RETURNED = re.compile(r"[^@\s]{1,24}\+([a-z2-7]{39})@[^@\s]+", re.IGNORECASE)
_encoder = msgspec.msgpack.Encoder()


# Making one costs as much as sealing.
_cipher = lru_cache(maxsize=8)(AESSIV)


def seal(keys: Mapping[int, bytes], wanted: Link) -> str:
    """A token safe in a path, under the newest key (the highest number, 0..255); a key has 64 bytes (AES-256-SIV)."""
    number = max(keys)
    sealed = _cipher(keys[number]).encrypt(_encoder.encode(wanted), [_FOR[type(wanted)]])
    return base64.urlsafe_b64encode(bytes([number]) + sealed).rstrip(b"=").decode("ascii")


def unseal(keys: Mapping[int, bytes], token: str) -> Unsubscribe | None:
    """None for anything that `seal` has not made with one of these keys, to unsubscribe."""
    return _open(keys, token, Unsubscribe)


def unseal_confirm(keys: Mapping[int, bytes], token: str) -> Confirm | None:
    """None for anything that `seal` has not made with one of these keys, to confirm. It may have expired."""
    return _open(keys, token, Confirm)


def unseal_click(keys: Mapping[int, bytes], token: str) -> Click | None:
    """None for anything that `seal` has not made with one of these keys, to be followed."""
    return _open(keys, token, Click)


def unseal_open(keys: Mapping[int, bytes], token: str) -> Open | None:
    """None for anything that `seal` has not made with one of these keys, as a pixel."""
    return _open(keys, token, Open)


def _open(keys: Mapping[int, bytes], token: str, kind: type[L]) -> L | None:
    if len(token) > TOKEN_CHARS or not token.isascii():
        return None
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    # Several texts stand for the same bytes (unused bits at the end); only the one that was made is good.
    if len(sealed) < 18 or base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii") != token:
        return None
    key = keys.get(sealed[0])
    if key is None:
        return None
    try:
        return msgspec.msgpack.decode(_cipher(key).decrypt(sealed[1:], [_FOR[kind]]), type=kind)
    except (InvalidTag, msgspec.DecodeError):
        return None


def link(public_url: str, keys: Mapping[int, bytes], wanted: Link) -> str:
    """Where it leads."""
    before, after = _PATHS[type(wanted)]
    return f"{public_url.rstrip('/')}{before}{seal(keys, wanted)}{after}"


# ---- where bounces come back to --------------------------------------------------------------------------------------


def return_path(bounce_address: str, keys: Mapping[int, bytes], intent: str) -> str:
    """The envelope's sender of this mail: `bounces+TOKEN@shop.example` for `bounces@shop.example`, whose local part has
    24 characters at most; "" where there is no such address, or the intent has no id of ours."""
    local, _, domain = bounce_address.rpartition("@")
    if not local or not _INTENT.fullmatch(intent):
        return ""
    number = max(keys)
    held = bytes([number]) + bytes.fromhex(intent)
    token = base64.b32encode(held + _mac(keys[number], held)).rstrip(b"=").decode("ascii").lower()
    return f"{local}+{token}@{domain}"


def returned(keys: Mapping[int, bytes], address: str) -> str | None:
    """The intent whose mail came back to this address, in whatever case; None for any other address."""
    match = _RETURNED.fullmatch(address.strip())
    if match is None:
        return None
    try:
        held = base64.b32decode(match[1].upper() + "=")
    except binascii.Error:
        return None
    # As above: of the texts that stand for the same bytes one is good.
    if base64.b32encode(held).rstrip(b"=").decode("ascii").lower() != match[1].lower():
        return None
    said, mac = held[:-_MAC_BYTES], held[-_MAC_BYTES:]
    key = keys.get(said[0])
    if key is None or not hmac.compare_digest(mac, _mac(key, said)):
        return None
    return said[1:].hex()


def _mac(key: bytes, held: bytes) -> bytes:
    return blake2b(held, digest_size=_MAC_BYTES, key=key, person=b"tactful bounce").digest()
