"""Who may see the pages: this machine, addressed by its own name, only to look; or whoever has the token."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from tactful.adapters.memory.office import MemoryOffice
from tactful.web.guard import Guard
from tests.contracts.values import HandClock
from tests.web.doorkeeping import doorkeeper

TOKEN = "let-me-in-é"


def ask(
    host: str = "127.0.0.1:8080",
    client: str | None = "127.0.0.1",
    method: str = "GET",
    path: str = "/",
    tokens: tuple[str, ...] = (TOKEN,),
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> int:
    """The status of one request."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [
        (name.replace("_", "-").lower().encode(), value.encode()) for name, value in {**(headers or {}), **more}.items()
    ]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host.encode()), *raw],
        "client": (client, 50000) if client is not None else None,
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "http_version": "1.1",
    }
    doorman = doorkeeper(MemoryOffice(), HandClock(), *tokens)
    asyncio.run(Guard(PlainTextResponse("hello"), doorman, ("/healthz",))(scope, receive, send))
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "localhost.:8080"])
def test_this_machine_may_look(host: str) -> None:
    assert ask(host) == 200
    assert ask(host, tokens=()) == 200
    assert ask(host, client="::1") == 200
    assert ask(host, client="::ffff:127.0.0.1") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "192.168.1.7:8080",
        "localhost@evil.example",
    ],
)
def test_a_name_that_was_bent_to_this_machine_is_refused(host: str) -> None:
    assert ask(host) == 403


def test_another_key_makes_nobody_a_neighbour() -> None:
    write_key = "Basic " + b64encode(b"write-key:").decode()
    assert ask(authorization=write_key) == 401
    assert ask(authorization="Bearer write-key") == 401
    assert ask(x_write_key="write-key") == 401
    assert ask(authorization=write_key, tokens=()) == 403


@pytest.mark.parametrize("client", ["192.168.1.20", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "unix", "", None])
def test_others_need_the_token(client: str | None) -> None:
    assert ask(client=client) == 401
    assert ask(client=client, tokens=()) == 403
    assert ask(client=client, authorization=f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize(
    "header", ["x_forwarded_for", "forwarded", "x_real_ip", "via", "x_forwarded_host", "x_forwarded_proto"]
)
def test_behind_a_proxy_everybody_would_be_this_machine(header: str) -> None:
    forwarded = {header: "203.0.113.9"}
    assert ask(headers=forwarded) == 401
    assert ask(headers={**forwarded, "authorization": f"Bearer {TOKEN}"}) == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "file://",
        "http://[",
        "http://user@evil.example:80",
    ],
)
def test_another_site_is_refused(origin: str) -> None:
    assert ask(origin=origin) == 403


def test_our_own_page_is_not_another_site() -> None:
    assert ask(origin="http://127.0.0.1:8080") == 200
    assert ask(origin="http://localhost:8080", sec_fetch_site="same-origin", sec_fetch_mode="cors") == 200


def test_a_link_from_elsewhere_may_lead_here_but_nothing_is_embedded() -> None:
    assert ask(sec_fetch_site="cross-site", sec_fetch_mode="navigate") == 200
    assert ask(sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_wants_the_token_always(method: str) -> None:
    assert ask(method=method) == 401
    assert ask(method=method, authorization=f"Bearer {TOKEN}") == 200


def test_the_token_is_also_a_password_of_a_browser() -> None:
    for name in ("admin", "", "no:colon"):
        basic = b64encode(f"{name.replace(':', '')}:{TOKEN}".encode()).decode()
        assert ask(client="10.0.0.1", authorization=f"Basic {basic}") == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        "",
        "Basic",
        "Basic !!!",
        f"Basic {b64encode(b'x:wrong').decode()}",
        f"Basic {b64encode(b'nocolon').decode()}",
        f"Digest {TOKEN}",
        TOKEN,
    ],
)
def test_anything_else_is_no_token(authorization: str) -> None:
    assert ask(client="10.0.0.1", authorization=authorization) == 401
    assert ask(client="10.0.0.1", authorization=authorization, tokens=("",)) == 403


def test_each_of_several_tokens_will_do() -> None:
    assert ask(client="10.0.0.1", tokens=("a", "b"), authorization="Bearer b") == 200


def test_probes_are_open() -> None:
    assert ask(client="10.0.0.1", path="/healthz", host="anything") == 200
    assert ask(client="10.0.0.1", path="/healthz/..", host="anything") == 401
