"""Markup as text: its tags, how deep they stand in each other, and where its links lead.

The engines that build and style mails are fast and trusting: some thousand elements in each other overflow their stack,
and that ends the process. So what goes to them is measured before. The pattern of a tag looks at each character once.
"""

import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import urljoin

DEEPEST = 400
TAG = re.compile(r"""<(/?)([^\s/>"'<!?=]++)((?:[^<>"']|"[^"]*+"|'[^']*+')*+)>""")
"""Its slash, name and attributes."""
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_LEADS = re.compile(
    r"""(?<![\w-])(href|src|action|formaction|background|background-url|poster|action-xhr)(\s*=\s*)"""
    r"""("[^"]*"|'[^']*'|[^\s"'>]+)""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
"""What browsers pass over in front of and within a scheme."""
SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
NOWHERE = "#"


class MarkupError(Exception):
    """Markup that nothing can be made of; the text says why."""


def refuse_deep(markup: str) -> int:
    """The number of elements. Raises MarkupError where they stand too deep in each other."""
    depth = deepest = count = 0
    for slash, name, rest in TAG.findall(markup):
        if slash:
            depth = max(depth - 1, 0)
        elif name.lower() not in _VOID and not rest.endswith("/"):
            count += 1
            depth += 1
            deepest = max(deepest, depth)
        else:
            count += 1
    if deepest > DEEPEST:
        raise MarkupError(f"elements stand in each other more than {DEEPEST} deep, or are not closed")
    return count


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

    def attribute(found: re.Match[str]) -> str:
        name, equals, quoted = found.groups()
        written = quoted[1:-1] if quoted[0] in "\"'" else quoted
        address = unescape(written)
        better = to(name.lower(), address)
        return found[0] if better == address else f'{name}{equals}"{escape(better)}"'

    def tag(found: re.Match[str]) -> str:
        slash, name, rest = found.groups()
        return found[0] if slash or "=" not in rest else f"<{name}{_LEADS.sub(attribute, rest)}>"

    return TAG.sub(tag, markup)


def leading(base: str) -> Callable[[str, str], str]:
    """For `led`: nothing that does harm, and what is relative is of `base` ("" leaves it)."""

    def lead(name: str, address: str) -> str:
        if name == "src" and address.startswith("data:image/"):
            return address
        if harmful(address):
            return NOWHERE
        return urljoin(base, address.strip()) if base and relative(address) else address

    return lead
