"""One message for one person: a frozen source and frozen values in, subject and bodies out.

What a template sees: `profile.*` (traits, by that name as well), `event.name`, `event.timestamp`,
`event.properties.*`, `workspace.name`, and `unsubscribe_url` where the message has a purpose. A confirmation goes to
addresses that a stranger may have typed, so it sees `workspace` and `confirm_url` and nothing else, whatever was
published. Values are escaped in HTML; a subject is one line whatever is put in.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from tactful.messages import template
from tactful.messages.mail import Rendered
from tactful.messages.plain import plain_text
from tactful.messages.source import MessageSource
from tactful.messages.template import TemplateError
from tactful.values import format_time

SUBJECT_CHARS = 998
"""RFC 5322 2.1.1: no line of a mail is longer; folding may not be counted on for a value."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
# The blanks keep mailboxes from filling the preview line up with the first words of the mail.
_PREHEADER = (
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">'
    "{}" + "&#847;&zwnj;&nbsp;" * 40 + "</div>"
)


def render(source: MessageSource, values: Mapping[str, Any], now_us: int, url: str = "") -> Rendered:
    """Raises TemplateError, which names the part and its line. `now_us` is the instant of the claim, `url` the signed
    link: of a confirmation the one that confirms, of every other message the one that unsubscribes."""
    seen: dict[str, Any]
    if source.confirms:
        seen = {"workspace": values.get("workspace"), "confirm_url": url}
    else:
        seen = {
            **values,
            "traits": values.get("profile"),  # as conditions call them
            "event": _event(values.get("event")),
            "unsubscribe_url": url,
        }
    subject = _one_line(_part("subject", source.subject, seen, now_us, html=False))
    if not subject:
        raise TemplateError("the subject is empty")
    html = _body(_part("html", source.html, seen, now_us, html=True))
    text = _body(_part("text", source.text, seen, now_us, html=False)) or (plain_text(html) if html else "")
    if not text.strip():
        raise TemplateError("the message is empty")
    preheader = _one_line(_part("preheader", source.preheader, seen, now_us, html=False))
    if html and preheader:
        html = _with_preheader(html, preheader)
    return Rendered(subject[:SUBJECT_CHARS], html, text, () if source.confirms else _headers(url))


def _part(name: str, text: str, values: Mapping[str, Any], now_us: int, *, html: bool) -> str:
    if not text:
        return ""
    try:
        return template.parse(text, html=html).render(values, now_us)
    except TemplateError as error:
        raise TemplateError(f"{name}: {error}") from error


def _event(event: object) -> object:
    if isinstance(event, Mapping) and isinstance(at_us := event.get("timestamp"), int):
        return {**event, "timestamp": format_time(at_us)}
    return event


def _one_line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", _unicode(text)).split())


def _body(text: str) -> str:
    return _UNPRINTABLE.sub("", _unicode(text)).replace("\r\n", "\n").replace("\r", "\n")


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _with_preheader(html: str, preheader: str) -> str:
    hidden = _PREHEADER.format(escape(preheader))
    body = _BODY.search(html)
    at = body.end() if body else 0
    return html[:at] + hidden + html[at:]


def _headers(unsubscribe_url: str) -> tuple[tuple[str, str], ...]:
    """RFC 8058: one https address, and the one header that allows the one click."""
    if not unsubscribe_url:
        return ()
    return (
        ("List-Unsubscribe", f"<{unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
