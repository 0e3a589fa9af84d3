"""Guard: who may come as far as the console and the API. What they may do there, each route says itself.

A request shows a token (Bearer, or as the password of HTTP Basic), or the cookie of a sign-in, or nothing. As long as
there are no users, whoever sits at this machine may look: over loopback, addressed to a loopback name (a page elsewhere
whose name was bent to 127.0.0.1 is thereby refused), with no foreign Origin, not through a proxy. As soon as there is a
user, everybody signs in. A browser sends its cookie whoever asks it to, so what changes something must come from one of
our own pages, which is seen here by Sec-Fetch-Site or Origin, and again by the token in each form (console/room.py).
Calls of tracking clients do not come through here; they have write keys, which open nothing here.
"""

import asyncio
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tactful.operations.access.attempts import Attempts
from tactful.runtime.office import Visitor
from tactful.runtime.ports import Clock
from tactful.runtime.roles import ROLES
from tactful.values import SECOND_US
from tactful.web.cookies import sign_in_secret
from tactful.web.masking import is_token

LOOKING = ("GET", "HEAD", "OPTIONS")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
PROXIED = ("forwarded", "x-forwarded-", "x-real-ip", "via")
"""How headers begin that a proxy leaves; behind one, everybody would come from loopback."""
KEYS = ("authorization", "x-write-key")
OPEN = ("/signin", "/static/")
"""How paths begin that lead in, and what their pages are made of."""
NEIGHBOUR = Visitor("", "", ROLES["analyst"])
"""Whoever sits at this machine, as long as there are no users."""
NOBODY = Visitor("", "", frozenset())
BURST, EVERY_US = 300, SECOND_US // 30
"""Of one browser; programs with a token have no such limit."""


class Doorman(Protocol):
    """Who is who (operations/access/access.py); asked in a thread, since it reads a file."""

    def has_users(self) -> bool: ...
    @property
    def has_tokens(self) -> bool: ...
    @property
    def hosts(self) -> Collection[str]:
        """Names of hosts, beside those of this machine."""
        ...

    @property
    def clock(self) -> Clock: ...

    def of_token(self, given: str) -> Visitor | None: ...

    def of_sign_in(self, secret: str) -> Visitor | None: ...


class Guard:
    """Lets through to `app` who may, as `request.state.visitor`; `open_paths` are for everybody (probes)."""

    def __init__(self, app: ASGIApp, doorman: Doorman, open_paths: Collection[str] = ()) -> None:
        self.inner = app
        self._doorman = doorman
        self._open_paths = frozenset(open_paths)
        self._attempts = Attempts(BURST, EVERY_US)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] in self._open_paths:
            found: Visitor | Response = NOBODY
        else:
            found = await asyncio.to_thread(self._look, scope, Headers(scope=scope))
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = found
        await self.inner(scope, receive, send)

    def _look(self, scope: Scope, headers: Headers) -> Visitor | Response:
        if any(name in headers for name in KEYS):
            # Whoever shows a key of another kind (a write key, say) is not taken for a neighbour.
            return self._by_token(scope, headers)
        secret = sign_in_secret(headers)
        visitor = self._doorman.of_sign_in(secret) if secret else None
        asking = f"user {visitor.name}" if visitor is not None else address_of(scope, headers)
        if wait_s := self._attempts.take(asking, self._doorman.clock.now_us()):
            return _later(wait_s)
        if visitor is not None:
            return self._by_sign_in(scope, headers, visitor)
        if scope["path"].startswith(OPEN):
            return self._refuse_strange_host(headers) or NOBODY
        if self._doorman.has_users():
            return self._send_to_sign_in(scope, headers)
        return self._refuse(scope, headers) or NEIGHBOUR

    # ---- a token

    def _by_token(self, scope: Scope, headers: Headers) -> Visitor | Response:
        given, is_basic = _given_token(headers.get("authorization", ""))
        visitor = self._doorman.of_token(given) if given else None
        if visitor is None:
            return self._ask_for_token("this is no token")
        if is_basic and scope["method"] not in LOOKING and not is_own(headers):
            return _forbidden("another site asked")  # Browsers send what was typed into their dialog to everybody.
        return visitor

    # ---- a sign-in

    def _by_sign_in(self, scope: Scope, headers: Headers, visitor: Visitor) -> Visitor | Response:
        if refusal := self._refuse_strange_host(headers):
            return refusal
        if scope["method"] not in LOOKING:
            if not is_own(headers):
                return _forbidden("another site asked")
            if scope["path"].startswith("/v1/") and not is_token(headers.get("x-csrf-token", ""), visitor.csrf):
                return _forbidden("scripts of a page send X-CSRF-Token; programs use a token of their own")
        return visitor

    def _refuse_strange_host(self, headers: Headers) -> Response | None:
        """A name that nobody has told us may be somebody else's, bent to this address."""
        name = _host(headers)
        if name is None or not (_is_loopback_name(name) or _is_address(name) or name in self._doorman.hosts):
            return _misdirected("set public_url in [workspace], or hosts in [access], to the name you use for Tactful")
        return None

    def _send_to_sign_in(self, scope: Scope, headers: Headers) -> Response:
        mode = headers.get("sec-fetch-mode")
        is_page = mode == "navigate" if mode is not None else "text/html" in headers.get("accept", "")
        if scope["method"] == "GET" and is_page and not scope["path"].startswith("/v1/"):
            query: str = scope["query_string"].decode("latin-1")
            wanted = scope["path"] + (f"?{query}" if query else "")
            back = "" if wanted == "/" else f"?next={quote(wanted, safe='/')}"
            return RedirectResponse(f"/signin{back}", 303, {"Cache-Control": "no-store"})
        return JSONResponse(
            {"code": "unauthorized", "message": "sign in, or send a token (`tactful tokens add` makes one)"},
            status_code=401,
            headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"},
        )

    # ---- nothing

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        client = scope.get("client")
        if client is None or not _is_loopback(client[0]) or any(name.startswith(PROXIED) for name in headers):
            return self._ask_for_token("this is open to this machine only, or with an administrator's token")
        if not _is_loopback_name(_host(headers)):
            return _forbidden("the Host is not this machine; a token is needed for other names")
        origin = headers.get("origin")
        if origin is not None and not _is_same_machine(origin):
            return _forbidden("the Origin is another site")
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return _forbidden("another site asked")
        if scope["method"] not in LOOKING:
            return self._ask_for_token("what changes something needs a sign-in or a token")
        return None

    def _ask_for_token(self, message: str) -> Response:
        if not self._doorman.has_tokens and not self._doorman.has_users():
            return _forbidden(message + " (TACTFUL_ADMIN_TOKEN is not set)")
        return JSONResponse(
            {"code": "unauthorized", "message": message},
            status_code=401,
            headers={
                "WWW-Authenticate": 'Basic realm="Tactful (any name; the token is the password)", charset="UTF-8"'
            },
        )


def is_own(headers: Headers) -> bool:
    """Whether one of our own pages asked, or no browser at all (Fetch Metadata; RFC 6454 where a browser has none)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False


def address_of(scope: Scope, headers: Headers) -> str:
    """Whose attempts are counted together. Behind a proxy on this machine, what it says of its caller: the last entry,
    since whatever stands before came from the caller."""
    client = scope.get("client")
    address: str = client[0] if client is not None else ""
    if _is_loopback(address):
        return headers.get("x-forwarded-for", "").rpartition(",")[2].strip()[:100] or address
    return address


def _given_token(authorization: str) -> tuple[str, bool]:
    """The token of a Bearer, or the password of a Basic, Authorization (RFC 6750, RFC 7617), and whether it was Basic;
    "" if there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        # The bytes as they came; UTF-8 where the token is.
        return value.strip().encode("latin-1").decode("utf-8", "surrogateescape"), False
    if scheme.lower() == "basic":
        try:
            given = b64decode(value.strip(), validate=True).partition(b":")[2]
        except (Base64Error, ValueError):
            return "", True
        return given.decode("utf-8", "surrogateescape"), True
    return "", False


def _host(headers: Headers) -> str | None:
    try:
        name = urlsplit("//" + headers.get("host", "")).hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_address(name: str) -> bool:
    """A number cannot be bent to another address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback_name(name: str | None) -> bool:
    return name is not None and name.lower().rstrip(".") in LOOPBACK_NAMES


def _is_same_machine(origin: str) -> bool:
    """A page of this machine; "null" (a sandboxed frame, a file) is none."""
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and _is_loopback_name(parts.hostname)
    except ValueError:
        return False


def _forbidden(message: str) -> Response:
    return JSONResponse({"code": "forbidden", "message": message}, status_code=403)


def _misdirected(message: str) -> Response:
    return JSONResponse({"code": "unknown_host", "message": message}, status_code=421)


def _later(wait_s: int) -> Response:
    message = "this browser asks more often than a person would"
    return JSONResponse({"code": "too_many", "message": message}, 429, {"Retry-After": str(wait_s)})
