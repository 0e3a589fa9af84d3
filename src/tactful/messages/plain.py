"""The text part of a mail whose author wrote only HTML: its words, one paragraph a line, links behind their words."""

import re
from html.parser import HTMLParser

_BLOCKS = re.compile(
    "address|article|blockquote|br|dd|div|dl|dt|footer|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|"
    "table|tbody|tfoot|thead|tr|ul"
)
_SILENT = frozenset({"head", "script", "style", "template", "title"})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in _VOID and (self._silent or tag in _SILENT or _HIDDEN.search(given.get("style") or "")):
            self._silent.append(tag)
            return
        if _BLOCKS.fullmatch(tag):
            self.parts.append("\n")
        if tag == "img" and given.get("alt"):
            self.parts.append(given["alt"] or "")
        if tag == "a":
            self._links.append((given.get("href") or "", len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            # A tag that was never closed inside must not silence the rest.
            if tag in self._silent:
                while self._silent.pop() != tag:
                    pass
            return
        if _BLOCKS.fullmatch(tag):
            self.parts.append("\n")
        if tag == "a" and self._links:
            href, start = self._links.pop()
            shown = "".join(self.parts[start:]).strip()
            if href.startswith(("http://", "https://", "mailto:")) and href not in {shown, f"mailto:{shown}"}:
                self.parts.append(f" ({href})" if shown else href)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain_text(html: str) -> str:
    """Lines of text; hidden parts, styles and scripts left out; never two empty lines in a row."""
    words = _Words()
    words.feed(html)
    words.close()
    lines = [re.sub(r" +", " ", line).strip() for line in "".join(words.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
