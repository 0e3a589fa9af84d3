"""Journeys by the API: how they stand, orders, entries; who may, and what is refused."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.office import MemoryOffice
from tactful.events.intake import Arrival
from tactful.events.records import Enter, Steer, decode, unpack
from tactful.operations.people.patching import SOURCE
from tactful.runtime.intake import Intake
from tactful.web import api, campaigns, feeds, journeys, openapi_journeys
from tactful.web.collect import collect_app
from tactful.web.desk import Desk
from tactful.web.guard import Guard
from tests.collect.edge import Reply, Running
from tests.web.doorkeeping import Walking, doorkeeper
from tests.web.living import PARTITIONS, Living

TOKEN = {"authorization": "Bearer let-me-in"}
HOOK = "description: x\nstart: {event: Product Added}\nwait: 1h\nsend: {webhook: 'https://x.example/hook'}\n"
CALLED = "description: x\nstart: {call: true}\nwait: 1h\nsend: {webhook: 'https://x.example/hook'}\n"
FILES = {"journeys/cart.yaml": HOOK, "journeys/vip.yaml": CALLED}


@pytest.fixture
def living() -> Iterator[Living]:
    living = Living(files=FILES)
    living.did("Product Added", "u:ada")
    living.rest()
    yield living
    living.world.close()


def ask(living: Living, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    """One request to a server with collect in front and the guard behind, as app/ builds it; from somewhere else."""
    world = living.world

    async def play() -> Reply:
        intake = Intake(world.log, world.quarantine, MemoryBells(), world.clock)
        intake.start()
        desk = Desk(lambda: living.reader)
        arrive = lambda: Arrival(SOURCE, world.clock.now_us())  # noqa: E731  (a clock for the routes)
        inner = [*api.routes(desk), *api.probes(desk), *journeys.routes(desk, intake.submit, arrive, PARTITIONS)]
        guarded = Guard(Starlette(routes=inner), doorkeeper(MemoryOffice(), Walking(), "let-me-in"), api.OPEN_PATHS)
        running = Running(collect_app(intake, (), world.clock, guarded), intake)
        try:
            sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            where, _, query = path.partition("?")
            return await running.request(method, where, sent, {**TOKEN, **headers}, query=query)
        finally:
            await intake.stop()
            desk.close()

    reply = asyncio.run(play())
    living.rest()
    return reply


def records(living: Living, kind: type) -> list[Any]:
    log = living.world.log
    bodies = [body for partition in range(PARTITIONS) for _, body in log.read(partition, 0, 10_000)]
    return [record for body in bodies if isinstance(record := decode(body), kind)]


def test_how_journeys_stand_and_who_is_inside(living: Living) -> None:
    listed = ask(living, "GET", "/v1/journeys?inside=true").body
    assert listed["sending"] is True
    cart, vip = listed["journeys"]
    assert (cart["journey"], cart["state"], sum(cart["inside"].values()), cart["waiting"]) == ("cart", "running", 1, 0)
    assert (vip["journey"], vip["kind"]) == ("vip", "call")
    assert ask(living, "GET", "/v1/journeys").body["journeys"][0]["inside"] is None
    assert ask(living, "GET", "/v1/journeys/cart").body["journey"] == "cart"
    assert ask(living, "GET", "/v1/journeys/none").status == 404


@pytest.mark.parametrize("order", ["pause", "resume", "drain", "stop"])
def test_an_order_is_durable_when_it_is_answered(living: Living, order: str) -> None:
    reply = ask(living, "POST", f"/v1/journeys/cart/{order}", {"by": "ann", "reason": "sold out"})
    assert reply.status == 202, reply.body
    assert reply.body == {"journey": "cart", "order": order, "by": "ann", "reason": "sold out"}
    told = [(one.journey, one.order, one.author) for one in records(living, Steer)]
    assert told == [("cart", order, "ann")]


def test_all_sending_is_switched(living: Living) -> None:
    assert ask(living, "POST", "/v1/sending/off").status == 202
    assert ask(living, "POST", "/v1/sending/on").status == 202
    assert [(one.journey, one.order, one.author) for one in records(living, Steer)] == [
        ("", "pause", "api"),
        ("", "resume", "api"),
    ]
    assert ask(living, "POST", "/v1/sending/sideways").status == 404


def test_what_cannot_be_ordered_is_refused(living: Living) -> None:
    assert ask(living, "POST", "/v1/journeys/none/pause").status == 404
    assert ask(living, "POST", "/v1/journeys/cart/halt").status == 404
    assert ask(living, "POST", "/v1/journeys/cart/pause", b"[1]").status == 400
    assert ask(living, "POST", "/v1/journeys/cart/pause", authorization="Bearer wrong").status == 401
    assert records(living, Steer) == []


def test_somebody_enters_by_a_call_once_however_often_it_is_sent(living: Living) -> None:
    body = {"userId": "ada", "key": 7, "properties": {"tier": "gold"}, "messageId": "e1"}
    replies = [ask(living, "POST", "/v1/journeys/vip/enter", body) for _ in range(2)]
    assert [reply.status for reply in replies] == [202, 202]
    assert replies[0].body == {"messageId": "e1", "identifier": "u:ada", "journey": "vip", "key": "7"}
    first, again = records(living, Enter)
    assert (first.message_id, first.key, first.entry_key, unpack(first.properties)) == (
        "e1",
        "u:ada",
        "7",
        {"tier": "gold"},
    )
    assert again.message_id == first.message_id
    assert ask(living, "GET", "/v1/journeys/vip").body["inside"] == {"1": 1}


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v1/journeys/none/enter", {"userId": "ada"}, 404, "there is no journey 'none'"),
        ("/v1/journeys/cart/enter", {"userId": "ada"}, 409, "not entered by a call"),
        ("/v1/journeys/vip/enter", {}, 400, "nobody is named"),
        ("/v1/journeys/vip/enter", {"userId": "ada", "keys": 1}, 400, "unknown field `keys`"),
        ("/v1/journeys/vip/enter", b"{", 400, "must be a JSON object"),
        ("/v1/journeys/vip/enter", b"x" * 70_000, 413, "larger than"),
    ],
)
def test_bad_entries_are_refused_with_what_is_wrong(
    living: Living, path: str, body: Any, status: int, said: str
) -> None:
    reply = ask(living, "POST", path, body)
    assert (reply.status, said in reply.body["message"]) == (status, True), reply.body
    assert records(living, Enter) == []


def test_a_second_id_for_the_same_entry_is_refused(living: Living) -> None:
    body = {"userId": "ada", "messageId": "e1"}
    assert ask(living, "POST", "/v1/journeys/vip/enter", body, **{"idempotency-key": "e2"}).status == 400
    assert (
        ask(living, "POST", "/v1/journeys/vip/enter", {"userId": "ada"}, **{"idempotency-key": "e2"}).body["messageId"]
        == "e2"
    )


def test_every_route_is_described_and_every_description_has_a_route(living: Living) -> None:
    desk = Desk(lambda: living.reader)
    unused: Any = None
    routes = [
        *journeys.routes(desk, unused, unused, PARTITIONS),
        *campaigns.routes(desk, desk, unused, unused, unused, unused),
        *(route for route in feeds.routes(desk, unused) if route.path.startswith("/v1/journeys/")),
    ]
    desk.close()
    served = {
        (route.path.replace(":str", ""), method.lower())
        for route in routes
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert served == {(path, method) for path, kinds in openapi_journeys.PATHS.items() for method in kinds}


def test_the_runs_of_a_journey_are_told_by_the_api(living: Living) -> None:
    found = ask(living, "GET", "/v1/explain/ada?journey=cart").body
    (run,) = found["runs"]
    assert (found["journey"], run["state"], run["step"], run["waitsFor"]) == ("cart", "waiting", "1", "1h")
    assert ask(living, "GET", "/v1/explain/zoe?journey=cart").status == 404
    assert ask(living, "GET", "/v1/explain/ada?journey=carts").status == 404


def test_a_report_is_given_for_the_time_asked(living: Living) -> None:
    report = ask(living, "GET", "/v1/journeys/cart/report").body
    assert (report["total"]["runs"], report["total"]["people"], len(report["versions"])) == (1, 1, 1)
    assert ask(living, "GET", "/v1/journeys/cart/report?from=2030-01-01").body["total"]["runs"] == 0
    assert ask(living, "GET", "/v1/journeys/cart/report?from=soon").status == 400
    assert ask(living, "GET", "/v1/journeys/none/report").status == 404
