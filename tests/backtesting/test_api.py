"""Backtests by the API."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from tactful.operations.backtesting.bench import Bench
from tactful.runtime.office import Visitor
from tactful.runtime.roles import ROLES, Role
from tactful.testing.clock import SimClock
from tactful.web.allowed import allowed
from tactful.web.backtests import routes
from tactful.web.openapi_examples import ANSWERS, ASKED
from tests.backtesting.test_pages import idle, play
from tests.web.asking import ask
from tests.web.test_openapi import check

Asking = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def bench() -> Iterator[Bench]:
    found = Bench(play)
    yield found
    found.close()


@pytest.fixture
def asking(bench: Bench) -> Asking:
    inner = Starlette(routes=allowed(routes(bench, Path("examples/shop"), SimClock(1), "UTC"), lambda *_: None))

    def asked(method: str, path: str, body: Any = None, role: Role = "analyst") -> tuple[int, dict[str, Any]]:
        async def known(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["visitor"] = Visitor("vic", role, ROLES[role], "")
            await inner(scope, receive, send)

        answer = asyncio.run(ask(known, method, path, body=json.dumps(body).encode() if body is not None else b""))
        return answer.status, json.loads(answer.body)

    return asked


def test_one_is_asked_for_and_found(bench: Bench, asking: Asking) -> None:
    wanted = {**ASKED["/v1/backtests", "post"], "to": "2025-03-11"}
    status, begun = asking("POST", "/v1/backtests", wanted)
    assert status == 202
    check(ANSWERS["/v1/backtests", "post"], {**begun, "found": None})
    idle(bench)
    status, job = asking("GET", f"/v1/backtests/{begun['number']}")
    assert (status, job["state"], job["problem"]) == (200, "done", "")
    found, example = job["found"], ANSWERS["/v1/backtests/{number}", "get"]["found"]
    assert found.keys() == example.keys()
    assert found["versions"][0].keys() == example["versions"][0].keys()
    assert found["versions"][0]["samples"][0].keys() == example["versions"][0]["samples"][0].keys()
    _, seen = asking("GET", f"/v1/backtests/{begun['number']}", role="viewer")
    assert seen["found"]["versions"][0]["samples"] == []  # Who may not see people sees none.
    _, listed = asking("GET", "/v1/backtests")
    check(ANSWERS["/v1/backtests", "get"], listed)
    assert asking("DELETE", f"/v1/backtests/{begun['number']}")[0] == 404  # It is over.


def test_the_lines_behind_a_number_are_asked_for_page_by_page(bench: Bench, asking: Asking) -> None:
    wanted = {"journey": "cart_reminder", "to": "2025-03-11", "against": "without"}
    number = asking("POST", "/v1/backtests", wanted)[1]["number"]
    lines = f"/v1/backtests/{number}/lines"
    idle(bench)
    (this, without) = asking("GET", f"/v1/backtests/{number}")[1]["found"]["versions"]

    def all_of(query: str) -> list[dict[str, Any]]:
        found, after = [], "0"
        while after:
            status, page = asking("GET", f"{lines}?{query}&limit=7&after={after}")
            assert status == 200 and len(page["lines"]) <= 7
            assert page["lines"] or page["next"] is None, "nobody goes in circles"
            found += page["lines"]
            assert len(found) < 1_000
            after = page["next"]
        return found

    messages = all_of("what=message")
    assert len(messages) == this["messages"] > 7
    check(ANSWERS["/v1/backtests/{number}/lines", "get"]["lines"], messages)
    assert messages == sorted(messages, key=lambda one: str(one["at"]))
    assert {one["what"] for one in all_of("what=run")} == {"run"}
    for day in this["byDay"]:
        assert len(all_of(f"what=message&day={day['day']}")) == day["messages"]
    assert (len(all_of("version=without")), without["messages"]) == (0, 0)
    assert asking("GET", lines, role="viewer")[0] == 403
    assert asking("GET", "/v1/backtests/999/lines")[0] == 404


def test_lines_that_cannot_be_are_refused(bench: Bench, asking: Asking) -> None:
    number = asking("POST", "/v1/backtests", {"journey": "cart_reminder"})[1]["number"]
    idle(bench)
    for query, said in (
        ("version=yesterday", "one of this"),
        ("what=hats", "'hats' is none of"),
        ("hat=red", "'hat' is none of"),
        ("after=-1", '"next" in the answer before'),
        (f"after={'9' * 99}", '"next" in the answer before'),
        ("limit=0", "from 1 to 1000"),
        ("limit=all", "from 1 to 1000"),
    ):
        status, answer = asking("GET", f"/v1/backtests/{number}/lines?{query}")
        assert (status, said in answer["message"]) == (400, True), query


def test_lines_of_one_that_is_not_done_are_not_there(asking: Asking, bench: Bench) -> None:
    number = asking("POST", "/v1/backtests", {"journey": "cart_reminder", "from": "2030-01-01"})[1]["number"]
    idle(bench)
    status, answer = asking("GET", f"/v1/backtests/{number}/lines")
    assert (status, answer["code"]) == (409, "not_done")
    assert "is failed" in answer["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"journey": "nowhere"}, "there is no file"),
        ({"journey": "../secrets"}, "no name of a journey"),
        ({"journey": "cart_reminder", "against": "yesterday"}, "published"),
        ({"journey": "cart_reminder", "days": 3}, "'days' is none of"),
        ({"journey": "cart_reminder", "orders": "yes"}, "true or false"),
        ({"journey": "cart_reminder", "files": {"segments/x.yaml": 3}}, "by its path"),
        ({"journey": "cart_reminder", "files": {"../secrets": ""}}, "no definitions of the kind"),
        ({}, "no name of a journey"),
    ],
)
def test_what_cannot_be_is_refused(asking: Asking, body: dict[str, Any], said: str) -> None:
    status, answer = asking("POST", "/v1/backtests", body)
    assert status == 400
    assert said in answer["message"]
