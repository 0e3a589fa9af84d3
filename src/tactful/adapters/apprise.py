"""SMS, chat and app push by Apprise, which speaks to some hundred services (extra `push`; https://github.com/caronc/apprise).

A service is one URL with {address} in it. Apprise says yes or no and not why, and a no may be a mail that went out and
an answer that did not come; so its HTTP requests are looked at as they pass (they all go through one method of
`requests`), and an answer is Retry only where every one of them certainly failed. Services that speak no HTTP say no
without a reason: then somebody has to look. Plugins block, so each send has a thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import cache
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from tactful.errors import UsageError
from tactful.messages import note
from tactful.messages.note import Note
from tactful.runtime.channels import Answer, AppriseSettings, Rejected, Retry, Sent, Unknown
from tactful.runtime.devices import to_each
from tactful.runtime.ports import Claimed
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

_CONNECT_S, _READ_S = 10.0, 30.0
_LONGEST_RETRY_AFTER_US = 6 * HOUR_US
_SHOWN_CHARS = 400
_GONE = ("UNREGISTERED", "BadDeviceToken", "Unregistered")
"""How FCM and APNs say that a device's token will never work again."""


class _Seen(Struct, frozen=True):
    """One request: its answer's status, or 0 with whether it certainly did not reach the service."""

    status: int
    is_lost: bool = False
    retry_after: str = ""
    shown: str = ""


_seen: ContextVar[list[_Seen] | None] = ContextVar("seen", default=None)


class Apprise:
    """The channel `sms`, `chat` or `push`. Raises UsageError where Apprise is not there, or does not know the URL."""

    is_repeatable = False

    def __init__(self, settings: AppriseSettings) -> None:
        self.name = settings.channel
        self.slots = settings.slots
        self._url = settings.url
        _watch_requests()
        try:
            _service(self._url, "+15550100")
        except TypeError as error:
            raise UsageError(f"[channels.{self.name}] url: Apprise cannot use it ({error})") from None
        self._threads = ThreadPoolExecutor(settings.slots, thread_name_prefix=settings.channel)

    @property
    def service(self) -> str:
        """What it is called: "Twilio"."""
        return str(_service(self._url, "+15550100").service_name)

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        message = note.decode(body)

        async def one(address: str) -> Answer:
            work = copy_context().run
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, self._send, message, address)

        return await to_each(claim.address, one)

    async def close(self) -> None:
        self._threads.shutdown(wait=False)

    def _send(self, message: Note, address: str) -> Answer:
        seen: list[_Seen] = []
        _seen.set(seen)
        try:
            service = _service(self._url, address)
        except TypeError as error:
            return Rejected("the service takes no such address", str(error))
        text = message.text
        if message.url and message.url not in text:
            text = f"{text}\n{message.url}"
        return judge(bool(service.notify(body=text, title=message.title)), seen)


def judge(is_good: bool, seen: list[_Seen]) -> Answer:
    """What became of one message, by what was seen of its requests."""
    last = seen[-1] if seen else _Seen(0)
    detail = f"{last.status} {last.shown}".strip() if last.status else last.shown
    if is_good:
        return Sent(detail)
    if not seen:
        return Unknown("the service said no, and not why")
    if not all(one.is_lost or 400 <= one.status < 500 for one in seen[:-1]):
        # Something was done before; what then failed must not be done again.
        return Rejected("refused in part", detail) if 400 <= last.status < 500 else Unknown("done in part", detail)
    if last.is_lost:
        return Retry("the service cannot be reached", detail)
    if last.status in {408, 425, 429}:
        return Retry("the service asks to come again", detail, _after_us(last.retry_after))
    if last.status in {401, 402, 403, 407}:
        return Retry("the service refuses us", detail, MINUTE_US)
    if 400 <= last.status < 500:
        return Rejected("the service refuses", detail, suppress=any(word in last.shown for word in _GONE))
    return Unknown("the service failed, and may have taken it", detail)


def _after_us(text: str) -> int:
    return min(int(text) * SECOND_US, _LONGEST_RETRY_AFTER_US) if text.isdecimal() and len(text) < 8 else 0


def _service(url: str, address: str) -> Any:
    """Raises TypeError where the service cannot be used with this URL and address; UsageError without Apprise."""
    try:
        import apprise
    except ModuleNotFoundError:
        raise UsageError('SMS, chat and push need an extra: pip install "tactful[push]"') from None
    asset = apprise.AppriseAsset(async_mode=False)
    whole = url.replace("{address}", quote(address, safe=""))
    service = apprise.Apprise.instantiate(whole, asset=asset, suppress_exceptions=False)
    if service is None:
        raise TypeError("no service is known by this URL")
    service.socket_connect_timeout, service.socket_read_timeout = _CONNECT_S, _READ_S
    return service


@cache
def _watch_requests() -> None:
    """Once: requests made for a message are noted; all others pass unseen."""
    try:
        import requests
    except ModuleNotFoundError:
        raise UsageError('SMS, chat and push need an extra: pip install "tactful[push]"') from None
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    pass_on: Callable[..., Any] = requests.adapters.HTTPAdapter.send

    def send(adapter: Any, request: Any, *arguments: Any, **options: Any) -> Any:
        seen = _seen.get()
        if seen is None:
            return pass_on(adapter, request, *arguments, **options)
        try:
            answer = pass_on(adapter, request, *arguments, **options)
        except requests.exceptions.SSLError as error:
            seen.append(_Seen(0, is_lost=True, shown=_text(error)))
            raise
        except requests.RequestException as error:
            reason = getattr(error.args[0], "reason", None) if error.args else None
            is_lost = isinstance(reason, NewConnectionError | ConnectTimeoutError)
            seen.append(_Seen(0, is_lost=is_lost, shown=_text(error)))
            raise
        shown = " ".join(answer.text.split())[:_SHOWN_CHARS]
        seen.append(_Seen(answer.status_code, retry_after=answer.headers.get("Retry-After", ""), shown=shown))
        return answer

    setattr(requests.adapters.HTTPAdapter, "send", send)  # noqa: B010 - on purpose, and for the whole process


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_SHOWN_CHARS]
