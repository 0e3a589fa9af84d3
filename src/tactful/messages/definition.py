"""A message's file, messages/NAME.yaml: what is sent, as Liquid templates.

purpose: email_marketing          # optional; what the person must have allowed
from: Shop <shop@example.com>     # optional, else that of the channel
subject: You left something, {{ profile.first_name }}
preheader: It is still here       # optional; shown by mail clients beside the subject
html: |
  <p>...</p>
text: |
  ...

confirms: email_marketing         # instead of purpose: asks the reader of a new address to say yes (double opt-in)
"""

import re

from msgspec import Struct

from tactful.language.document import Document, Fields, TemplateCheck

_ADDRESS = re.compile(r"(?:[^<>@\r\n]*<)?[^<>@\s,;]+@[^<>@\s,;]+>?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TEMPLATES = ("subject", "preheader", "html", "text")
CONFIRM_URL = "confirm_url"
CONFIRMATION_NAMES = ("workspace", CONFIRM_URL)
"""All that a confirmation may name: anybody may have typed the address, and everything else that is known."""


class Message(Struct, frozen=True):
    name: str
    purpose: str
    """Purpose of consent without which it is not sent."""
    subject: str
    """Liquid, as all that follow but the sender."""
    html: str
    text: str
    preheader: str
    sender: str
    """`from`: an address or Name <address>; "" for that of the channel."""
    version: str
    """Digest of the source."""
    confirms: str = ""
    """A confirmation: the purpose that the reader is asked to agree to. It needs no consent itself."""


def read(name: str, document: Document, check_template: TemplateCheck | None = None) -> Message | None:
    """The message; None where the document now has problems."""
    known = ("purpose", "confirms", "from", *_TEMPLATES)
    fields = document.fields(known, required=("subject", "html", "text"))
    if fields is None:
        return None
    confirms = _confirms(fields)
    message = Message(
        name=name,
        purpose="" if confirms else fields.purpose("purpose", "email_marketing"),
        subject=fields.text("subject").strip("\n"),
        html=fields.text("html"),
        text=fields.text("text"),
        preheader=fields.text("preheader").strip("\n"),
        sender=fields.text("from"),
        version=document.version,
        confirms=confirms,
    )
    for field, line in (("subject", message.subject), ("preheader", message.preheader)):
        if _CONTROL.search(line):
            fields.refuse(field, f"a {field} is one line without control characters", "write it without `|`")
    if message.sender and not _is_address(message.sender):
        fields.refuse("from", f"{message.sender!r} is no address", "write shop@example.com or Shop <shop@example.com>")
    if check_template is not None:
        _check_templates(fields, check_template, CONFIRMATION_NAMES if confirms else None)
    return None if document.problems else message


def _check_templates(fields: Fields, check_template: TemplateCheck, names: tuple[str, ...] | None) -> None:
    hint = "a confirmation goes to whatever address was typed; it says workspace.name and confirm_url alone"
    for one in _TEMPLATES:
        if one in fields and (problem := check_template(fields.text(one), names)):
            fields.refuse(one, f"the template cannot be used: {problem}", hint if names else "")


def _confirms(fields: Fields) -> str:
    """The purpose that a confirmation asks for; "" for any other message."""
    confirms = fields.purpose("confirms")
    if not confirms:
        return ""
    if "purpose" in fields:
        fields.refuse("purpose", "a confirmation needs no consent, it asks for it", "keep confirms: alone")
    for one in ("html", "text"):
        if one in fields and CONFIRM_URL not in fields.text(one):
            fields.refuse(one, "a confirmation without its link confirms nothing", "put {{ confirm_url }} in")
    return confirms


def _is_address(sender: str) -> bool:
    return sender.isprintable() and bool(_ADDRESS.fullmatch(sender)) and ("<" in sender) == sender.endswith(">")
