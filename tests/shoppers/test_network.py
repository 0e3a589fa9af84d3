"""Shoppers are good clients: the same call until it is taken, everybody's calls in order, and the server's time."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from tactful.errors import TransientError, UsageError
from tactful.shoppers.calls import Call, Door
from tactful.shoppers.catalogue import Catalogue, made_up
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.driving import Drive
from tactful.shoppers.inbox import Inbox
from tactful.shoppers.network import TRIES, Answer, Request, Times, insist
from tactful.shoppers.people import Town
from tactful.shoppers.sending import Sender

OK = Answer(200, b"{}", {})


class Pretended:
    """A network that answers as it is told, and in which time passes by pauses only."""

    def __init__(self, answer: Callable[[Request, int], Answer] = lambda request, nth: OK) -> None:
        self._answer = answer
        self.asked: list[Request] = []
        self.pauses: list[float] = []
        self.at_us = 0

    def steady_us(self) -> int:
        return self.at_us

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        await asyncio.sleep(0)
        return self._answer(request, len(self.asked))


def call(person: int, path: str, event: str, key: str = "website", *, gpc: bool = False) -> Call:
    body = {"type": path, "event": event, "messageId": f"{person}-{event}", "userId": f"u{person}"}
    if key == "website":
        body["anonymousId"] = f"d{person}"
    return Call(person, path, key, body, gpc, 1_741_000_000_000_000)


def test_a_call_is_sent_again_as_it_was_until_it_is_taken() -> None:
    def answer(request: Request, nth: int) -> Answer:
        if nth == 1:
            raise OSError("gone")
        return Answer(503, b"", {}) if nth == 2 else Answer(429, b"", {"retry-after": "7"}) if nth == 3 else OK

    network = Pretended(answer)
    asyncio.run(Sender(network, 1, is_dated=True).send([call(1, "track", "Seen")], 0))
    assert network.pauses == [1.0, 1.0, 7.0]
    assert len({request.body for request in network.asked}) == 1


def test_a_server_that_stays_away_and_a_wrong_key_are_said() -> None:
    with pytest.raises(TransientError, match="is it running"):
        asyncio.run(insist(away := Pretended(lambda request, nth: Answer(503, b"", {})), Request("GET", "/")))
    assert len(away.asked) == TRIES
    denied = Answer(401, b'{"message": "the write key is missing"}', {})
    with pytest.raises(UsageError, match="write key is missing"):
        asyncio.run(insist(Pretended(lambda request, nth: denied), Request("GET", "/")))


def test_what_is_refused_is_counted_and_said() -> None:
    sender = Sender(Pretended(lambda request, nth: Answer(400, b"no", {})), 1, is_dated=True)
    asyncio.run(sender.send([call(1, "track", "Seen")], 0))
    assert sender.refused == {"no": 1}


def test_many_calls_go_in_batches_consent_first_and_pages_before_the_server() -> None:
    calls = [
        one
        for person in range(150)
        for one in (
            call(person, "track", "Order Completed", "backend"),
            call(person, "consent", "banner", "backend"),
            call(person, "identify", "account", "backend"),
            call(person, "consent", "mail", "backend"),
            call(person, "track", "Product Added", gpc=person % 5 == 0),
        )
    ]
    network = Pretended()
    sender = Sender(network, 2, is_dated=True)
    asyncio.run(sender.send(calls, 1_741_000_000_000_000))
    assert sender.sent == len(calls)
    seen: dict[int, list[str]] = {}
    for request in network.asked:
        said = msgspec.json.decode(request.body)
        batch = said.get("batch", [said])
        assert len(batch) <= 100
        assert {one["timestamp"] for one in batch} == {"2025-03-03T11:06:40.000Z"}
        for one in batch:
            person = int(one["userId"][1:])
            seen.setdefault(person, []).append(one["event"])
            is_page = "anonymousId" in one
            assert (("Sec-GPC", "1") in request.headers) == (is_page and person % 5 == 0)
    order = ["banner", "account", "mail", "Product Added", "Order Completed"]
    assert all(events == order for events in seen.values())
    assert len(seen) == 150


def test_a_token_that_is_refused_for_a_while_ends_nothing() -> None:
    denied = True

    def answer(request: Request, nth: int) -> Answer:
        if request.path == "/v1/journeys":
            return Answer(403, b'{"message": "not now"}', {}) if denied else Answer(200, b'{"journeys": []}', {})
        return OK

    network = Pretended(answer)
    crowd = Crowd(Town(people=1), Catalogue(7, made_up(7)), Door("w", "b"), 0, range(1), keeps=False)
    drive = Drive(network, crowd, Sender(network, 1, is_dated=True), Inbox(network, crowd, "token"))
    with pytest.raises(UsageError, match="not now"):  # At the start it is said at once.
        asyncio.run(drive.begin())
    asyncio.run(drive.look())
    assert drive.told(0).refused == {"the server refuses /v1/journeys: not now": 1}
    denied = False
    asyncio.run(drive.look())
    assert drive.told(0).refused == {"the server refuses /v1/journeys: not now": 1}


def test_the_time_is_the_servers() -> None:
    fast = Answer(200, b'{"now": "x", "now_us": 5000000, "speed": 60}', {})
    network = Pretended(lambda request, nth: fast)
    times = Times(network)
    assert asyncio.run(times.look()) == 5_000_000
    network.at_us += 2_000_000
    assert times.now_us() == 5_000_000 + 60 * 2_000_000


def test_a_server_without_a_clock_has_the_worlds() -> None:
    other = Answer(404, b"{}", {"date": "Mon, 03 Mar 2025 11:06:40 GMT"})
    assert asyncio.run(Times(Pretended(lambda request, nth: other)).look()) == 1_741_000_000_000_000
    with pytest.raises(UsageError, match="is it Tactful"):
        asyncio.run(Times(Pretended(lambda request, nth: Answer(404, b"", {}))).look())
