"""Fresh data for a message: asked of its endpoints in the moment before it is rendered (messages/fetches.py).

What is asked can be late, wrong or gone, and never keeps a message from leaving: without an answer in time its default
stands there. An endpoint that fails several times in a row is left alone for a while, so that a dead one does not cost
every message its whole patience. Messages that ask for the same at the same moment ask once.

What came is not kept with the claim: a claim is rendered once, and what is tried again is claimed, and asked, anew. The
digest of what was sent proves what it said.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.messages import source, template
from tactful.messages.fetches import Fetch
from tactful.messages.render import address_seen
from tactful.messages.source import MessageSource
from tactful.messages.template import TemplateError
from tactful.runtime.ports import Claimed, Clock
from tactful.values import SECOND_US

ANSWER_BYTES = 64 * 1024
CACHED = 2_000
"""Answers kept, the last used."""
URL_CHARS = 2_000
PATIENCE = 3
"""Failures of a host in a row, before it is left alone."""
REST_US = 10 * SECOND_US
"""Of a host, in real time; how long an answer is kept goes by the installation's clock, as the message says it."""


class Ask(Protocol):
    """Who asks (adapters/fetch.py)."""

    async def __call__(self, url: str, timeout_s: float, /) -> bytes:
        """The body of a GET of this URL. Raises OSError (TimeoutError is one) with what failed."""
        ...

    async def close(self) -> None: ...


_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(dict[str, Any])
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class _Host(Struct):
    failures: int = 0
    rests_until: int = 0


class Fetcher:
    """`workspace` is what templates see by that name; `sources` is `Outbox.template`."""

    def __init__(
        self, ask: Ask, clock: Clock, sources: Callable[[str], bytes], workspace: Mapping[str, Any] | None = None
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._source: Callable[[str], MessageSource] = lru_cache(maxsize=64)(lambda one: source.decode(sources(one)))
        self._workspace = workspace or {}
        self._answers: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._asking: dict[str, asyncio.Future[tuple[bool, Any]]] = {}
        self._hosts: dict[str, _Host] = {}

    async def prepare(self, claim: Claimed) -> Claimed:
        """Adds {"fetched": {name: value}}; the claim itself where its message asks for nothing."""
        message = self._source(claim.template) if claim.template else None
        if message is None or not message.fetches:
            return claim
        values = {"workspace": self._workspace, **_decoder.decode(claim.frozen)}
        fetched = await self.fetch(message, values, claim.claimed_at)
        return replace(claim, frozen=_encoder.encode({**_decoder.decode(claim.frozen), "fetched": fetched}))

    async def close(self) -> None:
        await self._ask.close()

    async def fetch(self, message: MessageSource, values: Mapping[str, Any], now_us: int) -> dict[str, Any]:
        """By name, what came or the default."""
        seen = address_seen(message, values)
        found = await asyncio.gather(*(self._one(fetch, seen, now_us) for fetch in message.fetches))
        return dict(zip((fetch.name for fetch in message.fetches), found, strict=True))

    async def _one(self, fetch: Fetch, seen: Mapping[str, Any], now_us: int) -> Any:
        default = msgspec.json.decode(fetch.default)
        try:
            url = _url(fetch, template.parse(fetch.url, html=False).render(seen, now_us))
        except (TemplateError, ValueError) as error:
            _log.warning("fetch %s: %s", fetch.name, error)
            return default
        is_there, value = await self._answer(fetch, url)
        return value if is_there else default

    async def _answer(self, fetch: Fetch, url: str) -> tuple[bool, Any]:
        now_us = self._clock.now_us()
        kept = self._answers.get(url)
        if fetch.cache_us and kept is not None and now_us < kept[0] + fetch.cache_us:
            self._answers.move_to_end(url)
            return True, kept[1]
        under_way = self._asking.get(url)
        if under_way is None:
            under_way = self._asking[url] = asyncio.ensure_future(self._asked(fetch, url, now_us))
            under_way.add_done_callback(lambda _: self._asking.pop(url, None))
        # One who stops waiting must not stop the others.
        return await asyncio.shield(under_way)

    async def _asked(self, fetch: Fetch, url: str, now_us: int) -> tuple[bool, Any]:
        host = self._hosts.setdefault(urlsplit(url).netloc, _Host())
        if self._clock.real_us() < host.rests_until:
            return False, None
        try:
            body = await self._ask(url, fetch.timeout_us / SECOND_US)
            if len(body) > ANSWER_BYTES:
                raise OSError(f"the answer is larger than {ANSWER_BYTES >> 10} KiB")
            value = msgspec.json.decode(body)
            _encoder.encode(value)  # What cannot be kept with the claim (a number of 26 digits) is no answer.
        except (OSError, ValueError, OverflowError, RecursionError) as error:
            host.failures += 1
            if host.failures >= PATIENCE:
                host.rests_until = self._clock.real_us() + REST_US
            _log.warning("fetch %s: %s", fetch.name, str(error) or type(error).__name__)
            return False, None
        host.failures = 0
        if fetch.cache_us:
            self._answers[url] = (now_us, value)
            self._answers.move_to_end(url)
            while len(self._answers) > CACHED:
                self._answers.popitem(last=False)
        return True, value


def _url(fetch: Fetch, rendered: str) -> str:
    """Raises ValueError where values made something else of it than the author wrote."""
    url = rendered.strip()
    if len(url) > URL_CHARS or not url.isprintable() or any(char.isspace() for char in url):
        raise ValueError("the URL is too long, or has blanks in it; put | url_encode behind its values")
    fixed = fetch.url.partition("{")[0].strip()
    if urlsplit(url)[:2] != urlsplit(fixed)[:2]:
        raise ValueError("values changed the host of the URL")
    return url
