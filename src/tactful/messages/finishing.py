"""The HTML of a mail, made fit for mailboxes: styles inlined, a preheader, dark mode declared, links whole, no harm.

Many mailboxes drop style blocks, or parts of them; so rules are written into the elements that they are about. What
cannot be (media queries, dark mode, :hover) stays in the block for those that read it. A fragment without style blocks
stays the fragment that it is. Pure, and the same bytes each time.
"""

import re
from html import escape

import css_inline

from tactful.messages.markup import MarkupError, leading, led, refuse_deep, styles

WORK = 100_000_000
"""Characters of CSS times elements: what inlining looks at, at most."""
CLIPPED_BYTES = 102 * 1024
"""Gmail shows no more of a mail."""

_HEAD = re.compile(r"<(?i:head)\b[^<>]*>")
_BODY = re.compile(r"<(?i:body)\b[^<>]*>")
_UNDEFINED = 'lang="und"'
"""What MJML makes of a document that names no language."""
_DECLARED = re.compile(r"""<meta\b[^<>]*\bname\s*=\s*["']?color-scheme""", re.IGNORECASE)
_DECLARATION = (
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
)
# The blanks keep mailboxes from filling the preview line up with the first words of the mail.
_PREHEADER = (
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">'
    "{}" + "&#847;&zwnj;&nbsp;" * 40 + "</div>"
)
_inliner = css_inline.CSSInliner(
    load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True, remove_inlined_selectors=True
)


def finish(html: str, *, preheader: str = "", language: str = "", base: str = "", is_styled: bool = True) -> str:
    """`base` is what relative links stand for ("" leaves them); `is_styled` says that its rules are the author's, and
    have to be inlined. Raises MarkupError."""
    if is_styled and "<style" in html:
        html = _inlined(html)
    if "prefers-color-scheme" in html and not _DECLARED.search(html) and (head := _HEAD.search(html)):
        html = html[: head.end()] + _DECLARATION + html[head.end() :]
    if language:
        html = html.replace(_UNDEFINED, f'lang="{language}"')
    html = led(html, leading(base))
    return with_preheader(html, preheader) if preheader else html


def _inlined(html: str) -> str:
    refuse_deep(html)
    elements = html.count("<") - html.count("</")
    if len(html) * elements > WORK:  # All of it is more than its rules, and need not be looked for.
        rules = sum(len(css) for _, css in styles(html))
        if rules * elements > WORK:
            raise MarkupError(f"{rules} characters of CSS for {elements} elements are too much work")
    try:
        return _inliner.inline(html)
    except css_inline.InlineError:
        # A style that cannot be read: perhaps somebody's data stands in it. The mail is as right as its author's CSS.
        return html


def with_preheader(html: str, preheader: str) -> str:
    """The preheader hidden at the top: mailboxes show it beside the subject."""
    hidden = _PREHEADER.format(escape(preheader))
    body = _BODY.search(html)
    at = body.end() if body else 0
    return html[:at] + hidden + html[at:]
