"""What a message is made from, as it is frozen when its intent is claimed.

A message published meanwhile must not change what is being sent, and what was sent must be found again: the outbox
keeps each source once under its digest, and a claim names the digest.
"""

from hashlib import blake2b
from typing import Protocol

import msgspec
from msgspec import Struct


class MessageSource(Struct, frozen=True, array_like=True):
    """An e-mail as its author wrote it; texts are Liquid templates. At least one of `html` and `text` is there."""

    name: str
    subject: str
    html: str = ""
    text: str = ""
    """"" has the text part made from the HTML part."""
    preheader: str = ""
    """What a mailbox shows beside the subject."""
    sender: str = ""
    """`Shop <hello@shop.example>`; "" is the workspace's."""
    purpose: str = ""
    """Purpose of consent; "" needs none and carries no unsubscribe link."""
    confirms: str = ""
    """Purpose that its reader is asked to confirm."""

    def encode(self) -> bytes:
        return _encoder.encode(self)

    def digest(self) -> str:
        return digest(self.encode())


class Written(Protocol):
    """A message as its definition has it (messages/definition.py)."""

    @property
    def name(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def preheader(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def confirms(self) -> str: ...


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(MessageSource)


def source_of(message: Written) -> MessageSource:
    """What is frozen of a published message."""
    return MessageSource(
        name=message.name,
        subject=message.subject,
        html=message.html,
        text=message.text,
        preheader=message.preheader,
        sender=message.sender,
        purpose=message.purpose,
        confirms=message.confirms,
    )


def decode(body: bytes) -> MessageSource:
    return _decoder.decode(body)


def digest(body: bytes) -> str:
    """32 hexadecimal digits (BLAKE2b) of an encoded source, or of the bytes that were sent."""
    return blake2b(body, digest_size=16).hexdigest()
