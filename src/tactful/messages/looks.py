"""What a reader, or their mailbox, would stumble over in a message as it was rendered."""

import re
from collections.abc import Iterator

from msgspec import Struct

from tactful.messages import amp
from tactful.messages.finishing import CLIPPED_BYTES
from tactful.messages.mail import Rendered
from tactful.messages.markup import NOWHERE, TAG, harmful, led, relative, styles
from tactful.messages.note import Note
from tactful.messages.render import AMP_BYTES

SUBJECT_SHOWN = 70
"""Characters of a subject that most mailboxes show."""
SMS_CHARS = 480
"""Three parts of an SMS in any alphabet of the default one; more is cut by some networks."""
_DARK = re.compile(r"@media[^{@]*prefers-color-scheme\s*:\s*dark[^{@]*\{((?:[^{}]*\{[^{}]*\})*)", re.IGNORECASE)
_RULE = re.compile(r"\{([^{}]*)\}")
_ALT = re.compile(r"(?:^|\s)alt\s*=", re.IGNORECASE)
_PIXEL = re.compile(r"""(?:^|\s)(?:width|height)\s*=\s*["']?[01]["']?(?=[\s/]|$)""", re.IGNORECASE)
_HOLE = re.compile(r"(?:^|\s)[,.!?;:](?=\s|$)|\(\s*\)|\"\s*\"|“\s*”|\s{2,}\S")


class Remark(Struct, frozen=True):
    """Something worth saying of a part of a message; a mistake where it must not be published so."""

    part: str
    text: str
    hint: str = ""
    is_mistake: bool = False


def of_source(html: str, *, has_site: bool) -> Iterator[Remark]:
    """Of addresses as they come out of the templates, before they were made whole and harmless."""
    found: list[tuple[str, str]] = []

    def noted(attribute: str, address: str) -> str:
        found.append((attribute, address))
        return address

    led(html, noted)
    for attribute, address in dict.fromkeys(found):
        shown = address if len(address) < 60 else f"{address[:57]}..."
        is_picture = attribute == "src" and address.startswith("data:image/")
        if harmful(address) and not is_picture:
            yield Remark("html", f'a link to "{shown}" is not allowed', "links lead to https:// or mailto:", True)
        elif relative(address) and not has_site:
            hint = "write the whole address, or set [workspace] site_url"
            yield Remark("html", f'"{shown}" leads nowhere in a mail', hint, True)
        elif address.strip() in ("", NOWHERE) and attribute == "href":
            yield Remark("html", "a link leads nowhere", "give it an address")


def of_mail(mail: Rendered, unsubscribe_url: str = "") -> Iterator[Remark]:
    """`unsubscribe_url` is what the templates were given; "" where the message needs no consent."""
    size = len(mail.html.encode())
    if size > CLIPPED_BYTES:
        hint = "shorten it: fewer items, blocks or styles"
        said = f"the HTML has {size / 1024:.0f} KB; Gmail cuts a mail off at {CLIPPED_BYTES // 1024} KB"
        yield Remark("html", said, hint)
    if len(mail.subject) > SUBJECT_SHOWN:
        yield Remark("subject", f"it has {len(mail.subject)} characters; many mailboxes show {SUBJECT_SHOWN}")
    if mail.html:
        yield from _pictures(mail.html)
        yield from _dark(mail.html)
    if unsubscribe_url:
        for part, text in (("html", mail.html), ("text", mail.text)):
            if text and unsubscribe_url not in text.replace("&amp;", "&"):
                hint = "put {{ unsubscribe_url }} in"
                yield Remark(part, "there is no link to unsubscribe", hint)
    if mail.amp:
        yield from (Remark("amp", f"AMP: {said}", "", True) for said in amp.mistakes(mail.amp))


def of_amp_size(text: str) -> Iterator[Remark]:
    if (size := len(text.encode())) > AMP_BYTES:
        said = f"the AMP part has {size:,} bytes and is left out; {AMP_BYTES:,} are allowed"
        yield Remark("amp", said)


def of_note(note: Note, channel: str) -> Iterator[Remark]:
    if channel == "sms" and len(note.text) > SMS_CHARS:
        yield Remark("text", f"it has {len(note.text)} characters, more than three SMS ({SMS_CHARS})")


def hole(text: str) -> str:
    """The first line in which something seems to be missing: `Hello , here is`; "" where there is none."""
    return next((line.strip() for line in text.splitlines() if _HOLE.search(line.strip())), "")


def _pictures(html: str) -> Iterator[Remark]:
    missing = [
        attributes
        for slash, name, attributes in TAG.findall(html)
        if not slash and name.lower() == "img" and not _ALT.search(attributes) and not _PIXEL.search(attributes)
    ]
    if missing:
        said = (
            "a picture has no words for who cannot see it"
            if len(missing) == 1
            else (f"{len(missing)} pictures have no words for who cannot see them")
        )
        yield Remark("html", said, 'write alt="...", or alt="" for mere decoration')


def _dark(html: str) -> Iterator[Remark]:
    """Rules were written into the elements, which goes before what stands in a style block."""
    for _, css in styles(html):
        for dark in _DARK.findall(css):
            for rule in _RULE.findall(dark):
                for declaration in rule.split(";"):
                    if ":" in declaration and "!important" not in declaration.replace(" ", ""):
                        hint = "write !important behind it"
                        said = f'in dark mode "{declaration.strip()[:60]}" has no effect: inlined styles go first'
                        yield Remark("html", said, hint)
                        return
