"""Markup as text: its tags, how deep they stand in each other, and where its links lead.

The engines that build and style mails are fast and trusting: some thousand elements in each other overflow their stack,
and that ends the process. So what goes to them is measured before. The pattern of a tag looks at each character once.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from html import escape, unescape
from operator import methodcaller
from urllib.parse import urljoin

from tactful.messages.html_tags import tags

DEEPEST = 400
TAG = re.compile(r"""<(/?)([^\s/>"'<!?=]++)((?:[^<>"']|"[^"]*+"|'[^']*+')*+)>""")
"""Its slash, name and attributes."""
_RAW = re.compile(r"<!--|<(script|style|textarea|title)(?=[\s/>])", re.IGNORECASE)
_STYLE_TAG = re.compile(r"<style([^<>]*)>", re.IGNORECASE)
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_LEADING = (b"href", b"src", b"background", b"action", b"poster")
"""How the attributes begin that `_LEADS` reads; of `formaction`, how it ends."""
_BEHIND = frozenset(b"=- \t\n\r\f")
_LEADS = re.compile(
    r"""(action-xhr|action|background-url|background|formaction|href|poster|src)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""",
    re.IGNORECASE | re.ASCII,
)
_PLAINLY = ("https://", "http://", "mailto:", "tel:")
"""What leads somewhere at first sight."""
_START = methodcaller("start")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
"""What browsers pass over in front of and within a scheme."""
SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
NOWHERE = "#"


class MarkupError(Exception):
    """Markup that nothing can be made of; the text says why."""


def refuse_deep(markup: str) -> None:
    """Raises MarkupError where elements stand too deep in each other."""
    if markup.count("<") - markup.count("</") <= DEEPEST:
        return
    depth = deepest = 0
    for slash, name, rest in TAG.findall(markup):
        if slash:
            depth = max(depth - 1, 0)
        elif name.lower() not in VOID and not rest.endswith("/"):
            depth += 1
            deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise MarkupError(f"elements stand in each other more than {DEEPEST} deep, or are not closed")


def bare(markup: str) -> str:
    """Without comments, and without elements in which nothing is a tag but their own end (script, style ...)."""
    parts, at = [], 0
    for begin, end in _passages(markup):
        parts.append(markup[at:begin])
        at = end
    return "".join((*parts, markup[at:])) if parts else markup


def _passages(markup: str) -> Iterator[tuple[int, int]]:
    # What is never closed reaches to the end: looking for the end again and again would take for ever.
    at = 0
    while (found := _RAW.search(markup, at)) is not None:
        if found[1] is None:
            end = markup.find("-->", found.end())
            at = end + 3 if end >= 0 else len(markup)
        else:
            closing = _closing(found[1].lower()).search(markup, found.end())
            at = closing.end() if closing is not None else len(markup)
        yield found.start(), at


@cache
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}[^<>]*>", re.IGNORECASE)


def styles(markup: str) -> list[tuple[str, str]]:
    """Of each style block, its attributes and its rules."""
    found = []
    for begin, end in _passages(markup):
        tag = _STYLE_TAG.match(markup, begin)
        if tag is not None:
            found.append((tag[1], markup[tag.end() : end].rpartition("</")[0]))
    return found


def relative(address: str) -> bool:
    """Whether an address says where only to who knows the page that it stands on."""
    clean = _IGNORED.sub("", address)
    return bool(clean) and not clean.startswith(("#", "//")) and _SCHEME.match(clean.lower()) is None


def harmful(address: str) -> bool:
    """Whether it does something else than lead somewhere (javascript:, data: ...)."""
    scheme = _SCHEME.match(_IGNORED.sub("", address).lower())
    return scheme is not None and scheme[1] not in SCHEMES


def led(markup: str, to: Callable[[str, str], str]) -> str:
    """With every address that an attribute holds replaced by what `to` (attribute, address) makes of it."""
    parts: list[str] = []
    done = 0
    for found in _leads(markup):
        start, end = found.span(3)
        quoted = found[3]
        written = quoted[1:-1] if quoted[0] in "\"'" else quoted
        address = unescape(written) if "&" in written else written
        better = to(found[1].lower(), address)
        if better != address and found.start() >= done and _is_attribute(markup, found):
            parts += (markup[done:start], f'"{escape(better)}"')
            done = end
    return "".join((*parts, markup[done:])) if parts else markup


def _leads(markup: str) -> list[re.Match[str]]:
    """Whatever looks like an attribute that leads somewhere, in order; also in text, or in another's value."""
    # Each sign is one byte here, in small letters. Looking for a few words is several times as fast as for a pattern.
    signs = markup.encode("ascii", "replace").lower()
    found = []
    for word in _LEADING:
        length = len(word)
        at = signs.find(word)
        while at >= 0:
            behind = at + length
            if behind < len(signs) and signs[behind] in _BEHIND:
                begin = at - 4 if word == b"action" and signs[at - 4 : at] == b"form" else at
                match = _LEADS.match(markup, begin)
                if match is not None:
                    found.append(match)
                    if match[3][0] not in "\"'":
                        behind = match.end()  # What stands in a value without quotes is all value.
            at = signs.find(word, behind)
    return sorted(found, key=_START)


def _is_attribute(markup: str, found: re.Match[str]) -> bool:
    """Whether it is one, and no part of another's name or value, or text about one."""
    start = found.start()
    if markup[start - 1 : start].isalnum() or markup[start - 1 : start] in ("-", "_", ":"):
        return False
    # A tag's own values may hold signs of other tags; nobody needs more than some.
    for _ in range(20):
        start = markup.rfind("<", 0, start)
        if start < 0:
            return False
        tag = TAG.match(markup, start)
        if tag is not None and tag.end() >= found.end():
            place = found.start() - start
            return not any(begin <= place < end for begin, end in _values(tag[0]))
    return False


@lru_cache(maxsize=16)
def _values(tag: str) -> list[tuple[int, int]]:
    """Where the values of a tag's attributes stand in it."""
    return [(one.value_start, one.end) for read in tags(tag) for one in read.attributes]


def leading(base: str) -> Callable[[str, str], str]:
    """For `led`: nothing that does harm, and what is relative is of `base` ("" leaves it)."""

    def lead(name: str, address: str) -> str:
        if address.startswith(_PLAINLY):
            return address
        if name == "src" and address.startswith("data:image/"):
            return address
        if harmful(address):
            return NOWHERE
        return urljoin(base, address.strip()) if base and relative(address) else address

    return lead
