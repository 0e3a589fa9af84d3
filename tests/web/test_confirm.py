"""Double opt-in at the page: a GET changes nothing, a POST is one durable record of exactly what was sealed."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.types import Message

from tactful.errors import TransientError
from tactful.events.records import Consent, decode, encode
from tactful.messages import links
from tactful.messages.links import Confirm, Unsubscribe
from tactful.runtime.ports import Clock
from tactful.values import DAY_US, MINUTE_US
from tactful.web import confirm, unsubscribe
from tests.browsers import chromium
from tests.tries import tries

KEYS = {1: bytes(range(64))}
OTHER_KEYS = {1: bytes(range(1, 65))}
NOW = 1_740_816_000_000_000
WANTED = Confirm("a:visitor", "marketing.email", "0123456789abcdef", "ada@people.example", NOW + DAY_US)
TOKEN = links.seal(KEYS, WANTED)
YES = b"confirm=yes"
WORKSPACE = "Lamps & <More>"


class SetClock(Clock):
    now = NOW

    def now_us(self) -> int:
        return self.now


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Door:
    """Both pages in an app, asked as an ASGI server asks."""

    def __init__(self, submit: Callable[[Consent], Awaitable[None]] | None = None) -> None:
        self.records: list[Consent] = []
        self.clock = SetClock()

        async def keep(record: Consent) -> None:
            self.records.append(record)

        take = submit or keep

        async def leave(_: Unsubscribe, record: Consent) -> None:
            await take(record)

        self.app = Starlette(
            routes=[
                *confirm.routes(lambda token: links.unseal_confirm(KEYS, token), take, self.clock, WORKSPACE),
                *unsubscribe.routes(lambda token: links.unseal(KEYS, token), leave, self.clock, WORKSPACE),
            ]
        )

    async def ask(self, method: str, token: str = TOKEN, body: bytes = b"", page: str = "confirm") -> Answer:
        sent: list[Message] = []
        parts: list[Message] = [{"type": "http.request", "body": body}]

        async def receive() -> Message:
            return parts.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        path = f"/v1/{page}/{token}"
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "server": ("t", 80), "client": ("c", 1),
            "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        }  # fmt: skip
        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]).decode())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_scanner_that_follows_the_link_confirms_nothing(method: str) -> None:
    door = Door()
    status, headers, text = await door.ask(method)
    assert (status, door.records) == (200, [])
    assert "set-cookie" not in headers and "location" not in headers
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    if method == "GET":
        assert "ada@people.example" in text and "marketing email" in text and "Lamps &amp; &lt;More&gt;" in text


@pytest.mark.anyio
async def test_the_button_grants_what_was_sealed_for_the_address_that_was_sealed() -> None:
    door = Door()
    status, _, text = await door.ask("POST", body=YES + b"&purpose=all&address=eve@evil.example&key=u:1")
    (record,) = door.records
    assert status == 200 and "ada@people.example" in text
    assert (record.key, record.purpose, record.granted) == ("a:visitor", "marketing.email", True)
    assert (record.origin, record.trust, record.address) == ("confirm", "server", "ada@people.example")
    assert (record.timestamp, record.received_at) == (NOW, NOW)
    assert WANTED.intent in record.message_id
    assert len(record.salt) >= 16, "the ledger's commitment can be guessed otherwise"
    assert decode(encode(record)) == record


@pytest.mark.anyio
async def test_a_repeat_is_a_repeat_and_another_time_is_not() -> None:
    door = Door()
    await door.ask("POST", body=YES)
    await door.ask("POST", body=YES)
    door.clock.now += 2 * MINUTE_US
    await door.ask("POST", body=YES)
    first, again, later = (record.message_id for record in door.records)
    assert first == again != later


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"confirm=no", b"List-Unsubscribe=One-Click", b"x" * 100_000, b"\xff\xfe"])
async def test_another_form_asks_for_the_button(body: bytes) -> None:
    door = Door()
    status, _, text = await door.ask("POST", body=body)
    assert (status, door.records) == (400, [])
    assert "<form" in text


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_old_link_says_so_and_does_nothing(method: str) -> None:
    door = Door()
    door.clock.now = WANTED.expires_at - 1
    assert (await door.ask("GET")).status == 200
    door.clock.now += 1
    status, _, text = await door.ask(method, body=YES)
    assert (status, door.records) == (410, [])
    assert "expired" in text and "<form" not in text


# ---- attacks ---------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("page", ["confirm", "unsubscribe"])
@pytest.mark.parametrize(
    "token",
    [
        "x", "A" * 9000, TOKEN[:-1], TOKEN + "A", TOKEN.swapcase(), TOKEN[:-4] + "AAAA",
        links.seal(OTHER_KEYS, WANTED), links.seal({2: KEYS[1]}, WANTED),
        links.seal(OTHER_KEYS, Unsubscribe("a:visitor", "marketing.email", "0123456789abcdef")),
    ],
)  # fmt: skip
async def test_a_link_that_nobody_made_does_nothing(token: str, page: str, method: str) -> None:
    door = Door()
    status, _, text = await door.ask(method, token, YES + b"&List-Unsubscribe=One-Click", page)
    assert (status, door.records) == (404, [])
    assert "visitor" not in text and "ada@people.example" not in text


@pytest.mark.anyio
async def test_a_link_for_one_end_is_none_for_the_other() -> None:
    """Every mail has a link to unsubscribe; whoever has one must not be able to make it say yes."""
    door = Door()
    way_out = links.seal(KEYS, Unsubscribe("a:visitor", "marketing.email", "0123456789abcdef"))
    both = YES + b"&List-Unsubscribe=One-Click"
    assert (await door.ask("POST", way_out, both, "confirm")).status == 404
    assert (await door.ask("POST", TOKEN, both, "unsubscribe")).status == 404
    assert door.records == []
    assert (await door.ask("POST", way_out, both, "unsubscribe")).status == 200
    assert [record.granted for record in door.records] == [False]


@settings(max_examples=tries(300))
@given(st.data())
def test_no_changed_link_opens(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    sign = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = TOKEN[:at] + sign + TOKEN[at + 1 :]
    assert links.unseal_confirm(KEYS, changed) == (WANTED if changed == TOKEN else None)
    assert links.unseal(KEYS, changed) is None


@given(st.text(max_size=512), st.text(max_size=80), st.text(max_size=320), st.integers(0, 2**62))
def test_whatever_was_sealed_is_read_again(key: str, purpose: str, address: str, expires_at: int) -> None:
    wanted = Confirm(key, purpose, "i", address, expires_at)
    assert links.unseal_confirm(KEYS, links.seal(KEYS, wanted)) == wanted


@pytest.mark.anyio
async def test_what_stands_in_a_link_is_shown_as_text() -> None:
    evil = Confirm("u:1", "p", "i", '"><script>alert(1)</script>@x', NOW + 1)
    answer = await Door().ask("GET", links.seal(KEYS, evil))
    assert "<script" not in answer.text


@pytest.mark.anyio
async def test_what_could_not_be_saved_is_not_promised() -> None:
    async def full(record: Consent) -> None:
        raise TransientError("disk full")

    status, headers, text = await Door(full).ask("POST", body=YES)
    assert status == 503
    assert headers["retry-after"] == "60"
    assert "disk" not in text and "Thank" not in text


# ---- in a browser ----------------------------------------------------------------------------------------------------


@contextmanager
def served(door: Door) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(door.app, log_level="warning", lifespan="off"))
    started = Event()

    def run() -> None:
        started.set()
        server.run(sockets=[listening])

    thread = Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.mark.external
def test_from_the_link_to_thank_you_by_keyboard() -> None:
    with chromium() as browser:
        for width, scripts in [(1440, True), (390, True), (390, False)]:
            confirm_by_keyboard(browser, width, scripts=scripts)


def confirm_by_keyboard(browser: Browser, width: int, *, scripts: bool) -> None:
    door = Door()
    long = "a.very.long.name.that.does.not.want.to.be.broken@subdomain.of.another.domain.people.example"
    url = links.link("", KEYS, Confirm("a:visitor", "marketing.email", "i", long, NOW + DAY_US))
    with served(door) as address:
        context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(address + url)
        expect(page).to_have_title("Confirm your address")
        expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_text("Confirm your address")
        expect(page.get_by_role("main")).to_contain_text(long)
        assert door.records == []
        if scripts:
            too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert too_wide <= 0
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Yes, confirm")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
        (record,) = door.records
        assert (record.address, record.granted) == (long, True)
        assert [text for text in wrong if "favicon" not in text] == []
        context.close()
