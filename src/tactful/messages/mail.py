"""A rendered message as the bytes of a mail (RFC 5322, MIME by the standard library).

The same claim gives the same bytes each time (the date is the claim's, Message-ID and boundaries come from the intent),
so that what was sent can be proved by its digest, and a receiver that sees it twice can tell.
"""

import re
from datetime import UTC, datetime, timedelta
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from tactful.messages.render import Rendered
from tactful.values import digest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_SPEC = r"([^\s<>@,;:()\[\]\\\"\x00-\x20\x7f]{1,64})@([^\s<>@,;:()\[\]\\\"\x00-\x20\x7f]{1,255})"
_NAMED = re.compile(rf"([^<>\x00-\x1f\x7f]*)<{_SPEC}>")
_ALONE = re.compile(rf"(){_SPEC}")


class AddressError(Exception):
    """An address that no mail can be sent to or from; the text says which."""


def address(text: str) -> Address:
    """`Shop <hello@shop.example>` or the address alone; a domain in its ASCII form (IDNA). Raises AddressError."""
    # The standard library's parsers are lenient, and differ between patch releases; what we send to is plain.
    match = _NAMED.fullmatch(text) or _ALONE.fullmatch(text)
    if match is None:
        raise AddressError(f"no mail address: {text!r}")
    name, local, domain = match.groups()
    try:
        return Address((name or "").strip().strip('"'), local, domain.encode("idna").decode("ascii"))
    except (MessageError, ValueError) as error:
        raise AddressError(f"no mail address: {text!r}") from error


def compose(rendered: Rendered, sender: str, to: str, intent: str, at_us: int) -> bytes:
    """Lines end in CR LF; text stands before HTML (RFC 2046 5.1.4: the best last). Raises AddressError."""
    from_, to_ = address(sender), address(to)
    is_ascii = from_.username.isascii() and to_.username.isascii()
    mail = EmailMessage(policy=policy.SMTP if is_ascii else policy.SMTPUTF8)
    mail["Message-ID"] = message_id(intent, from_.domain)
    mail["Date"] = format_datetime((_EPOCH + timedelta(microseconds=at_us)).replace(microsecond=0))
    mail["From"] = from_
    mail["To"] = to_
    mail["Subject"] = rendered.subject
    for name, value in rendered.headers:
        mail[name] = value
    # Quoted-printable keeps lines short and dots harmless whatever server is in between.
    mail.set_content(rendered.text, charset="utf-8", cte="quoted-printable")
    if rendered.html:
        mail.add_alternative(rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
        # "=_" cannot stand in quoted-printable, so that no body can hold the boundary.
        mail.set_boundary(f"=_{digest('boundary', intent)}")
    return mail.as_bytes()


def message_id(intent: str, domain: str) -> str:
    local = intent if intent.isascii() and intent.isalnum() and len(intent) <= 64 else digest("message", intent)
    return f"<{local}@{domain}>"
