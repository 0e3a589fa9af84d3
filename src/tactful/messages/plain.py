"""The text part of a mail whose author wrote only HTML: what a reader of the HTML would read aloud.

A paragraph is a line, what stands beside each other in a table of values stays so, a list keeps its dots and numbers, a
link its address behind its words, a picture the words that stand for it. Hidden parts, styles and scripts are left out.
Goes over the HTML once; the standard library's parser would take longer than all that makes the HTML.
"""

import re
from functools import lru_cache
from html import unescape
from urllib.parse import urljoin

from tactful.messages.html_tags import tags
from tactful.messages.markup import TAG, VOID, bare, relative

_TOKEN = re.compile(rf"<[!?][^<>]*>|{TAG.pattern}")
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main",
        "nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
    }
)  # fmt: skip
_APART = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "table", "blockquote", "hr", "pre", "dl"})
"""With an empty line before and behind."""
_SILENT = frozenset({"head", "template", "object", "svg", "select"})
_UNSHOWN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_HIDDEN = re.compile(rf"{_UNSHOWN.pattern}|hidden", re.IGNORECASE)
"""What attributes have that hide something: worth a closer look."""
_LINE, _PARAGRAPH = "\x01", "\x02"
"""The end of a line and of a paragraph; of several the stronger counts."""
_ENDS = re.compile("([\x01\x02\n]+)")
_UNSEEN = re.compile("[\x01\x02\u00ad\u034f\u200b-\u200f\u2060\ufeff]")
_BLANKS = re.compile(r"\s+")
_RULE = "-" * 40
_DEEPEST_LIST = 10


class _Words:
    def __init__(self, base: str) -> None:
        self.parts: list[str] = []
        self._base = base
        self._silent: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._lists: list[int] = []
        """Of each list around: the number of its last item, or -1 where they have none."""
        self._tables: list[bool] = []
        """Of each table around: whether it is there for the layout only."""
        self._cells = 0
        """In the row so far."""

    def feed(self, html: str) -> None:
        at = 0
        for found in _TOKEN.finditer(html):
            if found.start() > at:
                self._data(html[at : found.start()])
            at = found.end()
            slash, name, attributes = found.groups()
            if name is None:
                continue
            name = name.lower()
            if slash:
                self._end(name)
                continue
            self._start(name, attributes)
            if attributes.endswith("/") and name not in VOID:
                self._end(name)
        self._data(html[at:])

    def _start(self, tag: str, attributes: str) -> None:
        if tag not in VOID and (self._silent or tag in _SILENT or (attributes and _hides(attributes))):
            self._silent.append(tag)
            return
        if self._silent:
            return
        self._break(tag)
        match tag:
            case "img":
                self.parts.append(_attribute(attributes, "alt"))
            case "hr":
                self.parts.append(f"{_RULE}{_PARAGRAPH}")
            case "a":
                self._links.append((_attribute(attributes, "href"), len(self.parts)))
            case "ul":
                self._lists.append(-1)
            case "ol":
                start = _attribute(attributes, "start")
                self._lists.append(int(start) - 1 if start.isdecimal() and len(start) < 9 else 0)
            case "li":
                self.parts.append(self._dot())
            case "table":
                self._tables.append(_attribute(attributes, "role").lower() in {"presentation", "none"})
            case "tr":
                self._cells = 0
            case "td" | "th":
                self._begin_cell()

    def _end(self, tag: str) -> None:
        if self._silent:
            # A tag that was never closed inside must not silence the rest.
            if tag in self._silent:
                while self._silent.pop() != tag:
                    pass
            return
        self._break(tag, is_end=True)
        match tag:
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "table" if self._tables:
                self._tables.pop()
            case "a" if self._links:
                self._end_link()

    def _data(self, text: str) -> None:
        if text and not self._silent:
            self.parts.append(_BLANKS.sub(" ", _UNSEEN.sub("", unescape(text) if "&" in text else text)))

    def _break(self, tag: str, *, is_end: bool = False) -> None:
        if tag in _BLOCKS:
            is_inner = tag in ("ul", "ol") and len(self._lists) > (1 if is_end else 0)
            is_apart = tag in _APART and not is_inner
            self.parts.append("\n" if tag == "br" else _PARAGRAPH if is_apart else _LINE)

    def _dot(self) -> str:
        if not self._lists:
            return "- "
        indent = "\t" * min(len(self._lists) - 1, _DEEPEST_LIST)
        if self._lists[-1] < 0:
            return f"{indent}- "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1]}. "

    def _begin_cell(self) -> None:
        self._cells += 1
        if self._tables and self._tables[-1]:
            self.parts.append(_LINE)
        elif self._cells > 1:
            self.parts.append(" | ")

    def _end_link(self) -> None:
        href, start = self._links.pop()
        shown = "".join(self.parts[start:]).strip()
        if self._base and relative(href):
            href = urljoin(self._base, href)
        if not href.startswith(("http://", "https://", "mailto:", "tel:")):
            return
        bare = href.partition(":")[2].removeprefix("//")
        if shown not in (href, bare, bare.removesuffix("/")):
            self.parts.append(f" ({href})" if shown else href)


def _attribute(attributes: str, name: str) -> str:
    """Its value; "" where it is not there."""
    return _read(attributes).get(name, "")


def _hides(attributes: str) -> bool:
    if _HIDDEN.search(attributes) is None:
        return False
    read = _read(attributes)
    is_unread = read.get("aria-hidden", "").lower() == "true"
    return "hidden" in read or is_unread or _UNSHOWN.search(read.get("style", "")) is not None


@lru_cache(maxsize=256)
def _read(attributes: str) -> dict[str, str]:
    """A tag's attributes by name, as a browser reads them: what looks like one in another's value is none."""
    read = next(tags(f"<x {attributes}>"), None)
    return {one.name: one.value for one in read.attributes} if read is not None else {}


def plain_text(html: str, base: str = "") -> str:
    """Lines of text; never two empty lines in a row. `base` is what relative links stand for."""
    words = _Words(base)
    words.feed(bare(html[max(html.find("<body"), 0) :]))
    said: list[str] = []
    ends = ""
    for place, piece in enumerate(_ENDS.split("".join(words.parts))):
        if place % 2:
            ends += piece
        elif line := _line(piece):
            said += [_end(ends) if said else "", line]
            ends = ""
    return "".join(said) + "\n"


def _end(ends: str) -> str:
    return "\n\n" if _PARAGRAPH in ends or ends.count("\n") > 1 else "\n"


def _line(line: str) -> str:
    """Without blanks at its ends but those of a list in a list, and without cells that hold nothing."""
    indent = "  " * (len(line) - len(line.lstrip("\t"))) if line.startswith("\t") else ""
    text = " ".join(line.split())
    text = text.strip("| ")
    return indent + text if text else ""
