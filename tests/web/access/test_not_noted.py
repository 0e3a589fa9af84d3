"""What cannot be noted in the audit log is not done, whoever asks: the disk is full where the office stands."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.adapters.memory.office import MemoryAudit, MemoryOffice
from tactful.errors import TransientError
from tactful.runtime.office import Visitor
from tactful.runtime.roles import ROLES
from tactful.web.allowed import Note, allowed
from tests.console.serving import Served, serve
from tests.console.shop import Shop

FULL = "office.db: the disk is full. Nothing was lost: free some space, and work goes on."


class Full(MemoryAudit):
    """As with a full disk: everything can be read."""

    def note(self, at: int, who: str, act: str, about: str = "", detail: str = "") -> None:
        raise TransientError(FULL)


@pytest.fixture(scope="module")
def console() -> Iterator[Served]:
    shop = Shop()
    with serve(shop) as served:
        office = served.console.office
        assert isinstance(office, MemoryOffice)
        office.audit = Full()
        yield served
    shop.close()


ACTS = [
    ("/journeys/cart_reminder/steer", {"order": "pause"}),
    ("/sending", {"switch": "off"}),
    ("/outbox/suppressions/add", {"address": "ada@example.com"}),
    ("/outbox/drop", {"intent": "x"}),
    ("/outbox/release", {"intent": "x"}),
    ("/quarantine/drop", {"id": "1"}),
    ("/quarantine/retry", {"id": "1"}),
]


@pytest.mark.parametrize(("path", "fields"), ACTS)
def test_nothing_is_done_from_a_page(console: Served, path: str, fields: dict[str, str]) -> None:
    shop = console.shop
    before = [shop.house.log.end(partition) for partition in range(shop.house.log.partitions)]
    answer = console.post(path, **fields)
    assert answer.status == 503, answer.text[:500]
    assert "This was not done" in answer.text and "the disk is full" in answer.text
    assert [shop.house.log.end(partition) for partition in range(shop.house.log.partitions)] == before
    assert shop.house.outbox.suppressions() == []
    assert console.get("/journeys").status == 200


def test_nothing_is_done_by_the_api() -> None:
    done, noted = list[str](), list[tuple[str, ...]]()

    async def steer(request: Request) -> Response:
        done.append(request.path_params["order"])
        return Response(status_code=404 if request.path_params["name"] == "nothing" else 200)

    def refuse(*_: str) -> None:
        raise TransientError(FULL)

    def keep(*said: str) -> None:
        noted.append(said)

    async def ask(note: Note, name: str, order: str) -> int:
        (route,) = allowed([Route("/v1/journeys/{name}/{order:str}", steer, methods=["POST"])], note)
        scope: dict[str, object] = {
            "type": "http",
            "method": "POST",
            "path": f"/v1/journeys/{name}/{order}",
            "headers": [],
        }
        scope |= {
            "path_params": {"name": name, "order": order},
            "state": {"visitor": Visitor("bea", "admin", ROLES["admin"])},
        }
        answer: Response = await route.endpoint(Request(scope))
        return answer.status_code

    assert (asyncio.run(ask(refuse, "cart", "pause")), done) == (503, [])
    assert (asyncio.run(ask(keep, "cart", "pause")), done) == (200, ["pause"])
    assert asyncio.run(ask(keep, "nothing", "pause")) == 404
    assert asyncio.run(ask(keep, "cart", "sign_in")) == 200, (
        "no word of the audit log, and so for the endpoint to refuse"
    )
    assert noted == [
        ("bea", "pause", "journeys/cart", "by the API"),
        ("bea", "pause", "journeys/nothing", "by the API"),
        ("bea", "pause", "journeys/nothing", "by the API: not done (404)"),
    ]
