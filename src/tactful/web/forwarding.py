"""Forwarding: what is not a call of a tracking client goes on to the console, which is a process of its own.

So a page that counts for seconds never delays a call, and a flood of calls leaves the console its own threads; whoever
breaks one of the two has not broken the other. The way there is a Unix socket that only our own user can open. The
console believes what this file says of the peer's address, and of nobody else.

Where the console ends in the middle of a request, what only looks is asked again. What may have changed something is
not: whoever sent it is told that it may have happened.
"""

import asyncio
from collections.abc import Callable

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from tactful.web.answers import Answer, App, Headers, Message, Receive, Scope, Send, error_answer, later_answer, respond
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
_LOOKING = ("GET", "HEAD")
_STARTING = "the console is starting; events are taken meanwhile"
_UNKNOWN = "the console ended while it did this: it may have happened, so look before you send it again"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">{again}
<title>Tactful</title></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""
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
        sent = _Sent(send)
        for _ in range(_TRIES):
            try:
                await self._hand_on(scope, body, sent)
            except (aiohttp.ClientConnectorError, FileNotFoundError):
                await asyncio.sleep(_PAUSE_S)
            except aiohttp.ClientError:
                if sent.has_begun:
                    await sent.break_off()
                    return
                if scope["method"] not in _LOOKING:
                    await respond(send, _ended(scope))
                    return
                await asyncio.sleep(_PAUSE_S)
            else:
                return
        await respond(send, _away(scope))

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


class _Sent:
    """What has gone out of an answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = self._is_stream = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            types = (value for name, value in message["headers"] if name == b"content-type")
            self._is_stream = next(types, b"").startswith(b"text/event-stream")
        await self._send(message)

    async def break_off(self) -> None:
        """A stream of news ends, and the page opens another. Any other answer stays without its end, so that nobody
        takes a part for the whole."""
        if self._is_stream:
            await self._send({"type": "http.response.body", "body": b""})


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


def _away(scope: Scope) -> Answer:
    """The page asks again by itself."""
    if not _wants_page(scope):
        return later_answer(503, "starting", _STARTING, 1)
    again = '<meta http-equiv="refresh" content="2">' if scope["method"] in _LOOKING else ""
    what = "This page comes back by itself." if again else "Nothing was changed: go back, and send it once more."
    return _page(503, again, "The console is starting", f"Events are taken meanwhile. {what}", [(b"retry-after", b"1")])


def _ended(scope: Scope) -> Answer:
    if not _wants_page(scope):
        return error_answer(502, "unknown", _UNKNOWN)
    text = "It may have happened all the same: go back, and look before you send it again. Events are taken meanwhile."
    return _page(502, "", "The console ended while it did this", text, [])


def _page(status: int, again: str, title: str, text: str, headers: Headers) -> Answer:
    """Of bare HTML, since what pages look like is the console's to say."""
    body = _PAGE.format(again=again, title=title, text=text).encode()
    own = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    return Answer(status, body, [*own, (b"cache-control", b"no-store"), *headers])


def _wants_page(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


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
