"""From the process that takes calls to the console: everything arrives as it was said, and nothing that was not."""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tactful.adapters.bells import Door
from tactful.web import forwarding
from tactful.web.answers import App
from tactful.web.forwarding import Forwarding, Peered

left = Event()


async def told(request: Request) -> Response:
    client = request.client
    return JSONResponse(
        {
            "method": request.method,
            "raw": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "client": client.host if client is not None else None,
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": (await request.body()).decode(),
        },
        201,
        {"Set-Cookie": "a=1", "X-Twice": "one"},
    )


async def stream(request: Request) -> Response:
    async def lines() -> AsyncIterator[str]:
        try:
            yield "data: changed\n\n"
            await asyncio.Event().wait()
        finally:
            left.set()

    return StreamingResponse(lines())


async def packed(request: Request) -> Response:
    return Response(b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})


async def away(request: Request) -> Response:
    return Response(status_code=303, headers={"Location": "/elsewhere"})


INNER = Starlette(
    routes=[
        Route("/stream", stream),
        Route("/packed", packed),
        Route("/away", away),
        Route("/{rest:path}", told, methods=["GET", "POST", "PATCH"]),
    ]
)


@contextmanager
def running(app: App, listening: socket.socket, close: Callable[[], Awaitable[None]] | None = None) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1))

    async def serve() -> None:
        await server.serve(sockets=[listening])
        if close is not None:
            await close()

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    door = Door(tmp_path / "run", "console")
    outer = socket.create_server(("127.0.0.1", 0))
    forward = Forwarding(lambda: door.address)
    with running(Peered(INNER), door.listen()), running(forward, outer, forward.close):
        yield outer.getsockname()[1]
    door.close()


class Reply(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Reply(answer.status, answer.msg, answer.read())
    finally:
        connection.close()


def test_a_request_arrives_as_it_was_sent(port: int) -> None:
    answer = ask(port, "POST", "/people/u:ada%2F1?q=a%20b&q=c", b"name=x", content_type="text/plain", cookie="s=1")
    said = json.loads(answer.body)
    assert answer.status == 201
    assert (said["method"], said["raw"], said["query"], said["body"]) == (
        "POST", "/people/u:ada%2F1", "q=a%20b&q=c", "name=x",
    )  # fmt: skip
    named = dict(said["headers"])
    assert named["host"] == f"127.0.0.1:{port}"
    assert named["cookie"] == "s=1"
    assert named["content-type"] == "text/plain"
    assert answer.headers.get("Set-Cookie") == "a=1"


def test_who_called_is_said_by_us_and_not_by_the_caller(port: int) -> None:
    said = json.loads(ask(port, "GET", "/x", x_tactful_peer="10.0.0.1").body)
    assert said["client"] == "127.0.0.1"
    assert forwarding.PEER not in dict(said["headers"])


def test_what_a_proxy_leaves_stays_to_be_seen(port: int) -> None:
    said = json.loads(ask(port, "GET", "/x", x_forwarded_for="10.0.0.1", forwarded="for=10.0.0.1").body)
    named = dict(said["headers"])
    assert named["x-forwarded-for"] == "10.0.0.1"
    assert named["forwarded"] == "for=10.0.0.1"


def test_redirects_and_packed_answers_are_handed_back_untouched(port: int) -> None:
    away = ask(port, "GET", "/away")
    assert (away.status, away.headers.get("Location")) == (303, "/elsewhere")
    packed = ask(port, "GET", "/packed")
    assert (packed.headers.get("Content-Encoding"), packed.body) == ("gzip", b"\x1f\x8bnot really")


def test_a_stream_ends_behind_us_when_its_reader_goes(port: int) -> None:
    left.clear()
    with socket.create_connection(("127.0.0.1", port)) as reader:
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reader.recv(1024).startswith(b"HTTP/1.1 200")
    assert left.wait(20), "the console goes on writing to nobody"


def test_an_answer_is_given_to_a_body_that_is_too_large(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "BODY_BYTES", 1000)
    answer = ask(port, "POST", "/x", b"x" * 1001)
    assert answer.status == 413
    assert b"1,000" in answer.body


def test_a_body_that_does_not_come_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "BODY_S", 0.05)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        slow.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert slow.recv(1024).startswith(b"HTTP/1.1 408")


def test_more_than_so_many_at_once_are_told_to_come_back(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "MOST", 1)
    with socket.create_connection(("127.0.0.1", port)) as reader:
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reader.recv(1024).startswith(b"HTTP/1.1 200")
        answer = ask(port, "GET", "/x")
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "2")


def test_while_there_is_no_console_the_answer_is_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "_TRIES", 1)
    door = Door(tmp_path / "run", "console")
    outer = socket.create_server(("127.0.0.1", 0))
    forward = Forwarding(lambda: door.address)
    with running(forward, outer, forward.close):
        answer = ask(outer.getsockname()[1], "GET", "/x")
        assert answer.status == 503
        assert json.loads(answer.body)["code"] == "starting"
    door.close()


def test_the_door_is_for_our_own_user(tmp_path: Path) -> None:
    door = Door(tmp_path / ("deep" * 40) / "run", "console")
    with door.listen():
        found = tmp_path / ("deep" * 40) / "run" / "console.door"
        assert found.stat().st_mode & 0o777 == 0o600
    door.close()


# ---- the console ends ----------------------------------------------------------------------------------------------


class Dying:
    """A console by hand: how its first connections end is said; to later ones it answers."""

    def __init__(self, door: Door, *ends: bytes) -> None:
        self.asked: list[bytes] = []
        self._listening, self._ends = door.listen(), list(ends)
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthere"
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(65_536))
                connection.sendall(self._ends.pop(0) if self._ends else whole)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@contextmanager
def dying(folder: Path, *ends: bytes) -> Iterator[tuple[int, Dying]]:
    door = Door(folder / "run", "console")
    outer = socket.create_server(("127.0.0.1", 0))
    forward = Forwarding(lambda: door.address)
    console = Dying(door, *ends)
    with running(forward, outer, forward.close):
        yield outer.getsockname()[1], console
    console.close()
    door.close()


def test_who_looks_while_the_console_ends_is_shown_what_its_successor_says(tmp_path: Path) -> None:
    with dying(tmp_path, b"", b"HTTP/1.1 200 OK\r\nContent-") as (port, console):
        answer = ask(port, "GET", "/x")
        assert (answer.status, answer.body) == (200, b"there")
        assert len(console.asked) == 3


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_what_was_sent_while_the_console_ended_is_not_sent_again(tmp_path: Path, accept: str) -> None:
    with dying(tmp_path, b"") as (port, console):
        answer = ask(port, "POST", "/x", b"a=1", accept=accept)
        assert answer.status == 502
        assert b"may have happened" in answer.body
        assert len(console.asked) == 1
        assert (answer.headers["Content-Type"] == "application/json") == (accept != "text/html")
        assert ask(port, "POST", "/x", b"a=1").status == 200


def test_half_an_answer_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    with dying(tmp_path, chunked) as (port, _), pytest.raises(http.client.HTTPException):
        ask(port, "GET", "/x")


def test_a_stream_of_news_ends_in_order(tmp_path: Path) -> None:
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n:\r\n"
    with dying(tmp_path, stream) as (port, _):
        assert ask(port, "GET", "/news").body == b":"


def test_a_page_says_that_the_console_is_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "_TRIES", 1)
    door = Door(tmp_path / "run", "console")
    outer = socket.create_server(("127.0.0.1", 0))
    forward = Forwarding(lambda: door.address)
    with running(forward, outer, forward.close):
        port = outer.getsockname()[1]
        looked, sent = (ask(port, method, "/x", accept="text/html,*/*") for method in ("GET", "POST"))
    door.close()
    assert (looked.status, sent.status) == (503, 503)
    assert b"comes back by itself" in looked.body and b'http-equiv="refresh"' in looked.body
    assert b"Nothing was changed" in sent.body and b"refresh" not in sent.body
