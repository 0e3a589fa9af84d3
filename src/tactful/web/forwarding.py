"""Forwarding: what is not a call of a tracking client goes on to the console, which is a process of its own.

So a page that counts for seconds never delays a call, and a flood of calls leaves the console its own threads; whoever
breaks one of the two has not broken the other. The way there is a Unix socket that only our own user can open. The
console believes what this file says of the peer's address, and of nobody else.
"""

import asyncio
from collections.abc import Callable

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from tactful.web.answers import App, Headers, Receive, Scope, Send, later_answer, respond
from tactful.web.bodies import Disconnected, read_body

PEER = "x-tactful-peer"
"""The address of who called; what a caller writes there is thrown away."""
BODY_BYTES = 5 << 20
BODY_S = 30.0
"""A body that is not complete by then is given up."""
MOST = 256
"""Requests at once, open pages included; beyond that the answer is to come back."""
_TRIES = 100
_PAUSE_S = 0.1
"""Between tries while the console starts."""
_HOP = frozenset(("connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"))
"""Of one connection only (RFC 9110, 7.6.1)."""


class Forwarding:
    """The ASGI app. `address` gives the socket's path; asked once, in the loop."""

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client: aiohttp.ClientSession | None = None
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self._open >= MOST:
            await respond(send, later_answer(503, "busy", "too many pages are open at once", 2))
            return
        self._open += 1
        try:
            await self._forward(scope, receive, send)
        finally:
            self._open -= 1

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body, size = await asyncio.wait_for(read_body(receive, BODY_BYTES), BODY_S)
        except Disconnected:
            return
        except TimeoutError:
            await respond(send, later_answer(408, "too_slow", "the body did not come in time", 1))
            return
        if size > BODY_BYTES:
            await respond(send, later_answer(413, "call_too_large", f"at most {BODY_BYTES:,} bytes are taken", 0))
            return
        passing = asyncio.create_task(self._pass(scope, body, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                passing.result()
        finally:
            leaving.cancel()
            passing.cancel()

    async def _pass(self, scope: Scope, body: bytes, send: Send) -> None:
        for _ in range(_TRIES):
            try:
                await self._hand_on(scope, body, send)
            except (aiohttp.ClientConnectorError, FileNotFoundError):
                await asyncio.sleep(_PAUSE_S)
            else:
                return
        await respond(send, later_answer(503, "starting", "the console is starting; events are taken meanwhile", 1))

    async def _hand_on(self, scope: Scope, body: bytes, send: Send) -> None:
        asking = self._session().request(
            scope["method"], _url(scope), data=body or None, headers=_headers(scope), allow_redirects=False
        )
        async with asking as answer:
            headers = [(name.lower(), value) for name, value in answer.raw_headers if _stays(name.lower())]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(self._address(), limit=MOST),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            )
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


class Peered:
    """In the console: who called, as the forwarding process says."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: Headers = scope["headers"]
            peer = next((value for name, value in headers if name == PEER.encode()), b"")
            scope["client"] = (peer.decode("latin-1"), 0) if peer else None
            scope["headers"] = [pair for pair in headers if pair[0] != PEER.encode()]
        await self._app(scope, receive, send)


def _url(scope: Scope) -> URL:
    """Path and query as they came, not spelled anew."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    asked = path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    return URL(f"http://console{asked}", encoded=True)


def _stays(name: bytes) -> bool:
    return name.decode("latin-1") not in _HOP and name != b"date"  # Each server sets its own.


def _headers(scope: Scope) -> CIMultiDict[str]:
    found: CIMultiDict[str] = CIMultiDict()
    for name, value in scope["headers"]:
        plain = name.decode("latin-1")
        if plain not in _HOP and plain not in (PEER, "content-length", "expect"):
            found.add(plain, value.decode("latin-1"))
    client = scope.get("client")
    found[PEER] = client[0] if client is not None else ""
    return found


async def _left(receive: Receive) -> None:
    """Until whoever asked is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
