"""Fresh data for messages: in time or not at all, guarded, asked once, and never in the way of a message."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tactful.adapters.fetch import HttpFetch
from tactful.messages.fetches import Fetch
from tactful.messages.render import render
from tactful.messages.source import MessageSource
from tactful.runtime.fetching import ANSWER_BYTES, PATIENCE, REST_US, Fetcher
from tactful.testing.clock import SimClock
from tactful.values import MINUTE_US, SECOND_US
from tests.deliver.desk import claimed, order
from tests.deliver.test_webhook import Names

URL = "https://shop.example/stock"
SKU = f"{URL}?sku={{{{ event.properties.sku | url_encode }}}}"


class Endpoint:
    """Answers by URL; an exception is raised."""

    def __init__(self, answer: bytes | Exception = b'{"left": 3}') -> None:
        self.answer = answer
        self.asked: list[tuple[str, float]] = []
        self.gate: asyncio.Event | None = None
        self.is_closed = False

    async def __call__(self, url: str, timeout_s: float, /) -> bytes:
        self.asked.append((url, timeout_s))
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        self.is_closed = True


def source(*fetches: Fetch) -> MessageSource:
    return MessageSource("m", "s", text="{{ stock.left | default: 'none' }}", fetches=fetches)


def values(sku: str = "a/b&c") -> dict[str, Any]:
    return {"event": {"name": "x", "properties": {"sku": sku}}, "profile": {}}


def fetcher(endpoint: Endpoint, clock: SimClock | None = None) -> Fetcher:
    return Fetcher(endpoint, clock or SimClock(MINUTE_US), lambda digest: b"")


def fetched(endpoint: Endpoint, *fetches: Fetch, sku: str = "a/b&c") -> dict[str, Any]:
    return asyncio.run(fetcher(endpoint).fetch(source(*fetches), values(sku), 0))


def test_what_came_is_seen_by_its_name() -> None:
    endpoint = Endpoint()
    found = fetched(endpoint, Fetch("stock", SKU, 300_000))
    assert found == {"stock": {"left": 3}}
    assert endpoint.asked == [(f"{URL}?sku=a%2Fb%26c", 0.3)]
    assert render(source(), {**values(), "fetched": found}, 0).text == "3"


@pytest.mark.parametrize(
    "answer",
    [
        OSError("no connection"), TimeoutError(), b"<html>", b"{", b"x" * (ANSWER_BYTES + 1), b"[" * 60_000, b"",
        b'"\xff"', b'{"left": 99999999999999999999999999}', b'{"left": 1e999}', b'{"left": NaN}', b'"\\ud800"',
        ValueError("no port"),
    ],
    ids=[
        "refused", "late", "html", "cut off", "large", "deep", "empty", "no text", "a huge number", "infinite", "no number",
        "half a letter", "no address",
    ],
)  # fmt: skip
def test_without_an_answer_the_default_stands_there(answer: bytes | Exception) -> None:
    assert fetched(Endpoint(answer), Fetch("stock", URL, default=b'{"left": 0}')) == {"stock": {"left": 0}}
    assert fetched(Endpoint(answer), Fetch("stock", URL)) == {"stock": None}


@pytest.mark.parametrize("sku", ["a b", "a\r\nHost: evil", "x" * 3000])
def test_values_make_no_other_request(sku: str) -> None:
    endpoint = Endpoint()
    raw = Fetch("stock", f"{URL}/{{{{ event.properties.sku }}}}", default=b"1")
    assert fetched(endpoint, raw, sku=sku) == {"stock": 1}
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "answer", [b'{"left": 99999999999999999999999999}', b"[" * 600 + b"]" * 600, b"null", b'"text"']
)
def test_whatever_comes_the_claim_can_be_written(answer: bytes) -> None:
    """As it is kept between asking and rendering."""
    message = source(Fetch("stock", URL, default=b'{"left": 0}'))
    claim = claimed(order("i1"), 1, 0, message)
    prepared = asyncio.run(Fetcher(Endpoint(answer), SimClock(MINUTE_US), lambda _: message.encode()).prepare(claim))
    kept = msgspec.msgpack.decode(prepared.frozen)
    assert kept["profile"] == {"first_name": "Ada"}
    assert render(message, kept, 0).text in ("0", "none")


def test_a_template_that_fails_is_no_reason_not_to_send() -> None:
    assert fetched(Endpoint(), Fetch("stock", URL + "?{{ 1 | divided_by: 0 }}", default=b"1")) == {"stock": 1}


def test_an_answer_serves_for_as_long_as_it_says() -> None:
    endpoint, clock = Endpoint(), SimClock(MINUTE_US)
    one, fetch = fetcher(endpoint, clock), Fetch("stock", URL, cache_us=MINUTE_US)

    async def ask() -> Any:
        return await one.fetch(source(fetch), values(), 0)

    async def play() -> None:
        await ask()
        endpoint.answer = b'{"left": 1}'
        assert await ask() == {"stock": {"left": 3}}
        clock.advance(MINUTE_US)
        assert await ask() == {"stock": {"left": 1}}

    asyncio.run(play())
    assert len(endpoint.asked) == 2


def test_at_the_same_moment_it_is_asked_once_and_nobody_stops_the_others() -> None:
    endpoint = Endpoint()

    async def play() -> None:
        endpoint.gate = asyncio.Event()
        one = fetcher(endpoint)
        asking = [asyncio.create_task(one.fetch(source(Fetch("stock", URL)), values(), 0)) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking[0].cancel()
        endpoint.gate.set()
        found: Sequence[Any] = await asyncio.gather(*asking, return_exceptions=True)
        assert found[1:] == [{"stock": {"left": 3}}] * 4

    asyncio.run(play())
    assert len(endpoint.asked) == 1


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    endpoint, clock = Endpoint(OSError("down")), SimClock(MINUTE_US)
    one = fetcher(endpoint, clock)

    async def play() -> None:
        for _ in range(10):
            assert await one.fetch(source(Fetch("stock", URL, default=b"0")), values(), 0) == {"stock": 0}
        assert len(endpoint.asked) == PATIENCE
        endpoint.answer = b"7"
        clock.advance(REST_US)
        assert await one.fetch(source(Fetch("stock", URL)), values(), 0) == {"stock": 7}

    asyncio.run(play())


# ---- over HTTP -------------------------------------------------------------------------------------------------------


async def served(handler: Any) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"http://shop.internal:{port}/stock"


def ask(handler: Any, *, hosts: tuple[str, ...] = ("shop.internal",), url: str = "", timeout_s: float = 5.0) -> bytes:
    async def play() -> bytes:
        runner, own = await served(handler)
        one = HttpFetch(hosts, Names(shop_internal=["127.0.0.1"]))
        try:
            return await one(url or own, timeout_s)
        finally:
            await one.close()
            await runner.cleanup()

    return asyncio.run(play())


async def good(request: web.Request) -> web.Response:
    return web.Response(text=json.dumps({"path": request.path_qs}))


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("http://169.254.169.254/secrets")


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    try:
        while True:
            await answer.write(b"x" * 16_384)
    except ConnectionError:
        return answer


async def dripping(request: web.Request) -> web.StreamResponse:
    """Blanks in front of JSON are allowed, and there is always one more."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    try:
        while True:
            await answer.write(b" ")
            await asyncio.sleep(0)
    except ConnectionError:
        return answer


async def packed(request: web.Request) -> web.Response:
    body = gzip.compress(b" " * 100_000_000 + b"1")
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def silent(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


def test_a_host_of_the_settings_may_be_private() -> None:
    assert msgspec.json.decode(ask(good)) == {"path": "/stock"}


def test_no_other_private_host_is_asked() -> None:
    with pytest.raises(OSError, match="not on the public internet"):
        ask(good, hosts=())
    for url in ("http://127.0.0.1:1/x", "http://[::1]/x", "http://169.254.169.254/x", "file:///etc/passwd"):
        with pytest.raises(OSError, match=r"public internet|begins with https"):
            ask(good, url=url)


def test_redirects_and_endless_answers_are_not_followed() -> None:
    with pytest.raises(OSError, match="answers 302"):
        ask(moved)
    with pytest.raises(OSError, match="larger than 64 KiB"):
        ask(endless)
    with pytest.raises(OSError, match="larger than 64 KiB"):
        ask(packed)


def test_nobody_waits_longer_than_the_message_says() -> None:
    with pytest.raises(OSError, match=r"did not answer within 0\.05 s"):
        ask(silent, timeout_s=50_000 / SECOND_US)
    with pytest.raises(OSError, match=r"did not answer within 0\.05 s|larger than 64 KiB"):
        ask(dripping, timeout_s=50_000 / SECOND_US)
