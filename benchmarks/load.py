"""The load: calls of about 600 bytes as server libraries send them, users by Zipf's law, and clients that send them."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

PROFILES = 1_000_000
NAMES = ("Product Viewed", "Product Added", "Order Completed", "Cart Viewed", "Products Searched", "$page")
WEIGHTS = (50, 10, 3, 5, 7, 25)
Call = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def user(draw: random.Random, profiles: int = PROFILES) -> str:
    """The n-th most active of a million comes with a frequency of 1/n."""
    return f"user-{int(profiles ** draw.random())}"


def call(draw: random.Random, who: str, at: datetime, name: str | None = None) -> Call:
    """One event; `at` is when it happened."""
    name = name or draw.choices(NAMES, WEIGHTS)[0]
    product = draw.randrange(10_000)
    kind = {"type": "page", "name": "Product"} if name == "$page" else {"type": "track", "event": name}
    return {
        **kind,
        "messageId": f"{draw.getrandbits(128):032x}",
        "userId": who,
        "anonymousId": None,
        "timestamp": at.isoformat(),
        "integrations": {},
        "properties": {
            "product_id": f"SKU-{product}",
            "name": f"Kettle No. {product}",
            "price": round(draw.uniform(1, 200), 2),
            "quantity": draw.randrange(1, 5),
            "category": "kettles",
            "url": f"https://shop.example.test/products/{product}",
        },
        "context": {
            "ip": "203.0.113.7",
            "locale": "pt-PT",
            "timezone": "Europe/Lisbon",
            "page": {"path": f"/products/{product}", "title": "Kettles"},
            "library": {"name": "analytics-python", "version": "2.4.0"},
        },
    }


def now() -> datetime:
    return datetime.now(UTC)


def calls(seed: int, number: int, profiles: int = PROFILES) -> Iterator[Call]:
    draw = random.Random(seed)
    at = now()
    for _ in range(number):
        yield call(draw, user(draw, profiles), at)


def request(path: str, content: object) -> bytes:
    body = _encode(content)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YmVuY2g6\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def batches(events: Sequence[Call], size: int = 100) -> list[bytes]:
    """Requests; what they say happened when they were built counts as happening when they are sent."""
    return [
        request("/v1/batch", {"batch": events[at : at + size], "sentAt": events[at]["timestamp"]})
        for at in range(0, len(events), size)
    ]


class Client(asyncio.Protocol):
    """One connection: sends a request of `take` when the last one is answered, until there is none."""

    def __init__(self, take: Callable[[], bytes | None], done: Callable[["Client"], None]) -> None:
        self.take = take
        self.done = done
        self.latencies: list[float] = []
        self.failures = 0
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class, which does not say so
        self.send()

    def send(self) -> None:
        taken = self.take()
        if taken is None:
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(taken)

    def data_received(self, data: bytes) -> None:
        if not data.endswith(b"}"):
            return
        self.latencies.append(time.perf_counter() - self.sent_at)
        self.failures += b'"success":true' not in data
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self.done(self)


async def send_all(port: int, requests: Sequence[bytes], connections: int = 16) -> list[float]:
    """As fast as they are taken; latencies in seconds, ascending."""
    waiting = iter(requests)
    loop = asyncio.get_running_loop()
    left: asyncio.Queue[Client] = asyncio.Queue()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(lambda: next(waiting, None), left.put_nowait), "127.0.0.1", port)
    clients = [await left.get() for _ in range(connections)]
    assert not any(client.failures for client in clients), "not every call was accepted"
    return sorted(latency for client in clients for latency in client.latencies)


class Pacer:
    """One connection that sends at given instants, and never waits for the answer before."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def send(self, requests: Sequence[tuple[float, Callable[[], bytes]]]) -> list[float]:
        """(time.monotonic() instant, request) in order; each is built when it is sent. Returns the seconds from each
        instant until the answer, so that a wait in the line counts."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(_answers(reader, [at for at, _ in requests]))
            for at, build in requests:
                wait_s = at - time.monotonic()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                writer.write(build())
        writer.close()
        return answering.result()


async def _answers(reader: asyncio.StreamReader, instants: Sequence[float]) -> list[float]:
    taken = []
    for at in instants:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        taken.append(time.monotonic() - at)
    return taken
