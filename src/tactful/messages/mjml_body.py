"""MJML to HTML, by mrml (mjml-python).

Liquid goes first: then a condition may stand around any component, or around one column of several, whose widths MJML
works out from how many there are. What differs for no person is compiled once. Values are escaped before, and mrml
passes escaped text on as it is. Nothing is included from files, no fonts are fetched from others.
"""

from functools import lru_cache

import mjml

from tactful.messages.markup import MarkupError, bare, refuse_deep

SOURCE_CHARS = 512 * 1024
HTML_CHARS = 2 * 1024 * 1024


@lru_cache(maxsize=64)
def compile_mjml(text: str) -> str:
    """The HTML document. Raises MarkupError."""
    text = text.strip()
    if len(text) > SOURCE_CHARS:
        raise MarkupError(f"the MJML has {len(text)} characters; at most {SOURCE_CHARS} are allowed")
    if "<mj-include" in text.lower():
        raise MarkupError("mj-include reads files, of which there are none here; use a block")
    if not text.startswith("<"):
        raise MarkupError("MJML begins with <mjml>")
    # What looks like the end of a comment too early must not hide elements: both readings are measured.
    refuse_deep(text)
    if "<!--" in text:
        refuse_deep(bare(text))
    try:
        html = mjml.mjml2html(text, fonts={}, disable_comments=True)
    except ValueError as error:
        raise MarkupError(_explain(str(error), text)) from error
    if len(html) > HTML_CHARS:
        raise MarkupError(f"the MJML makes {len(html)} characters of HTML; at most {HTML_CHARS} are allowed")
    return str(html)


def _explain(said: str, text: str) -> str:
    """With a line in the place of a range of bytes."""
    what, at, where = said.partition(" at position ")
    what = what.replace(" in root template", "")
    start = where.partition(":")[0]
    if not at or not start.isdigit():
        return f"MJML: {what}"
    before = text.encode()[: int(start)]
    return f"MJML: line {before.count(10) + 1}: {what}"
