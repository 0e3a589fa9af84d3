"""Two faces on one port: tracking calls and the console. Neither is a way to the other, nor can either be talked into
taking one request for two.

As in a whole server: what is no tracking call goes through the forwarding, over a Unix socket, to the console with its
guard. Requests are written byte by byte, as no client would.
"""

import asyncio
import http.client
import json
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from urllib.parse import quote

import pytest

from tactful.adapters.bells import Door
from tactful.adapters.memory.bells import MemoryBells
from tactful.events.records import Event, decode
from tactful.events.sources import Source
from tactful.runtime.intake import Intake
from tactful.web.answers import App
from tactful.web.collect import collect_app
from tactful.web.forwarding import Forwarding, Peered
from tactful.web.serving import server
from tests.collect.edge import SetClock
from tests.web.access.browsing import PASSWORD
from tests.web.doorkeeping import Walking
from tests.web.scene import Scene, afternoon
from tests.web.serving import application

KEY = "Basic " + b64encode(b"SK:").decode()
EVENT = b'{"userId": "eve", "event": "Looked"}'
SECRET = "letter-of-marque"


class Whole:
    def __init__(self, scene: Scene, port: int, cookie: str, csrf: str) -> None:
        self.scene = scene
        self.port = port
        self.cookie = cookie
        self.csrf = csrf

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.msg.add_header("x-body", answer.read().decode("utf-8", "replace"))
        connection.close()
        return answer

    def raw(self, request: bytes) -> list[bytes]:
        """The status of each answer that comes back on the connection, until the server closes it or is silent."""
        got = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1.5) as connection:
            connection.sendall(request)
            try:
                while more := connection.recv(65_536):
                    got += more
            except TimeoutError:
                pass
            except ConnectionResetError:
                pass
        return [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]

    def kept(self) -> int:
        log = self.scene.log
        bodies = [body for partition in range(log.partitions) for _, body in log.read(partition, 0, 1 << 20)]
        return sum(isinstance(decode(body), Event) for body in bodies)


def running(app: App, listening: socket.socket, close: list[object]) -> tuple[object, Thread]:
    one = server(app, "", 0)

    async def serve() -> None:
        for each in close:
            if isinstance(each, Intake):
                each.start()
        await one.serve([listening])
        for each in close:
            await (each.stop() if isinstance(each, Intake) else each.close())  # type: ignore[attr-defined]  # a Forwarding

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    return one, thread


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    scene = afternoon()
    door = Door(tmp_path_factory.mktemp("faces") / "run", "console")
    outer = socket.create_server(("127.0.0.1", 0))
    port = outer.getsockname()[1]
    inner, news, access = application(scene, MemoryBells(), f"http://127.0.0.1:{port}", (SECRET,), Walking())
    access.redeem(access.first_link(), "ada", PASSWORD, "")
    opened = access.enter("ada", PASSWORD, "", "")
    found = access.of_sign_in(opened.secret)
    assert found is not None
    clock = SetClock()
    intake = Intake(scene.log, scene.quarantine, MemoryBells(), clock)
    forward = Forwarding(lambda: door.address)
    collect = collect_app(intake, (Source("shop", "SK", "server"),), clock, forward)
    servers = [running(Peered(inner), door.listen(), []), running(collect, outer, [forward, intake])]
    yield Whole(scene, port, f"tactful-{port}={opened.secret}", found.csrf)
    news.close()
    for one, thread in reversed(servers):
        one.should_exit = True  # type: ignore[attr-defined]  # uvicorn's
        thread.join(20)
    door.close()


def test_each_key_opens_its_own_face(whole: Whole) -> None:
    assert whole.ask("POST", "/v1/track", EVENT, Authorization=KEY).status == 200
    before = whole.kept()
    for shown in (
        {"Cookie": whole.cookie},
        {"Cookie": whole.cookie, "X_CSRF_Token": whole.csrf},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Basic " + b64encode(f"any:{SECRET}".encode()).decode()},
    ):
        for path in ("/v1/track", "/v1/batch", "/v1/identify", "/v1/consent", "/v1/import"):
            assert whole.ask("POST", path, EVENT, **shown).status == 401, (path, shown)
    assert whole.kept() == before
    for path in ("/", "/people", "/access", "/audit", "/v1/profiles", "/v1/outbox", "/metrics", "/people?format=csv"):
        for key in ({"Authorization": KEY}, {"X_Write_Key": "SK"}):
            assert whole.ask("GET", path, None, **key).status == 401, path
            assert whole.ask("GET", path, None, Cookie=whole.cookie, **key).status == 401, path
        assert whole.ask("GET", f"{path}{'&' if '?' in path else '?'}writeKey=SK").status == 401, path


@pytest.mark.parametrize(
    "path", ["/", "/people", "/access", "/signin", "/v1/profiles", "/openapi.json", "/static/x.css"]
)
def test_what_any_site_may_do_with_tracking_calls_it_may_not_with_the_console(whole: Whole, path: str) -> None:
    asked = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    for method in ("OPTIONS", "GET", "POST"):
        for shown in ({}, {"Cookie": whole.cookie}, {"Authorization": f"Bearer {SECRET}"}):
            answer = whole.ask(method, path, None, **asked, **shown)
            names = [name for name in answer.headers if name.lower().startswith("access-control-")]
            assert names == [], (method, path, names)
    assert whole.ask("OPTIONS", "/v1/track", None, **asked).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/track/../../people",
        "/v1/track/%2e%2e/profiles",
        "/v1/track%2f..%2fprofiles",
        "/v1/track/..;/profiles",
        "//people",
        "///access",
        "//evil.example/people",
        "/%2fevil.example",
        "/people%00",
        "/people%2f..%2faccess",
        "/./access",
        "/signin/../access",
        "/signin%2f..%2faccess",
        "/static/..%2f..%2faccess",
        "/static/%2e%2e/%2e%2e/access",
        "/healthz%2f..%2faccess",
        "/%61ccess",
        "/ACCESS",
        "/access%0a",
        "/access%0d%0aX-Injected:%20yes",
        "/access;x=/signin",
        "/access?/signin",
        "/access/.",
        "http://127.0.0.1/access",
        "http://evil.example/access",
        "http://evil.example/signin/../access",
        "https://user:pass@127.0.0.1/access",
        "*",
        "/v1/profiles/%2e%2e%2f%2e%2e%2faccess",
    ],
)
def test_no_spelling_of_a_path_is_a_way_around(whole: Whole, path: str) -> None:
    """Without anything shown: nothing but the way to the sign-in, or a refusal; and no header of theirs in an answer."""
    for shown in ("", f"Authorization: {KEY}\r\n", "X-Write-Key: SK\r\n"):
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{whole.port}\r\n{shown}Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", whole.port), timeout=20) as connection:
            connection.sendall(head.encode())
            got = b"".join(iter(lambda: connection.recv(65_536), b""))
        status, answer = got.split(b" ")[1], got.lower()
        assert status in (b"400", b"401", b"404", b"405", b"421", b"303"), got[:300]
        assert b"\nx-injected" not in answer and b"invite somebody" not in answer
        for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            if line.startswith(b"location:"):
                assert line.startswith(b"location: /") and not line.startswith((b"location: //", b"location: /\\")), (
                    line
                )


@pytest.mark.parametrize("limit", ["9" * 5_000, "\u0663", "-1", "", "x", "\0"])
def test_a_limit_that_is_none_breaks_nothing(whole: Whole, limit: str) -> None:
    for path in ("/v1/profiles", "/v1/outbox", "/v1/profiles/u:ada", "/v1/explain/u:ada", "/v1/responses"):
        for name in ("limit", "before", "after", "steps"):
            answer = whole.ask("GET", f"{path}?{name}={quote(limit)}", None, Authorization=f"Bearer {SECRET}")
            assert answer.status < 500, (path, name)


SMUGGLED = b"GET /access HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b" Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: y\nTransfer-Encoding: chunked\r\n",
        b"X: y\r\r\nZ: a\r\n",
        b"X\x00: y\r\n",
        b"Host: evil.example\r\n",
    ],
)
@pytest.mark.parametrize("path", [b"/v1/track", b"/signin"])
def test_one_request_is_not_taken_for_two(whole: Whole, path: bytes, head: bytes) -> None:
    """What two servers in a row could read in two ways is refused by the first, or read by both as one (RFC 9112, 11.2)."""
    body = b"0\r\n\r\n" + SMUGGLED
    line = b"POST " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + KEY.encode() + b"\r\n"
    statuses = whole.raw(line + head + b"\r\n" + body)
    assert b"200" not in statuses and b"500" not in statuses, statuses
    before = whole.ask("GET", "/access", None, Cookie=whole.cookie)
    assert before.status == 200, "the connection to the console is not out of step"
    assert whole.ask("GET", "/access").status == 401


@pytest.mark.parametrize("size", [20_000, 200_000, 2_000_000])
@pytest.mark.parametrize("path", ["/v1/track", "/signin"])
def test_heads_that_are_too_large_end_at_the_door(whole: Whole, path: str, size: int) -> None:
    for line in (f"X: {'a' * size}\r\n", "".join(f"X-{number}: a\r\n" for number in range(size // 10))):
        statuses = whole.raw(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}Content-Length: 0\r\n\r\n".encode())
        assert not {b"200", b"500"} & set(statuses), statuses
    assert whole.ask("GET", "/access", None, Cookie=whole.cookie).status == 200


def flood(whole: Whole, seconds: float, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, int]:
    """How often that was asked by eight at once, and how many answers were no answers."""
    until = time.monotonic() + seconds

    def one(_: int) -> tuple[int, int]:
        connection, count, wrong = http.client.HTTPConnection("127.0.0.1", whole.port, timeout=30), 0, 0
        while time.monotonic() < until:
            connection.request("POST" if body is not None else "GET", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            count, wrong = count + 1, wrong + (answer.status >= 500)
        connection.close()
        return count, wrong

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(one, range(8)))
    return sum(count for count, _ in counts), sum(wrong for _, wrong in counts)


@pytest.mark.parametrize("flooded", ["collect", "console"])
def test_a_flood_of_one_face_leaves_the_other_answering(whole: Whole, flooded: str) -> None:
    calls = ("/v1/track", EVENT, {"Authorization": KEY})
    pages = ("/people", None, {"Cookie": "tactful-1=nothing", "Accept": "text/html"})
    path, body, headers = calls if flooded == "collect" else pages
    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood, whole, 2.0, path, body, headers)
        answered = 0
        while not flooding.done():
            if flooded == "collect":
                assert whole.ask("GET", "/access", None, Cookie=whole.cookie).status == 200
            else:
                assert whole.ask("POST", "/v1/track", EVENT, Authorization=KEY).status == 200
            answered += 1
        count, wrong = flooding.result()
    assert count > 50 and wrong == 0
    assert answered > 3
    told = json.loads(whole.ask("GET", "/v1/profiles", None, Authorization=f"Bearer {SECRET}").headers["x-body"])
    assert "code" not in told
