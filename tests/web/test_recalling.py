"""As of by the API: the same answers as everywhere, for who may see persons, and mistakes that say what is wrong."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from tactful.adapters.memory.lake import MemoryLake
from tactful.history.lake import Loss
from tactful.operations.reading.reader import Reader
from tactful.runtime.office import Visitor
from tactful.runtime.roles import ROLES, Role
from tactful.values import SECOND_US, format_time
from tactful.web.allowed import allowed
from tactful.web.api import routes as api
from tactful.web.desk import Desk
from tactful.web.openapi_examples import ANSWERS
from tactful.web.recalling import Recall, routes
from tests.histories import Life, lived
from tests.web.asking import ask

FILES = {"segments/buyers.yaml": 'when: any("Order Completed")\n'}
LINES = [
    {"type": "track", "event": "Order Completed", "userId": f"u{day}", "receivedAt": f"2026-01-0{day}T10:00:00Z"}
    for day in (2, 3)
]
SECOND = "2026-01-02T10:00:00.000Z"


@pytest.fixture(scope="module")
def life() -> Life:
    return lived(FILES, LINES)


def asked(life: Life, path: str, role: Role = "marketer", /, **query: str) -> tuple[int, dict[str, Any]]:
    house = life.house
    reader = Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine, life.history)
    desk = Desk(lambda: reader)
    recall = Recall(desk, life.clock)
    inner = Starlette(routes=allowed([*api(desk, recall.profile), *routes(recall)], lambda *_: None))

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["visitor"] = Visitor("vic", role, ROLES[role], "")
        await inner(scope, receive, send)

    answer = asyncio.run(ask(known, "GET", f"{path}?{urlencode(query)}"))
    desk.close()
    return answer.status, json.loads(answer.body)


def test_members_of_a_segment_then(life: Life) -> None:
    status, found = asked(life, "/v1/segments/buyers/members", at="2026-01-02T12:00:00Z")
    assert status == 200
    assert found["members"] == [{"person": "u:u2", "since": SECOND}]
    assert found.keys() == ANSWERS["/v1/segments/{name}/members", "get"].keys()
    now = asked(life, "/v1/segments/buyers/members", limit="1", after="u:u2")[1]
    assert (now["people"], now["at"]) == (2, format_time(life.clock.now_us()))
    assert [one["person"] for one in now["members"]] == ["u:u3"]


def test_for_whom_a_condition_held(life: Life) -> None:
    status, found = asked(life, "/v1/members", when='count("Order Completed") == 1', at="2026-01-02T12:00:00Z")
    assert (status, found["people"]) == (200, 1)
    assert found.keys() == ANSWERS["/v1/members", "get"].keys()
    assert asked(life, "/v1/members", when='any("Order Completed")', sees="happened")[1]["people"] == 2


def test_what_the_lake_has_lost_is_said_with_every_answer(monkeypatch: pytest.MonkeyPatch, life: Life) -> None:
    at = {"at": "2026-01-02T12:00:00Z"}
    ways = [
        ("/v1/segments/buyers/members", at),
        ("/v1/members", {"when": 'any("Order Completed")', **at}),
        ("/v1/profiles/u2", at),
    ]
    assert not any("lacks" in asked(life, path, **query)[1] for path, query in ways)
    monkeypatch.setattr(MemoryLake, "losses", (Loss("events", "one", 7, 0, SECOND_US),))
    said = "the lake has lost up to 7 rows of events, from 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z"
    for path, query in ways:
        assert asked(life, path, **query)[1]["lacks"] == [f"{said}, with files that were damaged"]


def test_a_profile_then(life: Life) -> None:
    status, found = asked(life, "/v1/profiles/u2", at="2026-01-02T12:00:00Z")
    assert (status, found["events"], found["segments"]) == (200, 1, [{"segment": "buyers", "since": SECOND}])
    assert asked(life, "/v1/profiles/u3", at="2026-01-02T12:00:00Z")[0] == 404
    assert "runs" in asked(life, "/v1/profiles/u3")[1]  # As it is now, from live state.


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("/v1/segments/buyer/members", {}, 404, "there was no segment 'buyer'"),
        ("/v1/segments/buyers/members", {"at": "2025-01-01"}, 404, '"sees" as "happened" asks its first version'),
        ("/v1/segments/buyers/members", {"at": "noon"}, 400, '"at" is a time'),
        ("/v1/segments/buyers/members", {"sees": "all"}, 400, '"sees" is "known"'),
        ("/v1/segments/buyers/members", {"limit": "0"}, 400, '"limit" is a whole number'),
        ("/v1/members", {}, 400, "give a condition"),
        ("/v1/members", {"when": "count("}, 400, "expression"),
        ("/v1/members", {"when": 'count("A")'}, 400, "a value and no condition"),
    ],
)
def test_what_cannot_be_answered_says_why(life: Life, path: str, query: dict[str, str], status: int, said: str) -> None:
    found = asked(life, path, "marketer", **query)
    assert found[0] == status
    assert said in found[1]["message"]


def test_it_is_for_who_may_see_persons(life: Life) -> None:
    assert "people" not in ROLES["viewer"]
    assert asked(life, "/v1/segments/buyers/members", "viewer")[0] == 403
