"""A message's file, messages/NAME.yaml: what is sent, as Liquid templates.

channel: email                    # or sms, push, web_push, chat
purpose: email_marketing          # optional; what the person must have allowed
from: Shop <shop@example.com>     # optional, else that of the channel
subject: You left something, {{ profile.first_name }}
preheader: It is still here       # optional; shown by mail clients beside the subject
html: |                           # or mjml:
  <p>...</p>
text: |                           # optional; else made from the HTML
  ...

language: en                      # optional; of these texts, where there are translations:
variants: [...]                   # optional; other texts for some people (variants.py)
fetch: {...}                      # optional; asked for before it is rendered (fetches.py)
coupon: spring                    # optional; the pool of codes from which each person gets one
tracking: off                     # optional; leaves links as they are, and no picture says that it was opened
confirms: email_marketing         # instead of purpose: asks the reader of a new address to say yes (double opt-in)
"""

import re
from collections.abc import Mapping
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from tactful.language.document import Document, Fields
from tactful.language.vocabulary import EMPTY, Vocabulary
from tactful.messages.blocks import PARTS, Block, TemplateCheck
from tactful.messages.fetches import Fetch, read_fetches
from tactful.messages.reading import TextReader
from tactful.messages.seen import COUPON, Seen, seen, words
from tactful.messages.texts import ALL, PURPOSES, TEXTS, ChannelName
from tactful.messages.variants import Variant, is_language, read_translations, read_variants

_ADDRESS = re.compile(r"(?:[^<>@\r\n]*<)?[^<>@\s,;]+@[^<>@\s,;]+>?")
_POOL = re.compile(r"[a-z0-9_]{1,64}")
_OTHERS = (
    "channel",
    "purpose",
    "confirms",
    "from",
    "language",
    "variants",
    "translations",
    "fetch",
    "coupon",
    "tracking",
)
_HINT = "a confirmation goes to whatever address was typed; it says workspace.name and confirm_url alone"
CONFIRM_URL = "confirm_url"
CONFIRMATION_NAMES = ("workspace", CONFIRM_URL)
"""All that a confirmation may name: anybody may have typed the address, and everything else that is known."""


class Message(Struct, frozen=True):
    name: str
    purpose: str
    """Purpose of consent without which it is not sent."""
    subject: str
    """Liquid, as all texts but the sender; "" where the channel has none."""
    html: str
    text: str
    preheader: str
    sender: str
    """`from`: an address or Name <address>; "" for that of the channel."""
    version: str
    """Digest of the source."""
    confirms: str = ""
    """A confirmation: the purpose that the reader is asked to agree to. It needs no consent itself."""
    channel: ChannelName = "email"
    mjml: str = ""
    """In the place of `html`."""
    amp: str = ""
    title: str = ""
    url: str = ""
    icon: str = ""
    language: str = ""
    """Of the texts that are no translation; "" is that of the workspace."""
    variants: tuple[Variant, ...] = ()
    translations: Mapping[str, Mapping[str, str]] = {}
    """Texts by language and field."""
    fetches: tuple[Fetch, ...] = ()
    blocks: tuple[Block, ...] = ()
    """All that its templates use, also through each other, by name."""
    coupon: str = ""
    """The pool of codes of which the person gets one."""
    sees: tuple[Seen, ...] = ()
    """Values over the person that its templates look at."""
    names: frozenset[str] = frozenset()
    """Every word within the tags of its templates and blocks."""
    tracking: bool = True
    """Whether its links are rewritten, and a picture says that it was opened."""

    @property
    def texts(self) -> dict[str, str]:
        """Those of the message as it stands, by field."""
        return {name: text for name in ALL if (text := getattr(self, name))}


def read(
    name: str,
    document: Document,
    check_template: TemplateCheck | None = None,
    vocabulary: Vocabulary = EMPTY,
    blocks: Mapping[str, Block] | None = None,
) -> Message | None:
    """The message; None where the document now has problems."""
    fields = document.fields((*_OTHERS, *ALL), required=())
    if fields is None:
        return None
    confirms = _confirms(fields)
    channel = cast(ChannelName, fields.choice("channel", tuple(TEXTS), "email"))
    allowed, hint = (CONFIRMATION_NAMES, _HINT) if confirms else (None, "")
    reader = TextReader(document, channel, check_template, blocks or {}, allowed, hint)
    texts = reader.read_own(fields)
    message = Message(
        name=name,
        purpose="" if confirms else fields.purpose("purpose", PURPOSES[channel]),
        sender=fields.text("from"),
        version=document.version,
        confirms=confirms,
        channel=channel,
        language=fields.text("language"),
        variants=tuple(read_variants(fields, reader, vocabulary)),
        translations=read_translations(fields, reader),
        fetches=read_fetches(fields, vocabulary.collections, reader),
        coupon=fields.text("coupon"),
        tracking=fields.choice("tracking", ("on", "off"), "on") == "on",
        blocks=tuple(block for _, block in sorted(reader.blocks.items())),
        subject=texts.get("subject", ""),
        preheader=texts.get("preheader", ""),
        html=texts.get("html", ""),
        mjml=texts.get("mjml", ""),
        text=texts.get("text", ""),
        amp=texts.get("amp", ""),
        title=texts.get("title", ""),
        url=texts.get("url", ""),
        icon=texts.get("icon", ""),
    )
    _check(fields, message)
    inside = (getattr(block, part) for block in message.blocks for part in PARTS)
    names = words([*reader.found, *(fetch.url for fetch in message.fetches), *inside])
    if COUPON in names and not message.coupon:
        document.refuse(0, "its templates show a coupon, and no pool is named", "add a line coupon: NAME")
    if document.problems:
        return None
    return replace(message, names=names, sees=() if confirms else seen(names, vocabulary))


def _check(fields: Fields, message: Message) -> None:
    """What stands beside the texts."""
    if message.sender and not _is_address(message.sender):
        fields.refuse("from", f"{message.sender!r} is no address", "write shop@example.com or Shop <shop@example.com>")
    if message.language and not is_language(message.language):
        fields.refuse("language", f'"{message.language}" is no language', "write en, de-AT or zh-Hant-TW")
    if message.coupon and not _POOL.fullmatch(message.coupon):
        fields.refuse("coupon", f'"{message.coupon}" cannot be the name of a pool', "small letters, digits and _ only")
    if message.channel != "email":
        for one in ("from", "confirms"):
            if one in fields:
                fields.refuse(one, f"what goes out by {message.channel} has no {one}:", "remove the line")
    if message.confirms:
        for one in ("variants", "fetch", "coupon", "tracking"):
            if one in fields:
                fields.refuse(one, "a confirmation is the same for everybody", "remove it")


def _confirms(fields: Fields) -> str:
    """The purpose that a confirmation asks for; "" for any other message."""
    confirms = fields.purpose("confirms")
    if not confirms:
        return ""
    if "purpose" in fields:
        fields.refuse("purpose", "a confirmation needs no consent, it asks for it", "keep confirms: alone")
    for one in ("html", "mjml", "text"):
        if one in fields and CONFIRM_URL not in fields.text(one):
            fields.refuse(one, "a confirmation without its link confirms nothing", "put {{ confirm_url }} in")
    return confirms


def _is_address(sender: str) -> bool:
    return sender.isprintable() and bool(_ADDRESS.fullmatch(sender)) and ("<" in sender) == sender.endswith(">")
