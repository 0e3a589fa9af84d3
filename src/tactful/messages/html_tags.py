"""The start and end tags of an HTML text, where each stands and which attributes it has, as a browser reads them.

A tokenizer after the HTML standard (https://html.spec.whatwg.org/multipage/parsing.html#tokenization), as far as it
takes to find tags: comments (conditional ones among them) and what stands inside of script, style, title and textarea
hold none. Attributes keep their place, so that one can be exchanged and every other byte stays. Pure.
"""

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from html.entities import html5

from msgspec import Struct

_SPACE = " \t\n\f\r"
_TAG = re.compile(r"</?([a-zA-Z][^ \t\n\f\r/>]*)")
_COMMENT = r"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)"
"""`<!-->` and `<!--->` are whole already; `<!--!>` is not."""
_COMMENTED = re.compile(_COMMENT)
_ATTRIBUTE = re.compile(
    r"[ \t\n\f\r/]*"
    r"(?:(?P<end>>)|(?P<name>=?[^ \t\n\f\r/>=]*)"
    r"(?:[ \t\n\f\r]*=[ \t\n\f\r]*(?:"
    r"\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^ \t\n\f\r>\"'][^ \t\n\f\r>]*)|(?=>)))?)"
)
# Attributes as above until the tag's end, at once; what does not match is looked at the long way.
_REST = (
    r"(?>[ \t\n\f\r/]*(?:=[^ \t\n\f\r/>=]*|[^ \t\n\f\r/>=]+)"
    r"(?:[ \t\n\f\r]*=[ \t\n\f\r]*(?:\"[^\"]*\"|'[^']*'|[^ \t\n\f\r>\"'][^ \t\n\f\r>]*|(?=>)))?)*+[ \t\n\f\r/]*+>"
)
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)")
_LONGEST_ENTITY = max(map(len, html5))


class Attribute(Struct, frozen=True):
    name: str
    """In small letters."""
    value: str
    """As it was meant: without quotes, entities decoded."""
    start: int
    end: int
    """From the first blank before it to the end of its value, in the text."""
    value_start: int
    """Of the value with its quotes; `end` where there is none."""


class Tag(Struct, frozen=True):
    name: str
    """In small letters."""
    start: int
    end: int
    is_end: bool = False
    attributes: tuple[Attribute, ...] = ()
    """Each name once: the first counts."""

    def get(self, name: str) -> Attribute | None:
        return next((one for one in self.attributes if one.name == name), None)


def tags(text: str, names: frozenset[str] | None = None) -> Iterator[Tag]:
    """In order; of these names, or all. A tag that never ends is none, nor is what stands behind it."""
    skip = _skip(names) if names is not None else None
    at = 0
    while (at := text.find("<", _behind(skip, text, at))) >= 0:
        match = _TAG.match(text, at)
        if match is None:
            at = _behind_no_tag(text, at)
            continue
        tag = _tag(text, match)
        if tag is None:
            return
        if names is None or tag.name in names:
            yield tag
        at = tag.end
        if tag.name in _RAW and not tag.is_end:
            closing = re.compile(rf"</{re.escape(tag.name)}(?=[ \t\n\f\r/>])", re.IGNORECASE).search(text, at)
            at = closing.start() if closing else len(text)
        elif tag.name == "plaintext":
            return


def _behind_no_tag(text: str, at: int) -> int:
    if text.startswith("<!--", at):
        match = _COMMENTED.match(text, at)
        return match.end() if match else len(text)
    if text.startswith(("<!", "<?", "</"), at):
        end = text.find(">", at)
        return end + 1 if end >= 0 else len(text)
    return at + 1


def _behind(skip: re.Pattern[str] | None, text: str, at: int) -> int:
    passed = skip.match(text, at) if skip else None
    return passed.end() if passed else at


@cache
def _skip(names: frozenset[str]) -> re.Pattern[str]:
    """What may be passed over in one go: text, comments, and whole tags of other names behind which nothing changes."""
    others = "|".join(map(re.escape, sorted(names | _RAW | {"plaintext"})))
    tag = rf"</?(?!(?i:{others})[ \t\n\f\r/>])[a-zA-Z][^ \t\n\f\r/>]*+{_REST}"
    return re.compile(rf"(?:[^<]++|{tag}|{_COMMENT})*+")


def _tag(text: str, match: re.Match[str]) -> Tag | None:
    """The whole tag; None where the text ends before it does."""
    at, found = match.end(), dict[str, Attribute]()
    while at < len(text):
        one = _ATTRIBUTE.match(text, at)
        if one is None or one.end() == at:
            return None  # A quote that never ends.
        if one["end"]:
            is_end = text[match.start() + 1] == "/"
            return Tag(match[1].lower(), match.start(), one.end(), is_end, tuple(found.values()))
        at = one.end()
        name = one["name"].lower()
        if name and name not in found:
            kind = next((kind for kind in ("double", "single", "bare") if one[kind] is not None), "")
            quote = 1 if kind in ("double", "single") else 0
            start = one.start(kind) - quote if kind else one.end()
            value = decoded(one[kind]) if kind else ""
            found[name] = Attribute(name, value, one.start(), at, start)
        elif not name and at < len(text) and text[at] in "\"'":
            return None
    return None


def decoded(raw: str) -> str:
    """A value of an attribute with its character references replaced. `&copy=1` in a link is no ©: a name without its
    semicolon counts only where neither `=` nor a letter or digit follows."""
    return _REFERENCE.sub(lambda match: _meant(match, raw), raw) if "&" in raw else raw


def _meant(match: re.Match[str], raw: str) -> str:
    text = match[0]
    if text[1] == "#" or (text.endswith(";") and text[1:] in html5):
        return unescape(text)
    for length in range(min(len(text), _LONGEST_ENTITY), 2, -1):
        name = text[1:length]
        if name in html5:
            rest = text[length:] + raw[match.end() : match.end() + 1]
            return text if rest[:1] == "=" or rest[:1].isalnum() else html5[name] + text[length:]
    return text
