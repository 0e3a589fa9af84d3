"""A collect edge on a real server, behind a relay that does to real connections what networks and proxies do.

The relay answers 503 or 429 by itself, or drops the connection before the request has reached the server, or after the
server has committed and answered, so that the client cannot know. Faults are given in advance, one a POST request.
"""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import uvicorn

from tactful.adapters.sqlite.log import SqliteLog
from tactful.events.records import Event, decode
from tactful.runtime.intake import Intake
from tactful.web.collect import collect_app
from tests.collect.edge import Edge, elsewhere

FAULTS = ("503", "429", "drop before", "drop after", "500")
_BODY = b'{"code":"unavailable","message":"planted"}'
_CORS = b"access-control-allow-origin: *\r\naccess-control-expose-headers: Retry-After\r\n"
_ANSWERS = {
    "503": b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n",
    "429": b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\n",
    "500": b"HTTP/1.1 500 Internal Server Error\r\n",
}


class WatchedLog:
    """The log, and what was appended through it, to wait on."""

    def __init__(self, log: SqliteLog) -> None:
        self.partitions = log.partitions
        self._log = log
        self._events: list[Event] = []
        self._grown = threading.Condition()

    def append(self, records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        firsts = self._log.append(records)
        with self._grown:
            decoded = [decode(body) for bodies in records.values() for body in bodies]
            self._events += [record for record in decoded if isinstance(record, Event)]
            self._grown.notify_all()
        return firsts

    def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        return self._log.read(partition, after, limit)

    def end(self, partition: int) -> int:
        return self._log.end(partition)

    def start(self, partition: int) -> int:
        return self._log.start(partition)

    def trim(self, before_us: int, keep_after: Mapping[int, int]) -> int:
        return self._log.trim(before_us, keep_after)

    def wait_for(self, is_enough: Callable[[list[Event]], bool]) -> None:
        """Return when it is; at most half a minute."""
        with self._grown:
            is_there = self._grown.wait_for(lambda: is_enough(self._events), 30)
        assert is_there, f"only these arrived: {[event.name for event in self._events]}"


class Relay:
    """Passes requests on one by one, a connection each; `planned` faults hit the first POSTs."""

    def __init__(self, upstream: int, planned: Sequence[str]) -> None:
        self.upstream = upstream
        self.planned = deque(planned)
        self.struck: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._relay(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # A client that hangs up, which is its right.
        finally:
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        fault = ""
        if head.startswith(b"POST /v1/") and not head.startswith(b"POST /v1/m ") and self.planned:
            fault = self.planned.popleft()
            self.struck.append(fault)
        if fault == "drop before":
            return
        body = await self._body(head, reader, writer)
        if fault in _ANSWERS:
            rest = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
            writer.write(_ANSWERS[fault] + _CORS + rest + _BODY)
            await writer.drain()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        back.write(_closing(head) + body)
        answer = await there.read()
        back.close()
        if fault != "drop after":
            writer.write(answer)
            await writer.drain()

    async def _body(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        if fields.get(b"expect") == b"100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fields.get(b"transfer-encoding") == b"chunked":
            return await reader.readuntil(b"\r\n0\r\n\r\n")
        return await reader.readexactly(int(fields.get(b"content-length", b"0")))


def _closing(head: bytes) -> bytes:
    """The head with `Connection: close`, so that the answer ends with the connection."""
    lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"connection: close"]) + b"\r\n\r\n"


@contextmanager
def served(edge: Edge, planned: Sequence[str] = ()) -> Iterator[tuple[str, Relay]]:
    """The address of a relay in front of a uvicorn that serves the edge, and the relay."""
    upstream = socket.create_server(("127.0.0.1", 0))
    relay = Relay(upstream.getsockname()[1], planned)
    front = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    stopping: list[tuple[asyncio.AbstractEventLoop, uvicorn.Server]] = []

    async def main() -> None:
        assert edge.log is not None
        intake = Intake(edge.log, edge.quarantine, edge.bells, edge.clock, edge.bounds)
        intake.start()
        app = collect_app(intake, edge.sources, edge.clock, elsewhere)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False))
        relaying = await asyncio.start_server(relay.serve, sock=front, limit=8 * 1024 * 1024)
        stopping.append((asyncio.get_running_loop(), server))
        ready.set()
        await server.serve([upstream])
        relaying.close()
        await intake.stop()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10), "the server did not start"
    try:
        yield f"http://127.0.0.1:{front.getsockname()[1]}", relay
    finally:
        loop, server = stopping[0]
        loop.call_soon_threadsafe(setattr, server, "should_exit", True)
        thread.join(20)
