"""The network: requests and answers as values, sent over real connections, and the server's time.

Whoever drives the shoppers may put another network in its place, as the tests do. What a client of the tracking API has
to do stands here: the same call again, with the same messageId, until it is taken.
"""

import asyncio
from email.utils import parsedate_to_datetime
from typing import Protocol

import aiohttp
import msgspec
from msgspec import Struct

from tactful.errors import TransientError, UsageError
from tactful.values import SECOND_US

PATIENCE_S = 30.0
TRIES = 40
"""Of a call that the server cannot take now; a second or what it asks for lies between two."""


class Request(Struct, frozen=True):
    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Answer(Struct, frozen=True):
    status: int
    body: bytes
    headers: dict[str, str]
    """Names in small letters."""


class Network(Protocol):
    async def ask(self, request: Request) -> Answer:
        """Raises OSError (or a subclass) where the server is away."""
        ...

    def steady_us(self) -> int:
        """Microseconds of a clock that only goes on."""
        ...

    async def pause(self, seconds: float) -> None:
        """Before the same call is tried again."""
        ...


class Wire:
    """Real connections to one server, kept open."""

    def __init__(self, url: str, connections: int) -> None:
        self._url = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
            auto_decompress=True,
        )

    async def ask(self, request: Request) -> Answer:
        headers = dict(request.headers)
        try:
            async with self._session.request(
                request.method, self._url + request.path, data=request.body, headers=headers, allow_redirects=False
            ) as answer:
                said = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status, await answer.read(), said)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OSError(str(error) or type(error).__name__) from error

    def steady_us(self) -> int:
        return int(asyncio.get_running_loop().time() * SECOND_US)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._session.close()


async def insist(network: Network, request: Request) -> Answer:
    """Ask until it is taken. Raises TransientError where the server stays away, UsageError where it refuses the call:
    the key or the token is wrong."""
    why = ""
    for _ in range(TRIES):
        pause_s = 1.0
        try:
            answer = await network.ask(request)
        except OSError as error:
            why = str(error)
        else:
            if answer.status in (401, 403):
                raise UsageError(f"the server refuses {request.path}: {_message(answer)}")
            if answer.status < 500 and answer.status != 429:
                return answer
            why = f"{answer.status} {_message(answer)}"
            pause_s = float(answer.headers.get("retry-after", "1"))
        await network.pause(pause_s)
    raise TransientError(f"{request.path}: the server takes nothing ({why}); is it running?")


def _message(answer: Answer) -> str:
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return f"status {answer.status}"
    return str(said.get("message", said)) if isinstance(said, dict) else f"status {answer.status}"


class Times:
    """The server's time, worked out between two looks at it: it may run faster than ours."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._at_us = 0
        self._steady_us = 0
        self.speed = 1.0

    async def look(self) -> int:
        """Ask the server. Raises TransientError or UsageError as `insist`."""
        before = self._network.steady_us()
        answer = await insist(self._network, Request("GET", "/v1/clock"))
        after = self._network.steady_us()
        self._steady_us = (before + after) // 2
        if answer.status == 200:
            said = msgspec.json.decode(answer.body, type=dict[str, object])
            self._at_us, self.speed = int(str(said["now_us"])), float(str(said.get("speed", 1)))
        elif date := answer.headers.get("date"):  # A server that says nothing of its clock has the world's.
            self._at_us = int(parsedate_to_datetime(date).timestamp() * SECOND_US)
        else:
            raise UsageError("the server says neither GET /v1/clock nor a Date: is it Tactful?")
        return self.now_us()

    def now_us(self) -> int:
        return self._at_us + int((self._network.steady_us() - self._steady_us) * self.speed)
