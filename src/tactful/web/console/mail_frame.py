"""Mails in frames: their own pictures, light or dark, and nothing else from anywhere.

A frame loads nothing (mailview.py), so that looking tells nobody, and a mail that is looked at counts as no opening.
Pictures that belong to the project (what the site serves from /pictures lies in its folder) are put into the page
itself. Those of other servers are loaded only for who asks for it, and never the picture that counts openings.
"""

import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote

from starlette.responses import Response

from tactful.web.mailview import FRAME_HEADERS, frame

FOLDER = "pictures"
"""Of the project, and the path on the site that stands for it."""
KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
PICTURE_BYTES = 1 << 20
ALL_BYTES = 8 << 20
_NAME = re.compile(r"[\w][\w.-]{0,120}")
_SOURCE = re.compile(r"""(\bsrc\s*=\s*)(["'])([^"'<>]{1,2000})\2""", re.IGNORECASE)
_PIXEL = re.compile(r"<(?i:img)\b[^<>]*/v1/o/[^<>]*>")
_SETS = re.compile(r"""\s(?:srcset|background|poster)\s*=\s*(?:"[^"<>]*"|'[^'<>]*')""", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*(?!["']?data:)[^()]{0,2000}\)""", re.IGNORECASE)
_STYLES = re.compile(r"<(?i:link)\b[^<>]*>|@import[^;<>]{0,2000};")
_ABSENT = (
    "data:image/svg+xml;base64,"
    + b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" preserveAspectRatio="none">'
        b'<rect width="8" height="8" fill="#8d897f" opacity=".25"/></svg>'
    ).decode()
)
"""Stands for a picture that is not loaded."""
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width: 0px)", "(max-width: 0px)"


def shown(html: str, site_url: str, project: Path, scheme: str = "") -> str:
    """The HTML part with the project's own pictures in it; `scheme` is light, dark, or "" for that of the reader."""
    found = _with_pictures(html, site_url.rstrip("/"), project / FOLDER)
    if scheme in ("light", "dark"):
        found = _SCHEME.sub(lambda match: _ALWAYS if match[1].lower() == scheme else _NEVER, found)
    return found


def answer(html: str, *, loads: bool = False) -> Response:
    """As a document of its own; `loads`: with pictures of other servers."""
    if not loads:
        return frame(_without_others(html))
    found = frame(_PIXEL.sub("", html))
    found.headers["Content-Security-Policy"] = FRAME_HEADERS["Content-Security-Policy"].replace(
        "img-src data:", "img-src data: https:"
    )
    return found


def _without_others(html: str) -> str:
    """With nothing named that a browser would go and fetch: that the policy refuses it would stand in its console."""

    def put(match: re.Match[str]) -> str:
        return match[0] if match[3].startswith("data:") else f'{match[1]}"{_ABSENT}"'

    return _STYLES.sub("", _URL.sub("none", _SETS.sub("", _SOURCE.sub(put, html))))


def _with_pictures(html: str, site_url: str, folder: Path) -> str:
    left = ALL_BYTES

    def put(match: re.Match[str]) -> str:
        nonlocal left
        body = _picture(match[3], site_url, folder)
        if body is None or len(body[1]) > left:
            return match[0]
        left -= len(body[1])
        return f'{match[1]}"data:{body[0]};base64,{b64encode(body[1]).decode()}"'

    return _SOURCE.sub(put, html)


def _picture(address: str, site_url: str, folder: Path) -> tuple[str, bytes] | None:
    """Kind and bytes of a picture of the project; None for any other address."""
    own = f"/{FOLDER}/"
    path = address.removeprefix(site_url) if site_url else address
    name = unquote(path.removeprefix(own))
    if not path.startswith(own) or not _NAME.fullmatch(name):
        return None
    file, kind = folder / name, KINDS.get(Path(name).suffix.lower())
    try:
        if kind is None or file.is_symlink() or file.stat().st_size > PICTURE_BYTES:
            return None
        return kind, file.read_bytes()
    except OSError:
        return None
