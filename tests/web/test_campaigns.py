"""Campaigns by the API: who may approve and launch what, and how it is told."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from starlette.applications import Starlette

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.office import MemoryOffice
from tactful.events.intake import Arrival
from tactful.events.records import Launch, Steer, decode
from tactful.operations.journeys.campaigns import Approval, campaign
from tactful.operations.people.patching import SOURCE
from tactful.runtime.intake import Intake
from tactful.web import campaigns
from tactful.web.collect import collect_app
from tactful.web.desk import Desk
from tactful.web.guard import Guard
from tests.collect.edge import Reply, Running
from tests.web.doorkeeping import Walking, doorkeeper
from tests.web.living import PARTITIONS, Living

TOKEN = {"authorization": "Bearer let-me-in"}
HOOK = "- {send: {webhook: 'https://x.example/hook'}}\n"
FILES = {
    "segments/germans.yaml": 'when: country == "DE"\n',
    "journeys/spring.yaml": f"description: x\nstart: {{campaign: germans}}\nsteps:\n{HOOK}",
}


class Kept:
    """The port `Approvals`, in memory."""

    def __init__(self) -> None:
        self.approvals: dict[str, Approval] = {}

    def read(self) -> dict[str, Approval]:
        return dict(self.approvals)

    def write(self, approvals: Mapping[str, Approval]) -> None:
        self.approvals = dict(approvals)


class Shop:
    def __init__(self) -> None:
        self.living = Living(files=FILES)
        self.living.did("$identify", "u:ada", country="DE")
        self.living.rest()
        self.approvals = Kept()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        world = self.living.world

        def preview(reader: Any, name: str) -> dict[str, object]:
            return {"campaign": campaign(name, reader.compiled()).name}

        async def play() -> Reply:
            intake = Intake(world.log, world.quarantine, MemoryBells(), world.clock)
            intake.start()
            desk = Desk(lambda: self.living.reader)
            told = (desk, desk, intake.submit, lambda: Arrival(SOURCE, world.clock.now_us()))
            guarded = Guard(
                Starlette(routes=campaigns.routes(*told, self.approvals, preview)),
                doorkeeper(MemoryOffice(), Walking(), "let-me-in"),
            )
            running = Running(collect_app(intake, (), world.clock, guarded), intake)
            try:
                sent = json.dumps(body).encode() if body is not None else b""
                return await running.request(method, path, sent, {**TOKEN, **headers})
            finally:
                await intake.stop()
                desk.close()

        reply = asyncio.run(play())
        self.living.rest()
        return reply

    def records(self, kind: type) -> list[Any]:
        log = self.living.world.log
        bodies = [body for partition in range(PARTITIONS) for _, body in log.read(partition, 0, 10_000)]
        return [record for body in bodies if isinstance(record := decode(body), kind)]


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.living.world.close()


def test_a_campaign_is_approved_launched_and_told(shop: Shop) -> None:
    version = shop.ask("GET", "/v1/campaigns/spring").body["version"]
    approved = shop.ask("POST", "/v1/campaigns/spring/approve", {"by": "bea", "version": version})
    assert (approved.status, approved.body) == (200, {"campaign": "spring", "version": version, "approvedBy": "bea"})
    launched = shop.ask("POST", "/v1/campaigns/spring/launch", {"by": "ann"})
    assert (launched.status, launched.body["approvedBy"]) == (202, "bea")
    (record,) = shop.records(Launch)
    assert (record.journey, record.version, record.author, record.approved_by) == ("spring", version, "ann", "bea")
    assert shop.ask("GET", "/v1/campaigns/spring").body["state"] == "launched"
    assert [row.intent.journey for row in shop.living.world.outbox.rows()] == ["spring"]
    again = shop.ask("POST", "/v1/campaigns/spring/launch", {"by": "ann"})
    assert (again.status, "once is enough" in again.body["message"]) == (409, True)


def test_it_is_stopped_by_the_api(shop: Shop) -> None:
    assert shop.ask("POST", "/v1/campaigns/spring/stop", {"by": "ann", "reason": "wrong price"}).status == 202
    assert [(one.journey, one.order, one.reason) for one in shop.records(Steer)] == [("spring", "stop", "wrong price")]
    assert shop.ask("GET", "/v1/campaigns/spring").body["state"] == "stopped"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "launch", {"by": "ann"}, 409, "nobody has approved spring"),
        ("POST", "launch", {}, 409, "say who you are"),
        ("POST", "approve", {"by": "ann", "version": "older"}, 409, "by now, not older"),
        ("POST", "approve", [], 400, "no JSON object"),
        ("POST", "stop", [], 400, "no JSON object"),
        ("POST", "launch", [], 400, "no JSON object"),
    ],
)
def test_what_may_not_be_is_refused(shop: Shop, method: str, path: str, body: Any, status: int, said: str) -> None:
    reply = shop.ask(method, f"/v1/campaigns/spring/{path}", body)
    assert (reply.status, said in reply.body["message"]) == (status, True), reply.body
    assert shop.records(Launch) == []


def test_an_unknown_campaign_is_not_found_and_a_stranger_is_not_heard(shop: Shop) -> None:
    for method, path in (
        ("GET", ""),
        ("GET", "/preview"),
        ("POST", "/approve"),
        ("POST", "/launch"),
        ("POST", "/stop"),
    ):
        assert (
            shop.ask(method, f"/v1/campaigns/sprong{path}", {"by": "ann"} if method == "POST" else None).status == 404
        )
    assert shop.ask("GET", "/v1/campaigns/spring/preview").body == {"campaign": "spring"}
    assert shop.ask("POST", "/v1/campaigns/spring/approve", {"by": "eve"}, authorization="Bearer wrong").status == 401
