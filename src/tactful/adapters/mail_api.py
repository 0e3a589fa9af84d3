"""E-mail by a provider's API: one HTTP request for each mail, at most once.

None of these APIs drops repeats, so as with SMTP everything hangs on one instant: until a byte of the request is given
to a connection the provider cannot have the mail, and whatever fails may be tried again; from then on only its answer
tells. What an answer means is each provider's to say (ses.py, sendgrid.py, postmark.py, mailgun.py): certain is what it
documents. A server error without a word about the mail is not certain: providers have answered 500 and sent.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, Protocol

import aiohttp
import msgspec
from msgspec import Struct

from tactful.messages.mail import AddressError, address
from tactful.runtime.channels import Answer, ProviderSettings, Rejected, Retry, Unknown
from tactful.runtime.ports import Claimed, Clock
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

_ANSWER_BYTES = 64 * 1024
_CONNECT_S = 15.0
_KEPT_S = 4.0
"""An idle connection; most servers keep theirs for longer, so that one is hardly ever closed as we begin to write."""
_LONGEST_RETRY_AFTER_US = 6 * HOUR_US
OPERATOR_US = MINUTE_US
"""What somebody has to put right (a key, a paused account) is not asked for again at once."""
REFUSES_US = "the provider refuses us"
NO_SENSE = "the request was handed over and the answer makes no sense"


class Request(Struct, frozen=True):
    """What is sent: `form` (name, value) as multipart/form-data where the API takes that, else `body`."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    form: tuple[tuple[str, str | bytes], ...] = ()
    method: str = "POST"


class Answered(Struct, frozen=True):
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def fields(self) -> Mapping[str, Any]:
        """The answer's JSON object; empty where it is none."""
        try:
            return msgspec.json.decode(self.text, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeError):
            return {}

    @property
    def detail(self) -> str:
        return f"{self.status} {' '.join(self.text.split())}"[:500]


class Provider(Protocol):
    """What differs between providers."""

    def request(self, claim: Claimed, body: bytes) -> Awaitable[Request]:
        """Made of the bytes that the provider's writer wrote (app/delivering.py)."""
        ...

    def judge(self, answered: Answered, now_us: int) -> Answer: ...

    def look(self) -> Awaitable[Request]:
        """A harmless call that wants the same key, for `tactful doctor`."""
        ...

    def seen(self, answered: Answered) -> str:
        """What a 200 to `look` says. Raises OSError where it says that no mail can be sent."""
        ...


class MailApi:
    """The channel `email`, by a provider."""

    name = "email"
    is_repeatable = False

    def __init__(self, provider: Provider, settings: ProviderSettings, clock: Clock, slots: int = 10) -> None:
        self._provider = provider
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self.slots = slots

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        """One mail. Never raises for what the provider or the network do."""
        try:
            address(claim.address)
        except AddressError as error:
            return Rejected("bad address", str(error), suppress=True)
        progress = SimpleNamespace(is_begun=False)
        try:
            answered = await self._ask(await self._provider.request(claim, body), progress)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if progress.is_begun:
                return Unknown("the request was handed over and no answer came", _text(error))
            return Retry("the provider cannot be reached", _text(error))
        return self._provider.judge(answered, self._clock.now_us())

    async def probe(self) -> str:
        """What `tactful doctor` shows. Raises OSError with what failed."""
        try:
            answered = await self._ask(await self._provider.look(), SimpleNamespace())
        except (aiohttp.ClientError, ValueError) as error:
            raise OSError(_text(error)) from error
        finally:
            await self.close()
        if answered.status in {401, 403}:
            raise OSError(f"{self._settings.name} does not take the key: {answered.detail}")
        if answered.status != 200:
            raise OSError(answered.detail)
        return self._provider.seen(answered)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, request: Request, progress: SimpleNamespace) -> Answered:
        data: bytes | aiohttp.FormData = request.body
        if request.form:
            data = aiohttp.FormData(default_to_multipart=True)
            for name, value in request.form:
                data.add_field(name, value, filename=f"{name}.eml" if isinstance(value, bytes) else None)
        async with self._open().request(
            request.method,
            request.url,
            data=data,
            headers=request.headers,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as answer:
            shown = await answer.content.read(_ANSWER_BYTES)
            if not answer.content.at_eof():
                answer.close()  # What is beyond is not read: the connection is not used again.
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answered(answer.status, headers, shown.decode("utf-8", "replace"))

    def _open(self) -> aiohttp.ClientSession:
        # Made on the first send, since a session belongs to the loop that runs.
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(note_beginning)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.slots, keepalive_timeout=_KEPT_S, ttl_dns_cache=30),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s, sock_connect=_CONNECT_S),
                headers={"User-Agent": "tactful"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[trace],
            )
        return self._session


async def note_beginning(_session: object, context: SimpleNamespace, _sent: object) -> None:
    """For aiohttp's tracing: from here on the other side may have the request."""
    context.trace_request_ctx.is_begun = True


def judged(
    answered: Answered,
    now_us: int,
    refused: Callable[[Answered], Answer],
    *,
    certain: frozenset[int] = frozenset(),
) -> Answer:
    """What is no success, as HTTP has it (RFC 9110 15): `refused` says what a 4xx about the mail itself means, and
    `certain` are server errors by which the provider says that it took nothing."""
    status, detail = answered.status, answered.detail
    if status in {401, 402, 403, 404, 405, 407}:
        return Retry(REFUSES_US, detail, OPERATOR_US)
    if status in {408, 425, 429} or status in certain:
        return Retry("the provider asks to come again", detail, after_us(answered, now_us))
    if 400 <= status < 500:
        return refused(answered)
    if status >= 500:
        return Unknown("the provider failed, and may have taken it", detail)
    return Unknown(NO_SENSE, detail)


def after_us(answered: Answered, now_us: int) -> int:
    """How long we are asked to wait: Retry-After (seconds), or until X-RateLimit-Reset (seconds since 1970)."""
    for name, since_us in (("retry-after", 0), ("x-ratelimit-reset", now_us)):
        value = answered.headers.get(name, "")
        if value.isdecimal() and len(value) < 12:
            return min(max(int(value) * SECOND_US - since_us, 0), _LONGEST_RETRY_AFTER_US)
    return 0


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
