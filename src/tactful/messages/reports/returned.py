"""Mail that comes back: delivery status notifications (RFC 3464), complaints (RFC 5965), and what servers say in words.

Which message it is about stands in the address that it came back to (VERP, messages/links.py), wherever servers write
that down; else in the Message-ID of the mail that they quote. A bounce is hard where the address itself is bad; a full
mailbox, a filter that dislikes us, or a server that gave up are soft, and say nothing of the next mail. Somebody's
automatic answer is no bounce. Large mails are read at their beginning, where all of this stands. Pure.
"""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime

from tactful.events import responses
from tactful.events.responses import Response
from tactful.messages.reports import Report, Suppression
from tactful.messages.reports.hardness import is_hard, telling_line
from tactful.values import SECOND_US

READ_BYTES = 512 * 1024
MOST_PARTS = 100
"""Of one mail that are looked at."""
TEXT_CHARS = 20_000
"""Of a text that is looked through."""

Find = Callable[[str], str | None]
"""The intent whose mail comes back to an address; None for other addresses."""

_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-failed-to", "to", "x-rcpt-to")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]]{1,255}")
_MESSAGE_ID = re.compile(r"^[ \t>]*Message-ID:\s*(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_DAEMON = re.compile(
    r"mailer-daemon|postmaster|mail delivery (?:sub)?system|mail-daemon|mdaemon|\bbounces?\b|microsoftexchange",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"could(?:n't| not) be delivered|(?:was|is) undeliverable|undelivered mail|delivery (?:has |to .{0,200} )?failed|"
    r"failed permanently|permanent (?:fatal )?error|delivery status notification \(failure\)|returned mail|"
    r"wasn't delivered|unable to deliver|failure notice|delivery failure|address\(es\) failed|nicht zugestellt"
    r"|unzustellbar",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delay|warning: (?:message|could not)|will be retried|still trying|no action is required", re.IGNORECASE
)


def read(body: bytes, find: Find, recipient: str = "") -> Report | None:
    """What a mail tells that came back; None for any other mail. `recipient` is the address that it came to, where the
    mail server says so beside it."""
    try:
        mail = message_from_bytes(body[:READ_BYTES])
        parts = list(_parts(mail))
        found = _complaint(parts) or _status(parts) or _words(mail, parts)
        if found is None:
            return None
        response, suppression = found
        intent = _intent(mail, parts, find, recipient)
        message_id = "" if intent else _quoted_id(mail, parts)
        at = _at(mail)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The standard library's parser gives up on some of what is sent on purpose; nobody's bounce is like that.
        return None
    told = Response(response.name, at, "", _one_line(response.reason), response.kind)
    return Report(told, intent or "", message_id, suppression, unsubscribes=response.name == responses.UNSUBSCRIBED)


Found = tuple[Response, Suppression]


def _parts(mail: Message) -> Iterator[Message]:
    for number, part in enumerate(mail.walk()):
        if number >= MOST_PARTS:
            return
        yield part


# ---- complaints ------------------------------------------------------------------------------------------------------


def _complaint(parts: list[Message]) -> Found | None:
    """Of a feedback loop (RFC 5965): the type says whether somebody complains."""
    for part in parts:
        if part.get_content_type() != "message/feedback-report":
            continue
        kind = _field(_fields_of(part), "feedback-type").lower()
        if kind == "opt-out":
            return Response(responses.UNSUBSCRIBED, 0, reason="feedback loop"), ""
        if kind and kind != "not-spam":
            return Response(responses.EMAIL_SPAM, 0, reason=kind), "complaint"
        return None
    return None


# ---- delivery status -------------------------------------------------------------------------------------------------


def _status(parts: list[Message]) -> Found | None:
    """Of a delivery status notification: the worst that happened to any recipient (ours have one)."""
    groups: list[Message] = []
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            groups += _fields_of(part)
    fields = [(group, _field([group], "action").lower()) for group in groups]
    for group, action in fields:
        if action == "failed":
            diagnostic, status = _field([group], "diagnostic-code"), _field([group], "status")
            return _bounce(status, _without_type(diagnostic) or status)
    if any(action in ("delivered", "relayed") for _, action in fields):
        return Response(responses.EMAIL_DELIVERED, 0), ""
    return None


def _bounce(status: str, words: str, reason: str = "") -> Found:
    reason = reason or (words if not status or status in words else f"{status} {words}")
    if is_hard(status, words):
        return Response(responses.EMAIL_BOUNCED, 0, reason=reason, kind="hard"), "hard bounce"
    return Response(responses.EMAIL_BOUNCED, 0, reason=reason, kind="soft"), ""


# ---- in words --------------------------------------------------------------------------------------------------------


def _words(mail: Message, parts: list[Message]) -> Found | None:
    """Of servers that only write: who writes must be a server, and it must say that something failed."""
    sender, subject = _header(mail, "from"), _header(mail, "subject")
    has_failed = mail.get("x-failed-recipients") is not None
    if not has_failed and not _DAEMON.search(sender):
        return None
    text = _text(parts)
    if _DELAYED.search(subject) or not (has_failed or _FAILED.search(f"{subject}\n{text}")):
        return None
    said = _before_copy(text)
    return _bounce("", said, telling_line(said) or subject)


def _before_copy(text: str) -> str:
    """What the server says, without the mail that it sends back."""
    match = re.search(
        r"^-{3,}.{0,20}(?:this is a copy|original message|below this line|returned message|message header)",
        text,
        re.IGNORECASE | re.MULTILINE,
    )
    return text[: match.start()] if match else text


# ---- which message ---------------------------------------------------------------------------------------------------


def _intent(mail: Message, parts: list[Message], find: Find, recipient: str) -> str | None:
    """By the address that it came back to: as the server says, in the headers, in a complaint, of the quoted mail."""
    said = [recipient, *(str(value) for name in _TO for value in mail.get_all(name, ()))]
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            said += [_field(_fields_of(part), "original-mail-from")]
    said += [value for headers in _quoted(parts) for value in headers.get_all("return-path", ())]
    for text in said:
        for address in _ADDRESS.findall(str(text)[:2000]):
            if (intent := find(address)) is not None:
                return intent
    return None


def _quoted(parts: list[Message]) -> Iterator[Message]:
    """Headers of the mail that comes back."""
    for part in parts:
        kind = part.get_content_type()
        if kind in ("message/rfc822", "message/global") and part.is_multipart():
            yield part.get_payload()[0]  # type: ignore[misc, index]  # a list of one Message
        elif kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            yield message_from_bytes(_bytes(part))


def _quoted_id(mail: Message, parts: list[Message]) -> str:
    for headers in _quoted(parts):
        if found := _header(headers, "message-id"):
            return found.strip()
    match = _MESSAGE_ID.search(_text(parts))
    if match is not None:
        return match[1]
    # Some servers quote nothing, and say what they answer to.
    return _header(mail, "in-reply-to").strip() or _header(mail, "references").strip().split(" ")[-1]


# ---- the parser's values ---------------------------------------------------------------------------------------------


def _fields_of(part: Message) -> list[Message]:
    """Groups of fields of a report; the parser makes messages of them, or leaves the text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload if isinstance(one, Message)]
    blocks = re.split(rb"\r?\n\r?\n", _bytes(part))
    return [message_from_bytes(block + b"\n\n") for block in blocks[:MOST_PARTS] if block.strip()]


def _field(groups: list[Message], name: str) -> str:
    for group in groups:
        if found := _header(group, name):
            return found.strip()
        if group.get_content_type() == "text/plain" and not group.keys():
            inner = message_from_bytes(_bytes(group))  # A feedback report comes as one part whose text is its fields.
            if found := _header(inner, name):
                return found.strip()
    return ""


def _header(mail: Message, name: str) -> str:
    return str(mail.get(name, ""))


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")


def _text(parts: list[Message]) -> str:
    texts = (_bytes(part).decode("utf-8", "replace") for part in parts if part.get_content_type() == "text/plain")
    text = "\n".join(texts)[:TEXT_CHARS]
    if text.strip():
        return text
    html = "\n".join(
        _bytes(part).decode("utf-8", "replace") for part in parts if part.get_content_type() == "text/html"
    )
    return re.sub(r"<[^<>]{0,2000}>", " ", html[: 2 * TEXT_CHARS])[:TEXT_CHARS]


def _without_type(diagnostic: str) -> str:
    """`smtp; 550 5.1.1 ...` without what kind of code it is."""
    kind, semicolon, words = diagnostic.partition(";")
    return words if semicolon and kind.strip().isascii() and len(kind) < 30 else diagnostic


def _one_line(text: str) -> str:
    return " ".join(text.split())[: responses.REASON_CHARS]


def _at(mail: Message) -> int:
    """When it was written, as it says; 0 where that is no time."""
    try:
        return int(parsedate_to_datetime(_header(mail, "date")).timestamp()) * SECOND_US
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
