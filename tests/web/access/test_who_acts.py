"""Who did it is who showed a sign-in or a token, whatever the body of a call says; and two people are two people."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.office import MemoryOffice
from tactful.events.intake import Arrival
from tactful.events.records import Launch, Steer, Unmerge, decode
from tactful.operations.access import users
from tactful.operations.access.access import Access
from tactful.operations.people.patching import SOURCE
from tactful.runtime.intake import Intake
from tactful.runtime.settings import plan_settings, read_settings
from tactful.web import campaigns, changes, journeys
from tactful.web.allowed import allowed
from tactful.web.collect import collect_app
from tactful.web.desk import Desk
from tactful.web.guard import Guard
from tests.collect.edge import Reply, Running
from tests.web.access.browsing import PASSWORD
from tests.web.doorkeeping import Walking, doorkeeper
from tests.web.living import PARTITIONS, Living
from tests.web.serving import Approved

FILES = {
    "segments/germans.yaml": 'when: country == "DE"\n',
    "journeys/spring.yaml": "description: x\nstart: {campaign: germans}\nsteps:\n"
    "- {send: {webhook: 'https://x.example/hook'}}\n",
}
TWO = '[sending]\napproval = "second_person"\n'


class Office:
    """The API over a small installation, with a real guard before it. `asked` as who is named in `credentials`."""

    def __init__(self) -> None:
        self.living = Living(files=FILES)
        self.approvals = Approved()
        self.access: Access = doorkeeper(MemoryOffice(), Walking(), "let-me-in")
        self.credentials = {"the token of the server": {"authorization": "Bearer let-me-in"}}
        for name, role in (("ann", "marketer"), ("bea", "marketer")):
            self.access.redeem(users.add(self.access, name, role, "a test"), name, PASSWORD, "")
            opened = self.access.enter(name, PASSWORD, "", "")
            found = self.access.of_sign_in(opened.secret)
            assert found is not None
            self.credentials[name] = {
                "cookie": f"tactful-80={opened.secret}",
                "host": "localhost",
                "x-csrf-token": found.csrf,
            }
        for token in ("nightly", "hourly"):
            secret = users.make_token(self.access, token, "admin", "a test")
            self.credentials[f"token {token}"] = {"authorization": f"Bearer {secret}"}

    def asked(self, who: str, path: str, **said: Any) -> Reply:
        world = self.living.world

        async def play() -> Reply:
            intake = Intake(world.log, world.quarantine, MemoryBells(), world.clock)
            intake.start()
            desk = Desk(lambda: self.living.reader)

            def arrive() -> Arrival:
                return Arrival(SOURCE, world.clock.now_us())

            routes = [
                *campaigns.routes(desk, desk, intake.submit, arrive, self.approvals, lambda *_: {}),
                *journeys.routes(desk, intake.submit, arrive, PARTITIONS),
                *changes.routes(desk, intake.submit, arrive, PARTITIONS),
            ]
            guarded = Guard(Starlette(routes=allowed(routes, self.access.note)), self.access)
            running = Running(collect_app(intake, (), world.clock, guarded), intake)
            try:
                return await running.request("POST", path, json.dumps(said).encode(), self.credentials[who])
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
def office() -> Iterator[Office]:
    made = Office()
    yield made
    made.living.world.close()


@pytest.mark.parametrize("who", ["ann", "token nightly"])
@pytest.mark.parametrize("claimed", ["bea", "", "Bea <bea@example.com>", {"$ne": 1}])
def test_nobody_signs_for_somebody_else(office: Office, who: str, claimed: Any) -> None:
    assert office.asked(who, "/v1/journeys/spring/pause", by=claimed, reason="x").body["by"] == who
    assert office.asked(who, "/v1/journeys/spring/resume", by=claimed).status == 202
    assert office.asked(who, "/v1/sending/off", by=claimed).status == 202
    assert office.asked(who, "/v1/sending/on", by=claimed).status == 202
    assert office.asked(who, "/v1/campaigns/spring/approve", by=claimed).body["approvedBy"] == who
    assert office.asked(who, "/v1/campaigns/spring/launch", by=claimed).body["by"] == who
    assert office.asked(who, "/v1/campaigns/spring/stop", by=claimed).status == 202
    assert {one.author for one in office.records(Steer)} == {who}
    assert [(one.author, one.approved_by) for one in office.records(Launch)] == [(who, who)]
    acts = office.access.office.audit.acts()
    assert {one.who for one in acts if one.detail == "by the API"} == {who}


def test_who_unties_is_named(office: Office) -> None:
    office.living.did("$identify", "u:ada", "a:1", "d:1")
    office.living.rest()
    assert office.asked("token nightly", "/v1/profiles/a:1/unmerge").status == 202
    assert [one.author for one in office.records(Unmerge)] == ["token nightly"]


def test_the_token_of_the_server_speaks_for_those_who_hold_it(office: Office) -> None:
    """It belongs to whoever runs the server, as the terminal does: who is behind it, it says itself."""
    who = "the token of the server"
    assert office.asked(who, "/v1/journeys/spring/pause", by="cron of ann").body["by"] == "cron of ann"
    assert office.asked(who, "/v1/journeys/spring/resume").body["by"] == "api"


@pytest.fixture
def two(office: Office) -> Office:
    office.living.world.publish(FILES, "test", plan_settings(read_settings(TWO, {})))
    office.living.rest()
    office.living.did("$identify", "u:ada", country="DE")
    office.living.rest()
    return office


def test_two_names_of_one_person_are_one_person(two: Office) -> None:
    assert two.asked("ann", "/v1/campaigns/spring/approve", by="bea").status == 200
    alone = two.asked("ann", "/v1/campaigns/spring/launch", by="carl")
    assert (alone.status, "somebody else has to launch it" in alone.body["message"]) == (409, True)
    assert two.asked("bea", "/v1/campaigns/spring/launch", by="ann").status == 202
    assert [(one.author, one.approved_by) for one in two.records(Launch)] == [("bea", "ann")]


@pytest.mark.parametrize(
    ("approves", "launches"), [("ann", "token nightly"), ("token nightly", "ann"), ("token nightly", "token hourly")]
)
def test_a_token_is_no_second_person(two: Office, approves: str, launches: str) -> None:
    """Ann could hold it."""
    reply = two.asked(approves, "/v1/campaigns/spring/approve")
    if approves == "ann":
        reply = two.asked(launches, "/v1/campaigns/spring/launch")
    assert (reply.status, "a token is no person" in reply.body["message"]) == (409, True), reply.body
    assert two.records(Launch) == []


def test_one_who_answers_for_nobody_is_no_second_person(two: Office) -> None:
    """The server's own token says who is behind it, and cannot say that of both."""
    server = "the token of the server"
    assert two.asked(server, "/v1/campaigns/spring/approve", by="token of mine").status == 409
    assert two.asked(server, "/v1/campaigns/spring/approve", by="ann").status == 200
    assert two.asked("ann", "/v1/campaigns/spring/launch").status == 409
    assert two.asked("bea", "/v1/campaigns/spring/launch").status == 202
