"""The way through the console by its own links: from home, one page or two of each kind of address."""

import re
from collections import deque
from collections.abc import Collection
from html import unescape
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

from starlette.routing import Match, Route

from tests.console.serving import Answer, Served, routes_of

_LINK = re.compile(r'<a\b[^>]*?\shref="([^"]+)"')
_ODD = re.compile(r"[^!-~]|[\"<>\\^`{|}]")
"""What stands in no address (RFC 3986, 2); browsers mend it, each as it likes."""
OWN = "/account"
"""Of a sign-in, which the visitor of these tests has none of."""
EACH = 2
"""Pages of one kind that are looked at: one with a query, perhaps, and one without."""


def kinds(served: Served) -> list[Route]:
    """The addresses that the rooms answer."""
    return [route for route in routes_of(served.console) if isinstance(route, Route)]


def kind_of(path: str, known: list[Route]) -> str | None:
    """The first that would answer, as the router takes it."""
    scope = {"type": "http", "method": "GET", "path": urlsplit(path).path, "root_path": "", "headers": []}
    return next((route.path for route in known if route.matches(scope)[0] is Match.FULL), None)


class Crawled(NamedTuple):
    pages: dict[str, list[str]]
    """By kind of address, in the order in which they were met."""
    dead: list[str]
    """What leads nowhere, or to an error: `PATH (from PATH)`."""
    answers: dict[str, Answer]
    """By path, of all pages."""


def crawl(served: Served, start: str = "/", also: Collection[str] = ()) -> Crawled:
    """From `start`, and from each of `also`, however many of their kind were met."""
    known = kinds(served)
    found: dict[str, list[str]] = {}
    dead: list[str] = []
    answers: dict[str, Answer] = {}
    met, waiting = {start, OWN, *also}, deque([(start, ""), *((one, "") for one in also)])
    while waiting:
        path, origin = waiting.popleft()
        kind = kind_of(path, known)
        if kind is not None and len(found.get(kind, ())) >= EACH and path not in also:
            continue
        answer = served.get(path)
        if kind is None or answer.status != 200:
            dead.append(f"{path} (from {origin}): {answer.status}")
            continue
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        found.setdefault(kind, []).append(path)
        answers[path] = answer
        for href in _LINK.findall(answer.text):
            to = urldefrag(urljoin(path, unescape(href)))[0]
            if _ODD.search(to):
                dead.append(f"{to} (from {path}): not spelled as an address is")
            elif to.startswith("/") and not to.startswith("/static/") and "format=csv" not in to and to not in met:
                met.add(to)
                waiting.append((to, path))
    return Crawled(found, dead, answers)
