"""Tracking: the links of a mail lead through this house, and a pixel says that it was opened.

Works on the finished HTML: of each link only the value of its href is exchanged, every other byte stays. A link stays
as it is where it does not lead to http or https, where it is one of ours (unsubscribe, confirm), where it is marked
`data-track="no"`, where its host is none of those to be tracked, or where browsers could read it otherwise than we do.
The text part and AMP are left alone. The same claim gives the same bytes. Pure.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from urllib.parse import quote

from msgspec import Struct

from tactful.events.responses import About
from tactful.messages.html_tags import Tag, tags
from tactful.messages.links import Click, Open, link
from tactful.messages.shapes import LINKS, MARK, READ

LONGEST_TARGET = 4_000
"""Characters; a longer link stays as it is."""
# WHATWG URL: blanks around it are cut, and tabs and line ends within it are taken out.
_AROUND = "".join(map(chr, range(0x21)))
_WITHIN = re.compile(r"[\t\n\r]")
_TARGET = re.compile(r"(https?)://([^/?#\\@:\s\[\]%]+)(:[0-9]{1,5})?([/?#][^\\]*)?", re.IGNORECASE)
_SAFE = "".join(set(map(chr, range(0x21, 0x7F))) - set('"<>'))
"""What stays in a URL as it is: also what a browser may send unencoded, and `%`, since what is encoded stays so."""


class Tracking(Struct, frozen=True):
    """What of a mail is tracked."""

    clicks: bool = False
    opens: bool = False
    trap: bool = False
    """With clicks: a link that no person sees, for scanners that follow everything."""
    hosts: tuple[str, ...] = ()
    """Only links to these hosts and those below them; (): to all."""


NOTHING = Tracking()


def tracked(
    html: str,
    tracking: Tracking,
    public_url: str,
    keys: Mapping[int, bytes],
    about: About,
    at: int,
    found: Iterable[Tag] | None = None,
) -> str:
    """The HTML with its links rewritten and its pixel, as far as `tracking` says. `at` is the instant of the claim;
    `found` are the tags of the HTML that are read here, where somebody knows them (messages/shapes.py)."""

    def leads(target: str) -> str | None:
        return followed(target, tracking, public_url, keys, about, at)

    pieces: list[str] = []
    done, last_end = 0, -1
    for tag in found if found is not None else tags(html, READ):
        if tag.is_end:
            if tag.name == "body" or (tag.name == "html" and last_end < 0):
                last_end = tag.start
            continue
        for start, end, new in _changes(tag, leads, clicks=tracking.clicks):
            if last_end >= 0 and start > last_end:
                last_end = -1  # More of the body stands behind it: a browser puts it in.
            pieces += (html[done:start], new)
            done = end
    added = _added(tracking, public_url, keys, about, at)
    if last_end >= done:
        pieces += (html[done:last_end], added, html[last_end:])
    else:
        pieces += (html[done:], added)
    return "".join(pieces)


def followed(
    target: str, tracking: Tracking, public_url: str, keys: Mapping[int, bytes], about: About, at: int
) -> str | None:
    """Where a link leads instead; None where it stays as it is."""
    found = _target(target, tracking.hosts)
    if found is None or found.startswith(f"{public_url.rstrip('/')}/v1/"):
        return None
    return link(public_url, keys, Click(about, at, found))


def _changes(tag: Tag, leads: Callable[[str], str | None], *, clicks: bool) -> list[tuple[int, int, str]]:
    """Stretches of the text and what stands there instead, in order."""
    if tag.name not in LINKS:
        return []
    href, mark = tag.get("href"), tag.get(MARK)
    changes = [] if mark is None else [(mark.start, mark.end, "")]
    if mark is not None and mark.value.strip(_AROUND + "/").lower() in ("no", "off", "false"):
        return changes
    if clicks and href is not None and (url := leads(href.value)) is not None:
        changes.append((href.value_start, href.end, f'"{escape(url)}"'))
    return sorted(changes)


def _target(written: str, hosts: tuple[str, ...]) -> str | None:
    """Where a link leads, as it can stand in a Location header: ASCII, without line ends. None where it is not to be
    tracked. What is there already stays exactly; other characters are encoded as browsers encode them."""
    text = _WITHIN.sub("", written.strip(_AROUND))
    match = _TARGET.fullmatch(text)
    if match is None or len(text) > LONGEST_TARGET:
        return None
    scheme, host, port, rest = match[1], match[2], match[3] or "", match[4] or ""
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if hosts and not any(host.lower() == one or host.lower().endswith(f".{one}") for one in hosts):
        return None
    try:
        return f"{scheme}://{host}{port}{quote(rest, safe=_SAFE)}"
    except UnicodeEncodeError:  # Half a character.
        return None


def _added(tracking: Tracking, public_url: str, keys: Mapping[int, bytes], about: About, at: int) -> str:
    """What stands at the end of the body: the trap, then the pixel."""
    added = ""
    if tracking.clicks and tracking.trap:
        url = escape(link(public_url, keys, Click(about, at, "")))
        added += f'<a href="{url}" style="display:none" aria-hidden="true" tabindex="-1"></a>'
    if tracking.opens:
        url = escape(link(public_url, keys, Open(about, at)))
        # No display:none, for which some programs would not fetch it.
        added += f'<img src="{url}" width="1" height="1" alt="" style="border:0;height:1px;width:1px">'
    return added
