"""Previews by the API: the same numbers as everywhere, and mistakes with their place."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from tactful.adapters.memory.lake import MemoryLake
from tactful.history.lake import Loss
from tactful.operations.reading.reader import Reader
from tactful.runtime.office import Visitor
from tactful.runtime.roles import ROLES, Role
from tactful.web.allowed import allowed
from tactful.web.desk import Desk
from tactful.web.openapi_examples import ANSWERS, ASKED
from tactful.web.previews import routes
from tests.previewing.opening import history_of
from tests.web.asking import ask
from tests.web.living import Living
from tests.web.test_openapi import check

ROUTE = ("/v1/preview", "post")


@pytest.fixture(scope="module")
def living() -> Iterator[Living]:
    living = Living()
    for number in range(6):
        living.did("Order Completed", f"u:{number}", total=number * 40)
    living.rest()
    yield living
    living.world.close()


def asked(living: Living, body: Any, role: Role = "analyst") -> tuple[int, dict[str, Any]]:
    world = living.world
    reader = Reader(
        world.log,
        world.stores,
        world.trail,
        world.outbox,
        world.quarantine,
        lambda: history_of(world.log, world.trail),
    )
    desk = Desk(lambda: reader)
    inner = Starlette(routes=allowed(routes(desk, world.clock), lambda *_: None))

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["visitor"] = Visitor("vic", role, ROLES[role], "")
        await inner(scope, receive, send)

    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = asyncio.run(ask(known, "POST", "/v1/preview", body=sent))
    desk.close()
    return answer.status, json.loads(answer.body)


def test_it_says_how_many(living: Living) -> None:
    status, found = asked(living, {"expression": 'sum("Order Completed", total) > 100', "days": 0})
    assert status == 200
    assert (found["people"], found["everybody"], found["kind"]) == (3, 6, "condition")
    assert {one["person"] for one in found["sample"]} == {"u:3", "u:4", "u:5"}
    assert found["spreads"][0]["comparison"] == {"op": ">", "threshold": 100, "people": 3}


def test_what_the_lake_has_lost_is_said(monkeypatch: pytest.MonkeyPatch, living: Living) -> None:
    monkeypatch.setattr(MemoryLake, "losses", (Loss("events", "one", 7, 0, 1),))
    status, found = asked(living, {"expression": 'any("Order Completed")'})
    assert status == 200
    assert "the lake has lost up to 7 rows of events" in found["lacks"][0]


def test_the_example_is_like_an_answer(living: Living) -> None:
    status, found = asked(living, ASKED[ROUTE])
    assert status == 200
    found["spreads"][0]["percentiles"] = ANSWERS[ROUTE]["spreads"][0]["percentiles"]
    check(ANSWERS[ROUTE], found)


def test_who_may_not_see_persons_asks_nothing(living: Living) -> None:
    """A condition may name one person, and its number say what is known of them."""
    status, found = asked(living, {"expression": 'any("Order Completed")'}, "viewer")
    assert (status, found["code"]) == (403, "forbidden")


def test_at_another_instant(living: Living) -> None:
    status, found = asked(living, {"expression": 'any("Order Completed")', "at": "2001-01-01T00:00:00Z", "days": 0})
    assert (status, found["people"], found["everybody"]) == (200, 0, 0)


def test_by_what_had_happened(living: Living) -> None:
    status, found = asked(living, {"expression": 'any("Order Completed")', "sees": "happened", "days": 0})
    assert (status, found["sees"], found["people"]) == (200, "happened", 6)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "expression"),
        ({"expression": ""}, "expression"),
        ({"expression": "vip", "at": "yesterday"}, "ISO 8601"),
        ({"expression": "vip", "at": "2999-01-01"}, "still to come"),
        ({"expression": "vip", "days": "7"}, "days"),
        ({"expression": "vip", "days": True}, "days"),
        ({"expression": "vip", "days": 10**9}, "days"),
        ({"expression": "vip", "sees": "guessed"}, "happened"),
        ({"expression": "vip", "sees": []}, "happened"),
        ({"expression": "count("}, "expression"),
        (b"[]", "JSON object"),
    ],
)
def test_what_is_wrong_is_said(living: Living, body: Any, said: str) -> None:
    status, found = asked(living, body)
    assert status == 400
    assert said in found["message"]
