"""Signed links of mails, which change something: an opaque token that only this installation can make or read.

Sealed with AES-SIV (RFC 5297): deterministic, so that each rendering of a claim gives the same bytes, and nothing can
be changed or made up without the key; what it holds (the person, the purpose, the intent) cannot be read from a mail.
What a token is for is sealed in as well, so that one for unsubscribing never confirms anything, nor the other way. The
first byte names the key, so that keys can be rotated: seal with the newest, open with any that is kept.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import Struct

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


Link = Unsubscribe | Confirm
L = TypeVar("L", Unsubscribe, Confirm)

_PATHS: dict[type[Link], str] = {Unsubscribe: "/v1/unsubscribe", Confirm: "/v1/confirm"}
_FOR: dict[type[Link], bytes] = {Unsubscribe: b"tactful unsubscribe", Confirm: b"tactful confirm"}
_encoder = msgspec.msgpack.Encoder()


def seal(keys: Mapping[int, bytes], wanted: Link) -> str:
    """A token safe in a path, under the newest key (the highest number, 0..255); a key has 64 bytes (AES-256-SIV)."""
    number = max(keys)
    sealed = AESSIV(keys[number]).encrypt(_encoder.encode(wanted), [_FOR[type(wanted)]])
    return base64.urlsafe_b64encode(bytes([number]) + sealed).rstrip(b"=").decode("ascii")


def unseal(keys: Mapping[int, bytes], token: str) -> Unsubscribe | None:
    """None for anything that `seal` has not made with one of these keys, to unsubscribe."""
    return _open(keys, token, Unsubscribe)


def unseal_confirm(keys: Mapping[int, bytes], token: str) -> Confirm | None:
    """None for anything that `seal` has not made with one of these keys, to confirm. It may have expired."""
    return _open(keys, token, Confirm)


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
        return msgspec.msgpack.decode(AESSIV(key).decrypt(sealed[1:], [_FOR[kind]]), type=kind)
    except (InvalidTag, msgspec.DecodeError):
        return None


def link(public_url: str, keys: Mapping[int, bytes], wanted: Link) -> str:
    """Where it leads."""
    return f"{public_url.rstrip('/')}{_PATHS[type(wanted)]}/{seal(keys, wanted)}"
