"""AMP for Email: what a document must have and may not have, as far as can be told without the validator.

https://amp.dev/documentation/guides-and-tutorials/learn/email-spec/amp-email-format. A mailbox shows the HTML part
instead of an AMP part that breaks a rule, and says so to nobody; so the rules that are broken most are looked at when
a message is published. The validator itself runs in the tests.
"""

import re
from collections.abc import Iterator

from tactful.messages.markup import TAG, styles

STYLE_BYTES = 75_000
RUNTIME = "https://cdn.ampproject.org/v0.js"
_DOCTYPE = re.compile(r"\s*<!doctype html>", re.IGNORECASE)
_HTML = re.compile(r"<html\b[^<>]*(?:⚡4email|amp4email)", re.IGNORECASE)
_CHARSET = re.compile(r"<head>\s*<meta\s+charset\s*=\s*[\"']?utf-8", re.IGNORECASE)
_BOILERPLATE = re.compile(
    r"<style\s+amp4email-boilerplate\s*>\s*body\s*\{\s*visibility\s*:\s*hidden\s*\}\s*</style>", re.IGNORECASE
)
_COMPONENT = "https://cdn.ampproject.org/v0/"
_MEDIA = re.compile(r"@media([^{;@]*)\{", re.IGNORECASE)
_FEATURE = re.compile(r"\(\s*([\w-]+)")
FEATURES = frozenset({"device-width", "hover", "orientation", "pointer", "resolution", "width"})
"""Of media that styles may ask about, also with min- and max-."""
_INSTEAD = {"img": "amp-img", "video": "nothing", "audio": "nothing", "iframe": "nothing", "picture": "amp-img"}
_NEVER = frozenset({"base", "frame", "frameset", "object", "param", "applet", "embed", "iframe", "link"})


def mistakes(amp: str) -> Iterator[str]:
    """What a mailbox would refuse, in the order of the rules; nothing where it looks right."""
    if not _DOCTYPE.match(amp):
        yield "it begins with <!doctype html>"
    if not _HTML.search(amp):
        yield "its <html> says amp4email: <html amp4email data-css-strict>"
    if not _CHARSET.search(amp):
        yield 'its head begins with <meta charset="utf-8">'
    if RUNTIME not in amp:
        yield f'its head loads AMP: <script async src="{RUNTIME}"></script>'
    if not _BOILERPLATE.search(amp):
        yield "its head has <style amp4email-boilerplate>body{visibility:hidden}</style>"
    custom = [css for attributes, css in styles(amp) if "amp-custom" in attributes]
    if len(custom) > 1:
        yield "it has one <style amp-custom> at most"
    if sum(len(css.encode()) for css in custom) > STYLE_BYTES:
        yield f"its styles are larger than {STYLE_BYTES:,} bytes"
    if any("!important" in css for css in custom):
        yield "!important is not allowed in its styles"
    for feature in dict.fromkeys(_features(custom)):
        yield f"its styles may not ask about {feature}, only about {', '.join(sorted(FEATURES))}"
    yield from dict.fromkeys(_tags(amp))


def _features(custom: list[str]) -> Iterator[str]:
    for css in custom:
        for condition in _MEDIA.findall(css):
            for feature in _FEATURE.findall(condition.lower()):
                if feature.removeprefix("min-").removeprefix("max-") not in FEATURES:
                    yield feature


def _tags(amp: str) -> Iterator[str]:
    for slash, written, attributes in TAG.findall(_without_comments(amp)):
        name = written.lower()
        if slash:
            continue
        if name in _INSTEAD:
            yield f"<{name}> is not allowed; in its place stands {_INSTEAD[name]}"
        elif name in _NEVER:
            yield f"<{name}> is not allowed"
        elif name == "script" and not _is_amp_script(attributes):
            yield "scripts are not allowed, but for those of AMP's components"
        elif name == "form" and "action-xhr" not in attributes:
            yield "a form sends with action-xhr"
        if re.search(r"""(?:^|\s)on[a-z]+\s*=""", attributes, re.IGNORECASE):
            yield f"<{name}> has a handler (on...=), which is not allowed"
        if re.search(r"""\s(?:src|action-xhr)\s*=\s*["']?http:""", attributes, re.IGNORECASE):
            yield f"<{name}> loads by http; only https is allowed"


def _without_comments(amp: str) -> str:
    """One that is never closed reaches to the end."""
    kept, *rest = amp.split("<!--")
    return kept + "".join(one.partition("-->")[2] for one in rest)


def _is_amp_script(attributes: str) -> bool:
    is_data = "application/json" in attributes or "text/plain" in attributes
    return is_data or RUNTIME in attributes or (_COMPONENT in attributes and "custom-" in attributes)
