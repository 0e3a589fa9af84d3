"""Webhooks: a signed POST, at least once, and never into networks that a stranger's URL should not reach.

A host is resolved once; every address it has is looked at, and the connection goes to exactly one of those that were
looked at, with the URL's own Host and server name, so that a name cannot change its mind between the look and the
connection. Redirects are not followed, since they would lead past the look.
"""

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tactful.messages import call
from tactful.runtime.channels import Answer, Rejected, Retry, Sent, WebhookSettings
from tactful.runtime.ports import Claimed, Clock
from tactful.values import HOUR_US, SECOND_US

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LATER = frozenset({408, 409, 423, 425, 429})
_LONGEST_RETRY_AFTER_US = 6 * HOUR_US


class Forbidden(OSError):
    """The URL leads into a network that is not public."""


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet; addresses that carry another one inside are looked into."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class PublicResolver(AbstractResolver):
    """Asks another resolver, and lets nothing through where one of the addresses is not public."""

    def __init__(self, ask: AbstractResolver) -> None:
        self._ask = ask

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._ask.resolve(host, port, family)
        inside = [result["host"] for result in found if not is_public(result["host"])]
        if inside:
            raise Forbidden(
                f"{host} is {inside[0]}, which is not on the public internet ([channels.webhook] allow_private)"
            )
        return found

    async def close(self) -> None:
        await self._ask.close()


class Webhook:
    """The channel `webhook`. `resolver` is the system's unless given."""

    name = "webhook"
    is_repeatable = True

    def __init__(self, settings: WebhookSettings, clock: Clock, resolver: AbstractResolver | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self.slots = settings.slots

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        url = claim.address
        refused = self._look_at(url)
        if refused is not None:
            return refused
        headers = call.headers(self._settings.secrets, claim.intent.intent, body, self._clock.now_us())
        try:
            async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                shown = (await answer.content.read(self._settings.answer_bytes)).decode("utf-8", "replace")
                # What is beyond is not read: the connection is not used again.
                if not answer.content.at_eof():
                    answer.close()
                return judge(answer.status, answer.headers.get("Retry-After", ""), shown)
        except Forbidden as error:
            return Rejected("not a public address", str(error))
        except (aiohttp.InvalidURL, ValueError) as error:
            return Rejected("no URL", f"{type(error).__name__}: {error}")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Forbidden):
                return Rejected("not a public address", str(error.os_error))
            return Retry("no connection", _text(error))
        except (aiohttp.ClientError, OSError) as error:
            return Retry("no answer", _text(error))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Made on the first send, since a session belongs to the loop that runs.
        if self._session is None:
            resolver = self._resolver or aiohttp.ThreadedResolver()
            connector = aiohttp.TCPConnector(
                resolver=resolver if self._settings.allow_private else PublicResolver(resolver),
                limit=self._settings.slots,
                ttl_dns_cache=30,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                headers={"User-Agent": "tactful"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    def _look_at(self, url: str) -> Rejected | None:
        """What the resolver will not see: other schemes, and addresses written as numbers."""
        try:
            parsed = URL(url)
        except ValueError as error:
            return Rejected("no URL", str(error))
        return refused_host(parsed, is_open=self._settings.allow_private, setting="[channels.webhook]")


def refused_host(url: URL, *, is_open: bool, setting: str) -> Rejected | None:
    """What may not be called: other schemes, and addresses written as numbers that are not public; names are looked at
    when they are resolved."""
    host = url.host
    if url.scheme not in {"http", "https"} or not host:
        return Rejected("no URL", "a URL to call begins with https:// (or http://) and names a host")
    if is_open or not _is_number(host) or is_public(host):
        return None
    return Rejected("not a public address", f"{host} is not on the public internet ({setting} allow_private)")


def judge(status: int, retry_after: str, shown: str) -> Answer:
    """2xx: taken. 429, 5xx and their like: later. 3xx, 410 and other 4xx: never."""
    detail = f"{status} {' '.join(shown.split())}"[:500]
    if 200 <= status < 300:
        return Sent(detail)
    if status in _LATER or status >= 500:
        after_us = int(retry_after) * SECOND_US if retry_after.isdecimal() and len(retry_after) < 8 else 0
        return Retry("the receiver asks to come again", detail, min(after_us, _LONGEST_RETRY_AFTER_US))
    if 300 <= status < 400:
        return Rejected("redirects are not followed", detail)
    return Rejected("the receiver refuses", detail)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
