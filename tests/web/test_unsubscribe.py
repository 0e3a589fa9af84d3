"""The way out: a GET changes nothing, a POST is one durable record, and nobody can make up a link."""

from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from tactful.errors import TransientError
from tactful.events.records import Consent, decode, encode
from tactful.messages import links
from tactful.messages.links import Unsubscribe
from tactful.runtime.ports import Clock
from tactful.values import MINUTE_US
from tactful.web.unsubscribe import routes

KEYS = {1: bytes(range(64))}
WANTED = Unsubscribe("u:42", "email_marketing", "0123456789abcdef")
TOKEN = links.seal(KEYS, WANTED)
ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--xyz--\r\n'


class SetClock(Clock):
    now = 1_740_816_000_000_000

    def now_us(self) -> int:
        return self.now


class Page:
    """The routes in an app, asked as an ASGI server asks."""

    def __init__(self, submit: Callable[[Unsubscribe, Consent], Awaitable[None]] | None = None) -> None:
        self.records: list[Consent] = []
        self.clock = SetClock()

        async def keep(_: Unsubscribe, record: Consent) -> None:
            self.records.append(record)

        self.app = Starlette(
            routes=routes(lambda token: links.unseal(KEYS, token), submit or keep, self.clock, "Lamps & <More>")
        )

    async def ask(
        self, method: str, token: str = TOKEN, body: bytes = b"", kind: str = "application/x-www-form-urlencoded"
    ) -> tuple[int, dict[str, str], str]:
        sent: list[Message] = []
        parts: list[Message] = [
            {"type": "http.request", "body": body[:10], "more_body": True},
            {"type": "http.request", "body": body[10:]},
        ]

        async def receive() -> Message:
            return parts.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        path = f"/v1/unsubscribe/{token}"
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "server": ("t", 80), "client": ("c", 1),
            "headers": [(b"content-type", kind.encode())],
        }  # fmt: skip
        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]).decode()


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(method: str) -> None:
    page = Page()
    status, headers, text = await page.ask(method)
    assert status == 200
    assert page.records == []
    assert "set-cookie" not in headers and "location" not in headers
    assert headers["cache-control"] == "no-store"
    if method == "GET":
        assert '<form method="post">' in text
        assert "Lamps &amp; &lt;More&gt;" in text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (ONE_CLICK + b"&more=1", "application/x-www-form-urlencoded; charset=utf-8"),
        (MULTIPART, "multipart/form-data; boundary=xyz"),
        (MULTIPART, 'Multipart/Form-Data; boundary="xyz"'),
    ],
)
async def test_one_click_withdraws(body: bytes, kind: str) -> None:
    page = Page()
    status, headers, text = await page.ask("POST", body=body, kind=kind)
    assert status == 200
    assert "set-cookie" not in headers and "location" not in headers
    assert "email marketing" in text
    (record,) = page.records
    assert (record.key, record.purpose, record.granted, record.origin) == (
        "u:42",
        "email_marketing",
        False,
        "unsubscribe",
    )
    assert WANTED.intent in record.message_id
    assert len(record.salt) >= 16, "the ledger's commitment can be guessed otherwise"
    assert decode(encode(record)) == record


async def test_a_repeat_is_a_repeat_and_another_day_is_not() -> None:
    page = Page()
    await page.ask("POST", body=ONE_CLICK)
    await page.ask("POST", body=ONE_CLICK)
    page.clock.now += 2 * MINUTE_US
    await page.ask("POST", body=ONE_CLICK)
    first, again, later = page.records
    assert first.message_id == again.message_id != later.message_id


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=No", b"x" * 100_000, b"\xff\xfe"])
async def test_another_form_asks_for_the_button(body: bytes) -> None:
    page = Page()
    status, _, text = await page.ask("POST", body=body)
    assert status == 400
    assert "<form" in text
    assert page.records == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "A", TOKEN.swapcase(), "A" * 5000])
async def test_a_link_that_nobody_made_does_nothing(method: str, token: str) -> None:
    page = Page()
    status, _, _ = await page.ask(method, token=token, body=ONE_CLICK)
    assert status == 404
    assert page.records == []


async def test_what_could_not_be_saved_is_not_promised() -> None:
    async def full(_: Unsubscribe, record: Consent) -> None:
        raise TransientError("disk full")

    status, headers, text = await Page(full).ask("POST", body=ONE_CLICK)
    assert status == 503
    assert headers["retry-after"] == "60"
    assert "disk" not in text
