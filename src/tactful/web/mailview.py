"""A mail as a mail client would show it: its headers, its text part, and its HTML part in a frame of its own.

The HTML comes from templates and from people's data. The frame is sandboxed twice, by the tag around it and by its own
headers: no script, no form, nothing loaded from anywhere. Links open in a new window.
"""

from email import message_from_bytes, policy
from email.message import EmailMessage

from msgspec import Struct
from starlette.responses import Response

FRAME_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A mail without a layout of its own gets room around it; links leave the frame.
_HEAD = """<!doctype html><meta charset="utf-8"><base target="_blank">
<style>body{margin:1.5rem 1.75rem}@media(max-width:30rem){body{margin:.75rem}}</style>"""
SHOWN_FIRST = ("subject", "from", "to", "date")


class Mail(Struct, frozen=True):
    """What a reader sees of RFC 5322 bytes."""

    subject: str
    sender: str
    to: str
    date: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    """The others, in their order."""
    size: int


def read_mail(raw: bytes) -> Mail:
    """Never fails: what is broken in a mail is shown as it is."""
    parsed = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    return Mail(
        subject=str(parsed.get("subject", "")),
        sender=str(parsed.get("from", "")),
        to=str(parsed.get("to", "")),
        date=str(parsed.get("date", "")),
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
        headers=tuple((name, str(value)) for name, value in parsed.items() if name.lower() not in SHOWN_FIRST),
        size=len(raw),
    )


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    if part is None:
        return ""
    content = part.get_content()
    return content if isinstance(content, str) else ""


def frame(html: str) -> Response:
    """The HTML part as a document of its own."""
    return Response((_HEAD + html).encode("utf-8", "replace"), 200, FRAME_HEADERS, "text/html")
