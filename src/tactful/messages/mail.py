"""A rendered message as the bytes of a mail (RFC 5322, MIME by RFC 2045 to 2047).

The same claim gives the same bytes each time (the date is the claim's, Message-ID and boundary come from the intent),
so that what was sent can be proved by its digest, and a receiver that sees it twice can tell. Written by hand rather
than by the standard library's email package, whose folding differs between releases, loses blanks of long subjects,
and turns a long List-Unsubscribe into encoded words, which no mailbox would follow.
"""

import re
from base64 import b64encode
from binascii import b2a_qp
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from msgspec import Struct

from tactful.events.identifiers import normalize_email
from tactful.messages.html_tags import Tag
from tactful.values import digest

LINE_CHARS = 78
"""RFC 5322 2.1.1: what a line should have at most."""
_WORD_LINE_CHARS = 76
"""Of a line with an encoded word, at most (RFC 2047 2)."""
_WORD_BYTES = 39
"""Of text in one encoded word: with "Subject: " before it, it stays within its line."""

FOLD = "\r\n "

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPEC = r"([^\s<>@,;:()\[\]\\\"\x00-\x20\x7f]{1,64})@([^\s<>@,;:()\[\]\\\"\x00-\x20\x7f]{1,255})"
_NAMED = re.compile(rf"([^<>\x00-\x1f\x7f]*)<{_SPEC}>")
_ALONE = re.compile(rf"(){_SPEC}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
"""Hosts to which a dot in a name means nothing, and which of them are the same."""
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")


class Rendered(Struct, frozen=True):
    """A message for one person; `html` is "" for a mail of text alone. Headers carry no line ends."""

    subject: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...] = ()
    amp: str = ""
    """AMP for Email (text/x-amp-html), for mailboxes that show it; only beside `html`."""
    tags: tuple[Tag, ...] | None = None
    """Of the HTML, those that tracking reads, where they are known."""


class AddressError(Exception):
    """An address that no mail can be sent to or from; the text says which."""


class Address(Struct, frozen=True):
    """Who; `domain` in its ASCII form (IDNA)."""

    name: str
    local: str
    domain: str

    @property
    def spec(self) -> str:
        return f"{self.local}@{self.domain}"

    def header(self) -> str:
        """As it stands in From and To."""
        if not self.name:
            return self.spec
        if not self.name.isascii():
            words = encoded_words(self.name)
            length = len("From: ") + len(words.rpartition("\n")[2]) + len(f" <{self.spec}>")
            return f"{words}{' ' if length <= _WORD_LINE_CHARS else FOLD}<{self.spec}>"
        if _ATOMS.fullmatch(self.name) and "=?" not in self.name:
            return f"{self.name} <{self.spec}>"
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.spec}>'


def address(text: str) -> Address:
    """`Shop <hello@shop.example>` or the address alone. Raises AddressError for anything that is not plain."""
    match = _NAMED.fullmatch(text.strip(" ")) or _ALONE.fullmatch(text.strip(" "))
    if match is None:
        raise AddressError(f"no mail address: {text!r}")
    name, local, domain = match.groups()
    try:
        return Address((name or "").strip().strip('"'), local, _in_ascii(domain))
    except UnicodeError as error:
        raise AddressError(f"no mail address: {text!r}") from error


def mailbox(value: object) -> str | None:
    """The one spelling of an address, for all that is counted, confirmed or suppressed by address: as it is compared
    (events/identifiers.py), the domain in ASCII. None where no mail can go; a name around the address is no part of
    one, or everybody could be written to under as many addresses as there are names."""
    normal = normalize_email(value)
    match = _ALONE.fullmatch(normal) if normal else None
    if match is None:
        return None
    try:
        domain = _in_ascii(match[3]).rstrip(".")
    except UnicodeError:
        return None
    return f"{match[2]}@{domain}" if domain else None


@lru_cache(4096)
def _in_ascii(domain: str) -> str:
    """Most mailboxes are at the same few. Raises UnicodeError."""
    return domain.encode("idna").decode("ascii")


def inbox(address: str) -> str:
    """Where mail to a mailbox is read, as far as its spelling tells: what stands behind a + is a tag (RFC 5233), and
    some hosts read over dots. For counting only: another address of the same inbox is no other place to write to."""
    local, _, domain = address.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", "") or local, _DOTLESS[domain]
    return f"{local}@{domain}"


def compose(rendered: Rendered, sender: str, to: str, intent: str, at_us: int) -> bytes:
    """Lines end in CR LF; text stands before HTML (RFC 2046 5.1.4: the best last), and AMP between them: some mailboxes
    show the last part only, whatever it is. Raises AddressError."""
    from_, to_ = address(sender), address(to)
    headers = [
        ("Message-ID", message_id(intent, from_.domain)),
        ("Date", format_datetime((_EPOCH + timedelta(microseconds=at_us)).replace(microsecond=0))),
        ("From", from_.header()),
        ("To", to_.header()),
        ("Subject", _subject(rendered.subject)),
        *rendered.headers,
        ("MIME-Version", "1.0"),
    ]
    text = _part("plain", rendered.text)
    if not rendered.html:
        return _head(headers) + text
    # "=_" cannot stand in quoted-printable, so that no body can hold the boundary.
    boundary = f"=_{digest('boundary', intent)}"
    headers.append(("Content-Type", f'multipart/alternative; boundary="{boundary}"'))
    amp = [_part("x-amp-html", rendered.amp)] if rendered.amp else []
    bodies = (text, *amp, _part("html", rendered.html))
    parts = b"".join(f"--{boundary}\r\n".encode() + part for part in bodies)
    return _head(headers) + b"\r\n" + parts + f"--{boundary}--\r\n".encode()


def message_id(intent: str, domain: str) -> str:
    local = intent if intent.isascii() and intent.isalnum() and len(intent) <= 64 else digest("message", intent)
    return f"<{local}@{domain}>"


def encoded_words(text: str) -> str:
    """RFC 2047: as many words as it takes, on lines of their own; what stands between two words is not text."""
    words, word = [], b""
    for sign in text:
        byte = sign.encode("utf-8", "replace")
        if len(word) + len(byte) > _WORD_BYTES:
            words.append(word)
            word = b""
        word += byte
    return FOLD.join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in [*words, word])


def _subject(subject: str) -> str:
    is_plain = len(subject) <= LINE_CHARS - len("Subject: ") and _PLAIN.fullmatch(subject) and "=?" not in subject
    return subject if is_plain else encoded_words(subject)


def _head(headers: list[tuple[str, str]]) -> bytes:
    for name, value in headers:
        # Only our own folds, which begin the next line with a blank, may end a line.
        assert not re.search(r"[\r\n](?! |\n )", value), f"{name} would end its line"
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("utf-8")


def _part(kind: str, body: str) -> bytes:
    """Quoted-printable keeps lines short and dots harmless whatever server is in between."""
    lines = b2a_qp(body.encode("utf-8", "replace"), istext=True).replace(b"\n", b"\r\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
    return head + lines + (b"" if lines.endswith(b"\r\n") else b"\r\n")
