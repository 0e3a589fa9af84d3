"""Asking an HTTP endpoint for JSON before a message is rendered (runtime/fetching.py).

Like a webhook it never reaches into networks that are not public, but for the hosts that the settings name: those of
the shop's own network. Redirects are not followed, since they would lead past the look; no more is read than is wanted.
"""

import asyncio

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tactful.adapters.webhook import PublicResolver, refused_host
from tactful.runtime.fetching import ANSWER_BYTES

SETTING = "[fetch]"
_CONNECTIONS = 32


class HttpFetch:
    """`hosts` may be private; `resolver` is the system's unless given."""

    def __init__(self, hosts: tuple[str, ...] = (), resolver: AbstractResolver | None = None) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, url: str, timeout_s: float, /) -> bytes:
        """Raises OSError with what failed."""
        parsed = URL(url)
        is_open = (parsed.host or "").lower() in self._hosts
        refused = refused_host(parsed, is_open=is_open, setting=SETTING)
        if refused is not None:
            raise OSError(refused.detail or refused.reason)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._open().get(parsed, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise OSError(f"{parsed.host} answers {answer.status}")
                body = b""
                async for chunk in answer.content.iter_chunked(16 * 1024):
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise OSError(f"the answer is larger than {ANSWER_BYTES >> 10} KiB")
                return body
        except TimeoutError:
            raise OSError(f"{parsed.host} did not answer within {timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise OSError(str(error.os_error) or f"{parsed.host}: no connection") from None
        except aiohttp.ClientError as error:
            raise OSError(f"{parsed.host}: {error}") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Made when it is first wanted, since a session belongs to the loop that runs.
        if self._session is None:
            resolver = self._resolver or aiohttp.ThreadedResolver()
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(resolver, self._hosts), limit=_CONNECTIONS, ttl_dns_cache=30
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": "tactful", "Accept": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


class _Resolver(PublicResolver):
    """Lets the hosts of the settings through, wherever they are."""

    def __init__(self, ask: AbstractResolver, hosts: frozenset[str]) -> None:
        super().__init__(ask)
        self._hosts = hosts
        self._all = ask

    async def resolve(self, host: str, *args: int, **kwargs: int) -> list[ResolveResult]:
        if host.lower() in self._hosts:
            return await self._all.resolve(host, *args, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        return await super().resolve(host, *args, **kwargs)  # type: ignore[arg-type]  # passed on as it came
