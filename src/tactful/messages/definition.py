"""A message's file, messages/NAME.yaml: what is sent, as Liquid templates.

purpose: email_marketing          # optional; what the person must have allowed
from: Shop <shop@example.com>     # optional, else that of the channel
subject: You left something, {{ profile.first_name }}
preheader: It is still here       # optional; shown by mail clients beside the subject
html: |
  <p>...</p>
text: |
  ...
"""

import re

from msgspec import Struct

from tactful.language.document import Document, Fields, TemplateCheck

_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ADDRESS = re.compile(r"(?:[^<>@\r\n]*<)?[^<>@\s,;]+@[^<>@\s,;]+>?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TEMPLATES = ("subject", "preheader", "html", "text")


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


def read(name: str, document: Document, check_template: TemplateCheck | None = None) -> Message | None:
    """The message; None where the document now has problems."""
    known = ("purpose", "from", *_TEMPLATES)
    fields = document.fields(known, required=("subject", "html", "text"))
    if fields is None:
        return None
    message = Message(
        name=name,
        purpose=_purpose(fields),
        subject=fields.text("subject").strip("\n"),
        html=fields.text("html"),
        text=fields.text("text"),
        preheader=fields.text("preheader").strip("\n"),
        sender=fields.text("from"),
        version=document.version,
    )
    for field, line in (("subject", message.subject), ("preheader", message.preheader)):
        if _CONTROL.search(line):
            fields.refuse(field, f"a {field} is one line without control characters", "write it without `|`")
    if message.sender and not _is_address(message.sender):
        fields.refuse("from", f"{message.sender!r} is no address", "write shop@example.com or Shop <shop@example.com>")
    if check_template is not None:
        for one in _TEMPLATES:
            if one in fields and (problem := check_template(fields.text(one))):
                fields.refuse(one, f"the template cannot be used: {problem}")
    return None if document.problems else message


def _purpose(fields: Fields) -> str:
    purpose = fields.text("purpose", "email_marketing")
    if purpose == "transactional":
        fields.refuse("purpose", "transactional messages are not available yet", "leave the purpose out")
    elif not _PURPOSE.fullmatch(purpose):
        fields.refuse("purpose", f'"{purpose}" is no name of a purpose', "write small letters, digits and _")
    return purpose


def _is_address(sender: str) -> bool:
    return sender.isprintable() and bool(_ADDRESS.fullmatch(sender)) and ("<" in sender) == sender.endswith(">")
