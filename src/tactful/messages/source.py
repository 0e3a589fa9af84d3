"""What a message is made from, as it is frozen when its intent is claimed.

A message published meanwhile must not change what is being sent, and what was sent must be found again: the outbox
keeps each source once under its digest, and a claim names the digest. All variants, translations and blocks are in the
one source; which of them a person gets stands in the claim.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from tactful.messages.blocks import Block
from tactful.messages.definition import Message
from tactful.messages.fetches import Fetch
from tactful.messages.texts import ALL

Texts = Mapping[str, str]


class SourceVariant(Struct, frozen=True, array_like=True):
    """Texts for some people, by field."""

    name: str
    texts: Texts
    translations: Mapping[str, Texts] = {}


class MessageSource(Struct, frozen=True, array_like=True):
    """A message as its author wrote it; texts are Liquid templates. At least one body is there."""

    name: str
    subject: str
    html: str = ""
    text: str = ""
    """Of a mail, "" has the text part made from the HTML part."""
    preheader: str = ""
    """What a mailbox shows beside the subject."""
    sender: str = ""
    """`Shop <hello@shop.example>`; "" is the workspace's."""
    purpose: str = ""
    """Purpose of consent; "" needs none and carries no unsubscribe link."""
    confirms: str = ""
    """Purpose that its reader is asked to confirm."""
    channel: str = "email"
    mjml: str = ""
    """In the place of `html`."""
    amp: str = ""
    title: str = ""
    url: str = ""
    icon: str = ""
    language: str = ""
    variants: tuple[SourceVariant, ...] = ()
    translations: Mapping[str, Texts] = {}
    blocks: tuple[Block, ...] = ()
    fetches: tuple[Fetch, ...] = ()
    tracking: bool = True

    @property
    def texts(self) -> dict[str, str]:
        """Those of the message as it stands, by field."""
        return {name: text for name in ALL if (text := getattr(self, name))}

    def encode(self) -> bytes:
        return _encoder.encode(self)

    def digest(self) -> str:
        return digest(self.encode())


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(MessageSource)


def source_of(message: Message) -> MessageSource:
    """What is frozen of a published message."""
    return MessageSource(
        name=message.name,
        sender=message.sender,
        purpose=message.purpose,
        confirms=message.confirms,
        channel=message.channel,
        language=message.language,
        variants=tuple(SourceVariant(one.name, one.texts, one.translations) for one in message.variants),
        translations=message.translations,
        blocks=message.blocks,
        fetches=message.fetches,
        tracking=message.tracking,
        **{name: getattr(message, name) for name in ALL},
    )


def decode(body: bytes) -> MessageSource:
    return _decoder.decode(body)


def digest(body: bytes) -> str:
    """32 hexadecimal digits (BLAKE2b) of an encoded source, or of the bytes that were sent."""
    return blake2b(body, digest_size=16).hexdigest()
