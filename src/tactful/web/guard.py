"""Guard: who may see pages and the read API, until there is sign-in.

Either the request brings an administrator's token (Bearer, or as the password of HTTP Basic so that a browser can ask
for it), or it comes from this machine: over loopback, addressed to a loopback name (a page elsewhere whose name was
bent to 127.0.0.1 is thereby refused), with no foreign Origin, not through a proxy, and only to look. What changes
something wants a token always. Calls of tracking clients do not come through here; they have write keys.
"""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LOOKING = ("GET", "HEAD", "OPTIONS")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
PROXIED = ("forwarded", "x-forwarded-", "x-real-ip", "via")
"""How headers begin that a proxy leaves; behind one, everybody would come from loopback."""
KEYS = ("authorization", "x-write-key")


class Guard:
    """Lets through to `app` who may; `open_paths` are for everybody (probes)."""

    def __init__(self, app: ASGIApp, tokens: Collection[str], open_paths: Collection[str] = ()) -> None:
        self._app = app
        self._tokens = tuple(token.encode() for token in tokens if token)
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._has_token(headers):
            # Whoever shows a key of another kind (a write key, say) is not taken for a neighbour.
            has_other = any(name in headers for name in KEYS)
            refusal = self._ask_for_token("this is no token") if has_other else self._refuse(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _has_token(self, headers: Headers) -> bool:
        given = _given_token(headers.get("authorization", ""))
        # Every token is compared, each in constant time, so that the time taken tells nothing.
        matches = [hmac.compare_digest(given, token) for token in self._tokens]
        return any(matches)

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        client = scope.get("client")
        if client is None or not _is_loopback(client[0]) or any(name.startswith(PROXIED) for name in headers):
            return self._ask_for_token("this is open to this machine only, or with an administrator's token")
        if not _is_loopback_name(urlsplit("//" + headers.get("host", "")).hostname):
            return _forbidden("the Host is not this machine; a token is needed for other names")
        origin = headers.get("origin")
        if origin is not None and not _is_same_machine(origin):
            return _forbidden("the Origin is another site")
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return _forbidden("another site asked")
        if scope["method"] not in LOOKING:
            return self._ask_for_token("what changes something needs a token")
        return None

    def _ask_for_token(self, message: str) -> Response:
        if not self._tokens:
            return _forbidden(message + " (TACTFUL_ADMIN_TOKEN is not set)")
        return JSONResponse(
            {"code": "unauthorized", "message": message},
            status_code=401,
            headers={
                "WWW-Authenticate": 'Basic realm="Tactful (any name; the token is the password)", charset="UTF-8"'
            },
        )


def _given_token(authorization: str) -> bytes:
    """The token of a Bearer, or the password of a Basic, Authorization (RFC 6750, RFC 7617); b"" if there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")  # The bytes as they came; UTF-8 where the token is.
    if scheme.lower() == "basic":
        try:
            return b64decode(value.strip(), validate=True).partition(b":")[2]
        except (Base64Error, ValueError):
            return b""
    return b""


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_loopback_name(name: str | None) -> bool:
    return name is not None and name.lower().rstrip(".") in LOOPBACK_NAMES


def _is_same_machine(origin: str) -> bool:
    """A page of this machine; "null" (a sandboxed frame, a file) is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and _is_loopback_name(parts.hostname)


def _forbidden(message: str) -> Response:
    return JSONResponse({"code": "forbidden", "message": message}, status_code=403)
