"""What comes back from mail while the engine runs, as badly as it may: repeated, out of order, forged, by machines. It
changes segments and starts journeys, closes addresses, ends what waits; and reports tell people from machines."""

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest

from tactful.app.clocks import SystemClock
from tests.acceptance.customers import Client
from tests.acceptance.installation import Running, asked
from tests.acceptance.receivers import mail_server
from tests.acceptance.test_responses import Inbox
from tests.acceptance.waiting import until
from tests.acceptance.walks import Walker, call, letters, project
from tests.acceptance.wall_clock import WallClock

PASSWORD = "a-password-of-the-webhook"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
LINKS = "\n".join(f'<a href="https://shop.example/page/{number}">Page {number}</a>' for number in range(5))
FILES = {
    "journeys/news.yaml": "start: {event: Signed Up}\nsteps:\n  - {name: news, send: {email: news}}\n",
    "journeys/readers.yaml": "start: {segment: readers}\nagain: never\nsend: {email: reader}\n",
    "journeys/more.yaml": "start: {event: Asked For More}\nsteps:\n  - wait: 1s\n  - {name: more, send: {email: more}}\n",
    "journeys/later.yaml": (
        "start: {event: Signed Up}\nsteps:\n"
        "  - wait: {for: Never, at_most: 2d}\n    then: [{exit: never}]\n  - {name: later, send: {email: more}}\n"
    ),
    "segments/readers.yaml": 'when: any("Email Opened", where=not machine)\n',
    **letters("news", body=LINKS.replace("\n", " ")),
    **letters("reader", "more"),
}
MORE = f'\n[tracking]\nclicks = true\nopens = true\n\n[hooks.postmark]\npassword = "{PASSWORD}"\n'


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    with mail_server(made):
        yield made


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WallClock:
    return WallClock(tmp_path_factory.mktemp("wall") / "clock")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox, clock: WallClock) -> Iterator[Running]:
    """One for all stories, each with people of its own."""
    folder = tmp_path_factory.mktemp("shop")
    made = Running(project(folder / "project", inbox.port, FILES, more=MORE), folder / "data")
    made.start(clock.variables)
    yield made
    assert made.stop() == 0
    assert "Traceback" not in made.said(), made.said()[-4000:]


def ask(shop: Running, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", shop.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"User-Agent": FIREFOX, **named})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def join(shop: Running, *users: str) -> None:
    client = Client(shop.port)
    at_us = SystemClock().now_us()
    for user in users:
        for one in Walker(user, is_eager=False, begin_us=at_us).signs_up():
            assert client.send(one) == 200
    client.close()


def says(shop: Running, user: str, event: str) -> None:
    client = Client(shop.port)
    assert client.send(call("/v1/track", user, SystemClock().now_us(), event=event)) == 200
    client.close()


def fates(shop: Running, user: str) -> dict[str, str]:
    """By journey: what became of the message."""
    rows = [row for row in shop.intents() if row.intent.key == f"u:{user}"]
    return {row.intent.journey: row.status if row.status == "sent" else f"{row.status}: {row.reason}" for row in rows}


def await_fates(shop: Running, user: str, **wanted: str) -> None:
    until(lambda: fates(shop, user) == wanted, lambda: f"{wanted}; there are {fates(shop, user)}", 30)


def intent_of(shop: Running, user: str) -> str:
    mine = (row.intent for row in shop.intents() if row.intent.key == f"u:{user}")
    return next(intent.intent for intent in mine if intent.journey == "news")


def postmark(shop: Running, kind: str, intent: str, password: str = PASSWORD, **more: Any) -> int:
    body = json.dumps({"RecordType": kind, "Metadata": {"intent": intent}, **more}).encode()
    basic = "Basic " + base64.b64encode(f"tactful:{password}".encode()).decode()
    return ask(shop, "POST", "/v1/hooks/postmark", body, Authorization=basic)


def told(shop: Running, user: str) -> list[str]:
    """What came back, as `tactful events` lists it."""
    return [one["event"] for one in shop.events() if one["type"] == "message" and one["userId"] == user]


def test_what_a_provider_tells_twice_too_early_and_forged(shop: Running, inbox: Inbox, clock: WallClock) -> None:
    join(shop, "ada", "bob", "cleo", "dov")
    for user in ("ada", "bob", "cleo", "dov"):
        await_fates(shop, user, news="sent")
    # Nobody reads at once.
    clock.shift(10)
    opened: dict[str, Any] = {"ReceivedAt": clock.now(), "UserAgent": FIREFOX}

    # Forged: nothing comes of it, whatever it says.
    assert postmark(shop, "Open", intent_of(shop, "bob"), "a-password-of-somebody-else", **opened) == 403
    assert postmark(shop, "Bounce", intent_of(shop, "bob"), "", Type="HardBounce") == 403
    # What nobody sent is passed over.
    assert postmark(shop, "Open", "0123456789abcdef0123456789abcdef", **opened) == 200

    # Out of order and again and again: the click, the opening, the delivery.
    for _ in range(3):
        reports: tuple[tuple[str, dict[str, Any]], ...] = (
            ("Click", {"OriginalLink": "https://shop.example/page/1"}),
            ("Open", {}),
            ("Delivery", {"DeliveredAt": clock.now()}),
        )
        for kind, more in reports:
            assert postmark(shop, kind, intent_of(shop, "ada"), **{**opened, **more}) == 200
    await_fates(shop, "ada", news="sent", readers="sent")

    # A hard bounce closes the address: the next message says so.
    for _ in range(2):
        assert postmark(shop, "Bounce", intent_of(shop, "cleo"), Type="HardBounce", ID=1) == 200
    until(lambda: "Email Bounced" in told(shop, "cleo"), "the bounce")
    says(shop, "cleo", "Asked For More")
    await_fates(shop, "cleo", news="sent", more="refused: the address is suppressed")

    # Who has had enough gets nothing of what waits.
    says(shop, "dov", "Asked For More")
    await_fates(shop, "dov", news="sent", more="sent")
    enough: dict[str, Any] = {"SuppressSending": True, "Origin": "Recipient", "SuppressionReason": "ManualSuppression"}
    for _ in range(2):
        assert postmark(shop, "SubscriptionChange", intent_of(shop, "dov"), **enough) == 200
    done = until(lambda: ended(shop, "dov", "later"), "the end of what waits")
    assert "consent" in done
    shop.await_quiet(6)
    heard = told(shop, "ada")
    assert {name: heard.count(name) for name in heard} == {
        "Email Sent": 2,
        "Email Delivered": 1,
        "Email Opened": 1,
        "Email Link Clicked": 1,
    }
    assert told(shop, "bob") == ["Email Sent"]
    assert sorted(told(shop, "cleo")) == ["Email Bounced", "Email Sent"]
    assert told(shop, "dov").count("Unsubscribed") == 1
    assert fates(shop, "bob") == {"news": "sent"}
    assert len(inbox.mails["cleo@people.example"]) == 1


def ended(shop: Running, user: str, journey: str) -> str:
    (told_,) = json.loads(asked("explain", user, "--journey", journey, "--data", str(shop.data), "--json"))["runs"]
    return str(told_["ended"])


def measured(shop: Running) -> dict[str, int]:
    """Who clicked, and which messages were: people, and machines as well."""
    said = json.loads(asked("measure", "news", "--data", str(shop.data), "--json"))
    found: dict[str, int] = said["total"]["responses"].get("clicked", {})
    return found


def test_a_scanner_and_a_person_are_told_apart(shop: Running, inbox: Inbox, clock: WallClock) -> None:
    """Who follows every link of a mail within 200 ms is no person, however much it looks like one; who follows one is."""
    before = measured(shop)
    join(shop, "eve", "fay", "gus")
    found = {}
    for user in ("eve", "fay", "gus"):
        await_fates(shop, user, news="sent")
        (_, mail) = inbox.mails[f"{user}@people.example"][0]
        html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one
        found[user] = re.findall(r"https://mail\.example\.test(/v1/c/[\w-]+)", html)
        assert len(found[user]) == 5
    clock.shift(1)
    for user in ("eve", "fay"):
        with ThreadPoolExecutor(5) as scanner:
            assert set(scanner.map(lambda path: ask(shop, "GET", path), found[user])) == {302}
    until(lambda: clicks(shop, "eve") == [True] * 5, lambda: f"the scanner's five: {clicks(shop, 'eve')}")
    assert ask(shop, "GET", found["eve"][2]) == 302
    until(lambda: len(clicks(shop, "eve")) == 6, lambda: f"the person's one: {clicks(shop, 'eve')}")
    until(lambda: len(clicks(shop, "fay")) == 5, lambda: f"the scanner's five: {clicks(shop, 'fay')}")
    shop.await_quiet(0)
    assert sorted(clicks(shop, "eve")) == [False, *[True] * 5]
    after = measured(shop)
    more = {name: number - before.get(name, 0) for name, number in after.items()}
    assert more == {"people": 1, "messages": 1, "peopleRaw": 2, "messagesRaw": 2}


def clicks(shop: Running, user: str) -> list[bool]:
    """Of each whether a machine made it."""
    mine = [one for one in shop.events() if one["userId"] == user and one["event"] == "Email Link Clicked"]
    return [one["properties"].get("machine", False) for one in mine]
