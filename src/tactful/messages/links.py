"""Unsubscribe links: an opaque token that only this installation can make or read.

Sealed with AES-SIV (RFC 5297): deterministic, so that each rendering of a claim gives the same bytes, and nothing can
be changed or made up without the key; what it holds (the person, the purpose, the intent) cannot be read from a mail.
The first byte names the key, so that keys can be rotated: seal with the newest, open with any that is kept.
"""

import base64
import binascii
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import Struct

TOKEN_CHARS = 2048
_FOR = [b"tactful unsubscribe"]


class Unsubscribe(Struct, frozen=True, array_like=True):
    """What a link asks for: this person wants nothing more for this purpose. The intent is the mail's."""

    key: str
    purpose: str
    intent: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Unsubscribe)


def seal(keys: Mapping[int, bytes], wanted: Unsubscribe) -> str:
    """A token safe in a path, under the newest key (the highest number, 0..255); a key has 64 bytes (AES-256-SIV)."""
    number = max(keys)
    sealed = AESSIV(keys[number]).encrypt(_encoder.encode(wanted), _FOR)
    return base64.urlsafe_b64encode(bytes([number]) + sealed).rstrip(b"=").decode("ascii")


def unseal(keys: Mapping[int, bytes], token: str) -> Unsubscribe | None:
    """None for anything that `seal` has not made with one of these keys."""
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
        return _decoder.decode(AESSIV(key).decrypt(sealed[1:], _FOR))
    except (InvalidTag, msgspec.DecodeError):
        return None


def link(public_url: str, token: str) -> str:
    return f"{public_url.rstrip('/')}/v1/unsubscribe/{token}"
