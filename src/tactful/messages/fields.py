"""A rendered message as the fields of a mail, for providers that put the mail together themselves (Postmark, SendGrid).

Stands beside messages/mail.py, which makes the bytes of the mail. What the outbox keeps the digest of is this JSON: the
same claim gives the same bytes each time. Addresses are looked at as strictly as there.
"""

import msgspec
from msgspec import Struct

from tactful.messages.mail import Rendered, address, message_id


class Letter(Struct, frozen=True, omit_defaults=True):
    """`headers` are those beside From, To and Subject, Message-ID among them; `html` is "" for a mail of text alone."""

    sender_name: str
    sender: str
    to: str
    subject: str
    text: str
    headers: tuple[tuple[str, str], ...]
    html: str = ""
    amp: str = ""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Letter)


def compose(rendered: Rendered, sender: str, to: str, intent: str, _at_us: int) -> bytes:
    """In the place of mail.compose; the date is the provider's. Raises AddressError."""
    from_ = address(sender)
    headers = (("Message-ID", message_id(intent, from_.domain)), *rendered.headers)
    return _encoder.encode(
        Letter(
            from_.name,
            from_.spec,
            address(to).spec,
            rendered.subject,
            rendered.text,
            headers,
            rendered.html,
            rendered.amp,
        )
    )


def decode(body: bytes) -> Letter:
    return _decoder.decode(body)
