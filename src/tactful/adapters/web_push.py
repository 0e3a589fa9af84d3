"""Web push (RFC 8030): a note encrypted for one browser (RFC 8291), signed with our key (RFC 8292), at most once.

A subscription is what the browser gave the page: an endpoint of its maker's push service, and keys. Endpoints come from
strangers, hence the same look at where they lead as at webhooks. Encryption and tokens are pywebpush's and py-vapid's
(extra `push`); requests are ours, since at most once hangs on knowing whether one was begun. A note waits at the push
service for as long as its message is valid.
"""

from base64 import urlsafe_b64encode
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from yarl import URL

from tactful.adapters.mail_api import note_beginning
from tactful.adapters.webhook import Forbidden, PublicResolver, refused_host
from tactful.errors import UsageError
from tactful.runtime.channels import Answer, Rejected, Retry, Sent, Unknown, WebPushSettings
from tactful.runtime.devices import to_each
from tactful.runtime.ports import Claimed, Clock
from tactful.values import DAY_US, HOUR_US, SECOND_US

_NOTE_BYTES = 3993
"""RFC 8291 4: what every push service takes, less what encryption adds."""
_LONGEST_TTL_US = 28 * DAY_US
_TOKEN_US = 12 * HOUR_US
"""RFC 8292 2: 24 hours at most."""
_LONGEST_RETRY_AFTER_US = 6 * HOUR_US
_ANSWER_BYTES = 4096


class WebPush:
    """The channel `web_push`. Raises UsageError without the extra, or where the key is none."""

    name = "web_push"
    is_repeatable = False

    def __init__(self, settings: WebPushSettings, clock: Clock, resolver: AbstractResolver | None = None) -> None:
        try:
            from py_vapid import Vapid02, VapidException
        except ModuleNotFoundError:
            raise UsageError('web push needs an extra: pip install "tactful[push]"') from None
        try:
            self._key = Vapid02.from_pem(settings.private_key.encode("ascii"))
        except (VapidException, ValueError, TypeError) as error:
            raise UsageError(f"the key of web push cannot be read: {error}") from None
        self._settings = settings
        self._clock = clock
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._tokens: dict[str, tuple[int, str]] = {}
        self.slots = settings.slots

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        async def one(subscription: str) -> Answer:
            return await self._send(subscription, body, claim.intent.valid_until)

        return await to_each(claim.address, one)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, subscription: str, body: bytes, valid_until: int) -> Answer:
        from pywebpush import WebPusher, WebPushException

        if len(body) > _NOTE_BYTES:
            return Rejected("too long for web push", f"{len(body)} bytes, {_NOTE_BYTES} at most")
        try:
            told: dict[str, Any] = msgspec.json.decode(subscription, type=dict[str, Any])
            sealed: bytes = WebPusher(told).encode(body, "aes128gcm")["body"]
            url = URL(str(told["endpoint"]))
            refused = refused_host(url, is_open=self._settings.allow_private, setting="[channels.web_push]")
        except (msgspec.DecodeError, WebPushException, ValueError, TypeError, KeyError, AttributeError) as error:
            return Rejected("no subscription", _text(error), suppress=True)
        if refused is not None:
            return Rejected(refused.reason, refused.detail, suppress=True)
        now_us = self._clock.now_us()
        headers = {
            "Authorization": self._token(url, now_us),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(min(max(valid_until - now_us, 0), _LONGEST_TTL_US) // SECOND_US),
            "Urgency": "normal",
        }
        progress = SimpleNamespace(is_begun=False)
        try:
            async with self._open().post(
                url, data=sealed, headers=headers, allow_redirects=False, trace_request_ctx=progress
            ) as answer:
                shown = (await answer.content.read(_ANSWER_BYTES)).decode("utf-8", "replace")
                if not answer.content.at_eof():
                    answer.close()
                return judge(answer.status, answer.headers.get("Retry-After", ""), shown)
        except Forbidden as error:
            return Rejected("not a public address", str(error), suppress=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, Forbidden):
                return Rejected("not a public address", str(error.os_error), suppress=True)
            if progress.is_begun:
                return Unknown("the request was handed over and no answer came", _text(error))
            return Retry("the push service cannot be reached", _text(error))

    def _token(self, url: URL, now_us: int) -> str:
        """One for each push service, for hours: they are told to keep what they have checked (RFC 8292 4)."""
        origin = str(url.origin())
        expires_at, token = self._tokens.get(origin, (0, ""))
        if expires_at - now_us < HOUR_US:
            expires_at = now_us + _TOKEN_US
            claims = {"aud": origin, "sub": self._settings.contact, "exp": expires_at // SECOND_US}
            token = str(self._key.sign(claims)["Authorization"])
            if len(self._tokens) >= 1000:
                self._tokens.clear()
            self._tokens[origin] = (expires_at, token)
        return token

    def _open(self) -> aiohttp.ClientSession:
        # Made on the first send, since a session belongs to the loop that runs.
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(note_beginning)
            resolver = self._resolver or aiohttp.ThreadedResolver()
            connector = aiohttp.TCPConnector(
                resolver=resolver if self._settings.allow_private else PublicResolver(resolver),
                limit=self._settings.slots,
                keepalive_timeout=4.0,
                ttl_dns_cache=30,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                headers={"User-Agent": "tactful"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[trace],
            )
        return self._session


def public_key(pem: str) -> str:
    """What a page gives to `pushManager.subscribe` as applicationServerKey."""
    key = load_pem_private_key(pem.encode("ascii"), None)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode("ascii")


def judge(status: int, retry_after: str, shown: str) -> Answer:
    """RFC 8030 5 and 7.3: 201 taken; 404 and 410, the subscription is no more; 413 too long; 429 later. 401 is a token
    that is not believed (a clock?), 403 a subscription made with another key."""
    detail = f"{status} {' '.join(shown.split())}".strip()[:500]
    if 200 <= status < 300:
        return Sent(detail)
    if status in {404, 410}:
        return Rejected("the subscription is no more", detail, suppress=True)
    if status in {408, 425, 429}:
        after_us = int(retry_after) * SECOND_US if retry_after.isdecimal() and len(retry_after) < 8 else 0
        return Retry("the push service asks to come again", detail, min(after_us, _LONGEST_RETRY_AFTER_US))
    if status == 401:
        return Retry("the push service does not believe our token", detail)
    if 400 <= status < 500:
        return Rejected("the push service refuses", detail)
    return Unknown("the push service failed, and may have taken it", detail)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
