"""One message for one person: a frozen source and frozen values in, subject and bodies out.

What a template sees: `profile.*` (traits, by that name as well), `event.name`, `event.timestamp`, `event.properties.*`,
`workspace.name`, `journey`, `message`, `variant`, `locale`, `unsubscribe_url` where the message has a purpose, and what
was frozen or fetched for it: collections, `metric.*`, `segments`, `segment.NAME`, `coupon.code`. A confirmation goes to
addresses that a stranger may have typed, so it sees `workspace` and `confirm_url` and nothing else, whatever was
published. Values are escaped in HTML; a subject is one line whatever is put in.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from msgspec import Struct

from tactful.messages import languages, note, shapes, template
from tactful.messages.finishing import finish
from tactful.messages.mail import Rendered
from tactful.messages.markup import MarkupError, harmful, leading, led
from tactful.messages.mjml_body import compile_mjml
from tactful.messages.note import Note
from tactful.messages.plain import plain_text
from tactful.messages.seen import RESERVED
from tactful.messages.shapes import Made
from tactful.messages.source import MessageSource
from tactful.messages.template import TemplateError
from tactful.messages.texts import ESCAPED, over
from tactful.values import format_time

SUBJECT_CHARS = 998
"""RFC 5322 2.1.1: no line of a mail is longer; folding may not be counted on for a value."""
AMP_BYTES = 100_000
"""What Gmail takes of an AMP part; a larger one is left out."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_OVERRIDES = re.compile("[\u202d\u202e]")
"""Of the direction of all that follows: in one line with others, what one value says must not turn the rest round."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def render(
    source: MessageSource, values: Mapping[str, Any], now_us: int, url: str = "", base_url: str = ""
) -> Rendered:
    """A mail. Raises TemplateError, which names the part and its line. `now_us` is the instant of the claim, `url` the
    signed link: of a confirmation the one that confirms, of every other message the one that unsubscribes; `base_url`
    is what relative links stand for."""
    filling = _Filling(source, values, now_us, url)
    subject = _one_line(filling.part("subject"))
    if not subject:
        raise TemplateError("the subject is empty")
    preheader = _one_line(filling.part("preheader"))
    text = _body(filling.part("text"))
    made = _made(filling, preheader, base_url, has_text=bool(text))
    text = text or made.text
    if not text.strip():
        raise TemplateError("the message is empty")
    headers = () if source.confirms else _headers(url)
    amp = _amp(filling, base_url) if made.html else ""
    return Rendered(subject[:SUBJECT_CHARS], made.html, text, headers, amp, made.tags)


def sources_of_links(source: MessageSource, values: Mapping[str, Any], now_us: int, url: str = "") -> tuple[str, str]:
    """The HTML and the AMP part of a mail as their author wrote them, filled in, before anything was made of them: for
    looking at. Raises TemplateError."""
    filling = _Filling(source, values, now_us, url)
    return _html(filling), _body(filling.part("amp")).strip()


def render_note(source: MessageSource, values: Mapping[str, Any], now_us: int, url: str = "") -> Note:
    """What goes out by any other channel. Raises TemplateError."""
    filling = _Filling(source, values, now_us, url)
    text = _body(filling.part("text")).strip()
    if not text:
        raise TemplateError("the message is empty")
    title, link, icon = (_one_line(filling.part(name)) for name in ("title", "url", "icon"))
    return Note(text[: note.TEXT_CHARS], title[: note.TITLE_CHARS], _link(link), _link(icon))


class _Filling:
    """The texts that this person gets, and what they see."""

    def __init__(self, source: MessageSource, values: Mapping[str, Any], now_us: int, url: str) -> None:
        self._source = source
        self._now_us = now_us
        variant = str(values.get("variant", ""))
        self.texts, self.locale = texts_of(source, variant, "" if source.confirms else languages.told(values))
        self.body = "mjml" if "mjml" in self.texts else "html"
        if source.confirms:
            self._seen: dict[str, Any] = {"workspace": values.get("workspace"), "confirm_url": url}
        else:
            self._seen = _seen(source, values, url, variant, self.locale)

    def part(self, name: str) -> str:
        """A text filled in; "" where the message has none."""
        return self.marked(name)[0]

    def marked(self, name: str) -> tuple[str, template.Places]:
        """A text filled in, and where values stand in it."""
        text = self.texts.get(name)
        if not text:
            return "", []
        try:
            pieces = template.pieces_of(self._source.blocks, name)
            return template.parse(text, html=name in ESCAPED, pieces=pieces).marked(self._seen, self._now_us)
        except TemplateError as error:
            raise TemplateError(f"{name}: {error}") from error


def texts_of(source: MessageSource, variant: str, language: str) -> tuple[dict[str, str], str]:
    """The texts of a variant ("": the message as it stands) in a language, by field, and the locale that they are in.
    What a variant says in the language of the message goes before a translation of the message."""
    found = next((one for one in source.variants if one.name == variant), None)
    known = {*source.translations, *(found.translations if found is not None else ())}
    chain, locale = languages.chosen(language, known, source.language)
    texts = source.texts
    for one in chain:
        texts = over(texts, source.translations.get(one, {}))
    if found is not None:
        texts = over(texts, found.texts)
        for one in chain:
            texts = over(texts, found.translations.get(one, {}))
    return texts, locale


def address_seen(source: MessageSource, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the addresses of fetched data see: what templates do, but for what is fetched and for signed links."""
    variant = str(values.get("variant", ""))
    return _seen(source, values, "", variant, texts_of(source, variant, languages.told(values))[1])


def _seen(source: MessageSource, values: Mapping[str, Any], url: str, variant: str, locale: str) -> dict[str, Any]:
    segments = values.get("segments", [])
    of_person = {**values.get("seen", {}), **values.get("fetched", {})}
    metric = of_person.get("metric")
    return {
        **{name: one for name, one in of_person.items() if name not in RESERVED},
        **{name: one for name, one in values.items() if name not in ("seen", "fetched")},
        "traits": values.get("profile"),  # as conditions call them
        "event": _event(values.get("event")),
        "metric": metric,
        "segments": segments,
        "segment": dict.fromkeys(segments, True),
        "message": source.name,
        "variant": variant,
        "locale": locale,
        "unsubscribe_url": url,
    }


class _How(Struct, frozen=True):
    """From a filled in body to a mail's HTML and the text that is made from it. Mails that differ in nothing here, and
    in nothing but values in their bodies, are of one shape."""

    body: str
    """`mjml` or `html`."""
    is_styled: bool
    language: str
    base: str
    has_text: bool

    def __call__(self, text: str, preheader: str) -> Made:
        plain = compile_mjml(text) if self.body == "mjml" else text
        html = finish(plain, preheader=preheader, language=self.language, base=self.base, is_styled=self.is_styled)
        return Made(html, "" if self.has_text else plain_text(plain, self.base))


def _made(filling: _Filling, preheader: str, base_url: str, *, has_text: bool) -> Made:
    """The HTML, and the text where there is none yet."""
    written, places = filling.marked(filling.body)
    text = _body(written)
    if not text:
        return Made("", "")
    is_styled = filling.body == "html" or "<mj-style" in filling.texts["mjml"]
    how = _How(filling.body, is_styled, filling.locale, base_url, has_text)
    try:
        known = places if text == written else ()
        return shapes.made(how, text, known, preheader, escape(preheader), is_told=not has_text)
    except MarkupError as error:
        raise TemplateError(f"{filling.body}: {error}") from error


def _html(filling: _Filling) -> str:
    html = _body(filling.part(filling.body))
    if not html or filling.body == "html":
        return html
    try:
        return compile_mjml(html)
    except MarkupError as error:
        raise TemplateError(f"mjml: {error}") from error


def _amp(filling: _Filling, base_url: str) -> str:
    """Empty where it is larger than mailboxes take: those that know AMP show the HTML then."""
    amp = _body(filling.part("amp")).strip()
    return led(amp, leading(base_url)) if len(amp.encode()) <= AMP_BYTES else ""


def _event(event: object) -> object:
    if isinstance(event, Mapping) and isinstance(at_us := event.get("timestamp"), int):
        return {**event, "timestamp": format_time(at_us)}
    return event


def _link(address: str) -> str:
    return "" if len(address) > note.URL_CHARS or harmful(address) else address


def _one_line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", _OVERRIDES.sub("", _unicode(text))).split())


def _body(text: str) -> str:
    return _UNPRINTABLE.sub("", _unicode(text)).replace("\r\n", "\n").replace("\r", "\n")


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _headers(unsubscribe_url: str) -> tuple[tuple[str, str], ...]:
    """RFC 8058: one https address, and the one header that allows the one click."""
    if not unsubscribe_url:
        return ()
    return (
        ("List-Unsubscribe", f"<{unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
