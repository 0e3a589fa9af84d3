"""Links and pixels: the reader always gets there, nobody is sent anywhere else, and what happened is told once."""

from collections.abc import Sequence

import pytest
from starlette.applications import Starlette

from tactful.errors import TransientError
from tactful.events.records import Event, encode, unpack
from tactful.events.responses import About
from tactful.messages import links
from tactful.messages.links import Click, Open
from tactful.runtime import responding
from tactful.runtime.ports import Clock
from tactful.runtime.responding import Responding
from tactful.values import HOUR_US, MINUTE_US, SECOND_US, digest
from tactful.web.responses import PIXEL, routes
from tests.web.asking import ask

KEYS = {1: bytes(range(64))}
SENT = 1_740_816_000_000_000
ABOUT = About(digest("one"), "u:42", "welcome", "hello", "email", "first")
TARGET = "https://shop.example/a?b=1&c=%20x#d"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class House(Clock):
    """The doors, and what is told behind them."""

    def __init__(self) -> None:
        self.now = SENT + HOUR_US
        self.events: list[Event] = []
        self.is_away = False
        self.responding = Responding(self._submit)
        self.app = Starlette(routes=routes(KEYS, self.responding, self))

    def now_us(self) -> int:
        return self.now

    async def _submit(self, events: Sequence[Event]) -> None:
        if self.is_away:
            raise TransientError("the disk is full")
        self.events += events

    async def click(
        self, target: str = TARGET, agent: str = FIREFOX, method: str = "GET", **headers: str
    ) -> tuple[int, str]:
        token = links.seal(KEYS, Click(ABOUT, SENT, target))
        told = {"User-Agent": agent, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = await ask(self.app, method, f"/v1/c/{token}", told)
        return answer.status, answer.headers.get("location", "")

    async def open(self, method: str = "GET", agent: str = FIREFOX) -> bytes:
        token = links.seal(KEYS, Open(ABOUT, SENT))
        answer = await ask(self.app, method, f"/v1/o/{token}.gif", {"User-Agent": agent})
        assert answer.status == 200
        assert answer.headers["content-type"] == "image/gif"
        assert "no-store" in answer.headers["cache-control"]
        return answer.body

    async def told(self) -> list[dict[str, object]]:
        self.now += 2 * SECOND_US
        await self.responding.flush(self.now)
        return [{"name": one.name, **unpack(one.properties)} for one in self.events]


async def test_a_click_goes_where_the_link_went_and_is_told() -> None:
    house = House()
    assert await house.click() == (302, TARGET)
    (told,) = await house.told()
    about = {"intent": ABOUT.intent, "journey": "welcome", "message": "hello", "channel": "email", "step": "first"}
    assert told == {"name": "Email Link Clicked", **about, "link": TARGET, "machine": False}
    (event,) = house.events
    assert (event.kind, event.key, event.source, event.trust) == ("message", "u:42", "tactful", "server")
    assert event.timestamp == SENT + HOUR_US
    encode(event)


async def test_an_open_is_a_pixel_and_is_told() -> None:
    house = House()
    assert await house.open() == PIXEL
    (told,) = await house.told()
    assert (told["name"], told["machine"]) == ("Email Opened", False)


async def test_looking_counts_nothing() -> None:
    house = House()
    assert await house.click(method="HEAD") == (302, TARGET)
    await house.open(method="HEAD")
    assert await house.click(Sec_Purpose="prefetch;prerender") == (302, TARGET)
    assert await house.told() == []


@pytest.mark.parametrize("kind", ["c", "o"])
async def test_forged_tokens_get_a_page_that_helps(kind: str) -> None:
    house = House()
    after = ".gif" if kind == "o" else ""
    others: list[links.Link] = [
        links.Unsubscribe("u:42", "email", "i"),
        links.Confirm("u:42", "email", "i", "a@b.example", 1),
    ]
    others += [Open(ABOUT, SENT)] if kind == "c" else [Click(ABOUT, SENT, TARGET)]
    tokens = [links.seal(KEYS, one) for one in others]
    tokens += [
        links.seal({1: bytes(64)}, Click(ABOUT, SENT, TARGET)),
        "x",
        "A" * 9000,
        "%0d%0aLocation:%20https://evil.example",
    ]
    for token in tokens:
        answer = await ask(house.app, "GET", f"/v1/{kind}/{token}{after}")
        assert answer.status == 404
        assert "location" not in answer.headers
    assert (await ask(house.app, "GET", f"/v1/{kind}/x{after}?url=https://evil.example")).status == 404
    assert (await ask(house.app, "POST", f"/v1/{kind}/x{after}")).status == 405
    assert await house.told() == []


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://a.example"])
async def test_only_links_to_the_web_are_followed(target: str) -> None:
    """Nothing of the kind is ever sealed; if it were, it would lead nowhere."""
    house = House()
    assert await house.click(target) == (404, "")


async def test_a_target_ends_no_header() -> None:
    house = House()
    token = links.seal(KEYS, Click(ABOUT, SENT, "https://shop.example/\r\nSet-Cookie: a=b"))
    answer = await ask(house.app, "GET", f"/v1/c/{token}")
    assert "set-cookie" not in answer.headers
    assert answer.status == 404


async def test_the_reader_gets_there_also_when_nothing_can_be_stored() -> None:
    house = House()
    house.is_away = True
    assert await house.click() == (302, TARGET)
    assert await house.told() == []
    house.is_away = False
    assert len(await house.told()) == 1  # It waited.


async def test_a_scanner_follows_everything_and_a_person_one_link() -> None:
    house = House()
    for target in ("https://a.example/", "https://b.example/", "https://c.example/"):
        await house.click(target)
        house.now += SECOND_US // 10
    assert [(one["machine"], one["reason"]) for one in await house.told()] == [(True, "many links at once")] * 3
    house.now += MINUTE_US
    await house.click("https://a.example/")
    assert (await house.told())[-1]["machine"] is False


async def test_who_follows_the_trap_is_a_machine() -> None:
    house = House()
    await house.click("https://a.example/")
    assert await house.click("") == (204, "")
    house.now += MINUTE_US
    await house.click("https://b.example/")
    assert [(one["machine"], one["reason"]) for one in await house.told()] == [(True, "the trap")] * 2
    house.now += HOUR_US
    await house.click("https://b.example/")
    assert (await house.told())[-1]["machine"] is False


async def test_right_after_the_sending_nobody_reads() -> None:
    house = House()
    house.now = SENT + SECOND_US
    await house.click()
    await house.open()
    assert [one["reason"] for one in await house.told()] == ["clicked at once", "opened at once"]


async def test_a_flood_of_opens_is_bounded() -> None:
    house = House()
    for _ in range(responding.MOST_EACH + 50):
        await house.open()
        house.now += SECOND_US
    assert len(await house.told()) == responding.MOST_EACH
    assert house.responding.counts["opens"] == responding.MOST_EACH + 50
    assert house.responding.counts["beyond"] == 50


async def test_the_same_second_is_told_once() -> None:
    house = House()
    await house.open()
    await house.open()
    await house.told()
    assert len({event.message_id for event in house.events}) == 1


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responding, "MOST_HELD", 3)
    house = House()
    house.is_away = True
    for _ in range(5):
        await house.click()
    assert await house.told() == []
    house.is_away = False
    assert len(await house.told()) == 3
    assert house.responding.counts["lost"] == 2
