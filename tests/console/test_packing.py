"""Pages go out packed where that is asked for, and the token in them looks different in each."""

import asyncio
import gzip
import http.client
import re
from contextlib import closing
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.web.masking import is_token, masked, unmasked
from tests.console.serving import Answer, Served, serve
from tests.console.shop import Shop

TOKEN = re.compile(r'name="csrf" (?:content|value)="([^"]+)"')


def ask(console: Served, method: str, path: str, body: str = "", **more: str) -> Answer:
    connection = http.client.HTTPConnection(console.address.removeprefix("http://"), timeout=30)
    with closing(connection):
        headers = {"X-Role": "admin", "Content-Type": "application/x-www-form-urlencoded", **more}
        connection.request(method, path, body, headers)
        found = connection.getresponse()
        return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())


def test_a_page_is_packed_for_who_takes_it(console: Served) -> None:
    # Not a page that counts: what it says a moment later is another thing.
    plain = ask(console, "GET", "/definitions")
    packed = ask(console, "GET", "/definitions", **{"Accept-Encoding": "br, gzip"})
    text, short = plain.body, packed.body
    assert "content-encoding" not in plain.headers
    assert packed.headers.get("content-encoding") == "gzip"
    assert {plain.headers.get("vary"), packed.headers.get("vary")} == {"Accept-Encoding"}
    assert int(packed.headers["content-length"]) == len(short) < len(text) / 3
    assert TOKEN.sub("", gzip.decompress(short).decode()) == TOKEN.sub("", text.decode())


def test_the_token_of_each_page_is_another_and_all_are_good(console: Served) -> None:
    tokens = [TOKEN.findall(ask(console, "GET", "/segments").body.decode())[0] for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert unmasked(tokens[0]) == unmasked(tokens[1])
    for token, status in ((tokens[0], 404), (tokens[1], 404), (tokens[0][:-2] + "00", 403), ("", 403), ("zz", 403)):
        body = urlencode({"csrf": token, "purpose": "x", "granted": "yes"})
        assert ask(console, "POST", "/people/u:nobody/consent", body).status == status, token


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_what_is_masked_is_unmasked(token: str) -> None:
    assert unmasked(masked(token)) == token
    assert is_token(masked(token), token) is is_token(token, token) is (token != "")
    assert not is_token(masked(token + "x"), token)


@given(st.text(max_size=60))
def test_anything_else_is_no_trouble(text: str) -> None:
    assert not is_token(text, "another-token")


def test_templates_are_compiled_before_anybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(people=2, days=1)
    with serve(shop) as served:
        console = served.console
        asyncio.run(console.warm())
        monkeypatch.setattr(console.templates, "compile", lambda *_: pytest.fail("compiled while somebody waits"))
        for path in ("/", "/segments", "/journeys", "/messages", "/outbox", "/events", "/consent", "/health"):
            assert served.get(path).status == 200
    shop.close()
