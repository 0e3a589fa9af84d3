"""The door of a whole `tactful up`: the printed link, what is behind collect, and each face kept from the other."""

import re
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from tactful.adapters import standing
from tests.acceptance.installation import WRITE_KEY, Running, free_port, project
from tests.acceptance.waiting import until

PASSWORD = "four words are good"
EVENT = b'{"userId": "ada", "event": "Looked"}'


def ask(
    running: Running, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def test_the_door(tmp_path: Path) -> None:
    running = Running(project(tmp_path / "project", free_port(), free_port()), tmp_path / "data")
    running.start()
    until(lambda: "/signin/link/" in running.said(), lambda: f"the link:\n{running.said()}")
    found = re.search(r"/signin/link/\S+", running.said())
    assert found is not None
    link = found[0]
    until(lambda: ask(running, "GET", "/people")[0] == 200, "the console")
    assert ask(running, "POST", "/access/users/add", b"name=eve&role=admin")[0] in (401, 403)
    form = urlencode({"name": "ada", "password": PASSWORD, "again": PASSWORD}).encode()
    typed = {"Content_Type": "application/x-www-form-urlencoded"}
    status, headers, _ = ask(running, "POST", link, form, **typed)
    cookie = headers["set-cookie"].partition(";")[0]
    assert status == 303

    # Everybody signs in now, whatever they say of where they come from.
    claims: list[dict[str, str]] = [{}, {"X_Tactful_Peer": "127.0.0.1"}, {"X_Forwarded_For": "127.0.0.1"}]
    for claim in claims:
        assert ask(running, "GET", "/v1/profiles", None, **claim)[0] == 401
    assert ask(running, "GET", "/access", Cookie=cookie)[0] == 200
    assert ask(running, "GET", "/metrics")[0] == 401

    # A write key opens nothing of the console, and nothing of the console counts for a tracking call.
    key = "Basic " + b64encode(f"{WRITE_KEY}:".encode()).decode()
    assert ask(running, "POST", "/v1/track", EVENT, Authorization=key)[0] == 200
    assert ask(running, "GET", "/v1/profiles", Authorization=key)[0] == 401
    assert ask(running, "POST", "/v1/track", EVENT, Cookie=cookie)[0] == 401
    own = standing.read(running.data)
    assert own is not None
    assert ask(running, "POST", "/v1/track", EVENT, Authorization=f"Bearer {own.token}")[0] == 401
    assert ask(running, "GET", "/v1/profiles", Authorization=f"Bearer {own.token}")[0] == 200
    _, headers, _ = ask(
        running, "POST", "/v1/track", EVENT, Authorization=key, Origin="https://evil.example", Cookie=cookie
    )
    assert headers["access-control-allow-origin"] == "*" and "access-control-allow-credentials" not in headers
    assert "set-cookie" not in headers

    # A sign-in outlives its processes; the server's own token does not outlive the server.
    assert running.stop() == 0
    assert standing.read(running.data) is None
    running.start()
    until(lambda: ask(running, "GET", "/access", Cookie=cookie)[0] == 200, "the console")
    assert ask(running, "GET", "/v1/profiles", Authorization=f"Bearer {own.token}")[0] == 401
    assert running.said().count("/signin/link/") == 1, "who is in needs no other link"
    assert running.stop() == 0
