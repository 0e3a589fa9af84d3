"""Changing people by the API: traits as an identify call of a server, and un-merges; who may, and what is refused."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.office import MemoryOffice
from tactful.errors import TransientError
from tactful.events.intake import Arrival
from tactful.events.records import Event, Unmerge, decode, unpack
from tactful.events.sources import Source
from tactful.operations.people.patching import SOURCE
from tactful.runtime.intake import Bounds, Intake
from tactful.web import api, changes, openapi
from tactful.web.collect import collect_app
from tactful.web.desk import Desk
from tactful.web.guard import Guard
from tests.collect.edge import Reply, Running
from tests.web.doorkeeping import Walking, doorkeeper
from tests.web.living import PARTITIONS, Living

TOKEN = {"authorization": "Bearer let-me-in"}
BROWSER, SERVER = Source("web", "WK", "browser"), Source("shop", "SK", "server")
KEYS = {"browser": "Basic V0s6", "server": "Basic U0s6", "none": ""}


@pytest.fixture
def living() -> Iterator[Living]:
    living = Living()
    living.did("Product Viewed", "a:1")
    living.did("$identify", "u:ada", "a:1", name="Ada")
    living.rest()
    yield living
    living.world.close()


def ask(
    living: Living, method: str, path: str, body: Any = None, bounds: Bounds | None = None, **headers: str
) -> Reply:
    """One request to a server with collect in front and the guard behind, as app.py builds it; from somewhere else."""
    world = living.world

    async def play() -> Reply:
        intake = Intake(world.log, world.quarantine, MemoryBells(), world.clock, bounds)
        intake.start()
        desk = Desk(lambda: living.reader)
        inner = [
            *api.routes(desk),
            *api.probes(desk),
            *changes.routes(desk, intake.submit, lambda: Arrival(SOURCE, world.clock.now_us()), PARTITIONS),
        ]
        guarded = Guard(Starlette(routes=inner), doorkeeper(MemoryOffice(), Walking(), "let-me-in"), api.OPEN_PATHS)
        running = Running(collect_app(intake, (BROWSER, SERVER), world.clock, guarded), intake)
        try:
            sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await running.request(method, path, sent, {**TOKEN, **named})
        finally:
            await intake.stop()
            desk.close()

    reply = asyncio.run(play())
    living.rest()
    return reply


def records(living: Living) -> list[Any]:
    log = living.world.log
    return [decode(body) for partition in range(PARTITIONS) for _, body in log.read(partition, 0, 10_000)]


def patched(living: Living) -> list[Event]:
    return [record for record in records(living) if isinstance(record, Event) and record.source == "api"]


def test_traits_are_set_and_cleared_as_an_identify_of_a_server(living: Living) -> None:
    reply = ask(living, "PATCH", "/v1/profiles/ada", {"traits": {"size": "XL", "name": None}})
    assert reply.status == 202
    assert reply.body["identifier"] == "u:ada"
    (event,) = patched(living)
    assert (event.kind, event.trust, event.ids, event.message_id) == (
        "identify",
        "server",
        ("u:ada",),
        reply.body["messageId"],
    )
    assert ask(living, "GET", "/v1/profiles/ada").body["traits"] == {"size": "XL"}


@pytest.mark.parametrize(
    ("person", "traits", "ids"),
    [
        ("u:ada", {"a": 1}, ("u:ada",)),
        ("42", {"a": 1}, ("u:42",)),
        ("a:1", {"a": 1}, ("a:1",)),
        ("d:phone", {"a": 1}, ("d:phone",)),
        ("x:crm%3Aeu:7", {"a": 1}, ("x:crm%3Aeu:7",)),
        ("e:Ada@X.example", {"a": 1}, ("e:ada@x.example",)),
        ("e:ada@x.example", {"email": "other@x.example"}, ("e:ada@x.example",)),
        ("e:ada@x.example", {"phone": "+44 20 7946 0958"}, ("e:ada@x.example", "p:+442079460958")),
        ("p:+442079460958", {"email": "ada@x.example"}, ("e:ada@x.example", "p:+442079460958")),
        ("u:ada", {"email": "ada@x.example"}, ("u:ada", "e:ada@x.example")),
        ("a:1", {"email": "ada@x.example"}, ("e:ada@x.example", "a:1")),
    ],
)
def test_it_enters_at_the_identifier_that_was_named(
    living: Living, person: str, traits: dict[str, Any], ids: tuple[str, ...]
) -> None:
    assert ask(living, "PATCH", f"/v1/profiles/{person}", {"traits": traits}).status == 202
    (event,) = patched(living)
    assert (event.key, event.ids) == (ids[0], ids)
    assert unpack(event.properties) == traits


def test_what_is_told_of_an_identifier_reaches_the_person_whose_it_is(living: Living) -> None:
    ask(living, "PATCH", "/v1/profiles/a:1", {"traits": {"size": "XL"}})
    profile = ask(living, "GET", "/v1/profiles/a:1").body
    assert (profile["person"], profile["userId"]) == ("u:ada", "ada")
    assert profile["traits"] == {"name": "Ada", "size": "XL"}
    assert [each["id"] for each in profile["identifiers"]] == ["u:ada", "a:1"]


@pytest.mark.parametrize(
    "send",
    [
        lambda living, size: ask(
            living, "PATCH", "/v1/profiles/ada", {"traits": {"size": size}}, idempotency_key="k-1"
        ),
        lambda living, size: ask(living, "PATCH", "/v1/profiles/ada", {"traits": {"size": size}, "messageId": "k-1"}),
    ],
)
def test_a_patch_that_is_sent_again_changes_nothing(living: Living, send: Callable[[Living, str], Reply]) -> None:
    assert send(living, "XL").body["messageId"] == "k-1"
    ask(living, "PATCH", "/v1/profiles/ada", {"traits": {"size": "S"}})
    assert send(living, "XL").status == 202
    assert ask(living, "GET", "/v1/profiles/ada").body["traits"]["size"] == "S"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("ada", b"", 400, "bad_patch"),
        ("ada", b"[]", 400, "bad_patch"),
        ("ada", b"{", 400, "bad_patch"),
        ("ada", b'"\xff"', 400, "bad_patch"),
        ("ada", b"[" * 50_000, 400, "bad_patch"),
        ("ada", {"trait": {"a": 1}}, 400, "bad_patch"),
        ("ada", {"traits": {"a": 1}, "userId": "other"}, 400, "bad_patch"),
        ("ada", {"traits": []}, 400, "bad_patch"),
        ("ada", {"traits": {}}, 400, "traits_missing"),
        ("ada", {"traits": {"a": "x" * 70_000}}, 413, "call_too_large"),
        ("e:nobody", {"traits": {"a": 1}}, 400, "bad_identifier"),
        ("q:1", {"traits": {"a": 1}}, 400, "bad_identifier"),
        ("ada@x.example", {"traits": {"a": 1}}, 400, "ambiguous_identifier"),
        ("null", {"traits": {"a": 1}}, 400, "identifier_blocked"),
        ("u:" + "x" * 600, {"traits": {"a": 1}}, 400, "too_long"),
    ],
)
def test_what_is_wrong_with_a_patch_is_said(living: Living, path: str, body: Any, status: int, code: str) -> None:
    before = len(records(living))
    reply = ask(living, "PATCH", f"/v1/profiles/{path}", body)
    assert (reply.status, reply.body["code"]) == (status, code)
    assert reply.body["message"]
    assert len(records(living)) == before


def test_two_different_keys_of_one_patch_are_refused(living: Living) -> None:
    reply = ask(living, "PATCH", "/v1/profiles/ada", {"traits": {"a": 1}, "messageId": "m"}, idempotency_key="k")
    assert (reply.status, reply.body["code"]) == (400, "bad_patch")


def test_a_log_that_has_fallen_behind_asks_to_come_back(living: Living) -> None:

    reply = ask(living, "PATCH", "/v1/profiles/ada", {"traits": {"a": 1}}, bounds=Bounds(waiting_bytes=-1))
    assert reply.status == 202, "nothing waits, so it is taken"
    living.world.log.append = _full  # type: ignore[method-assign]  # a disk that is full
    reply = ask(living, "PATCH", "/v1/profiles/ada", {"traits": {"a": 1}})
    assert (reply.status, reply.body["code"], "retry-after" in reply.headers) == (503, "unavailable", True)


def _full(records: Any) -> dict[int, int]:
    raise TransientError("disk full")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/profiles/ada"),
        ("GET", "/v1/explain/ada"),
        ("GET", "/v1/outbox"),
        ("PATCH", "/v1/profiles/ada"),
        ("POST", "/v1/profiles/a:1/unmerge"),
    ],
)
def test_a_write_key_neither_reads_nor_changes_a_person(living: Living, key: str, method: str, path: str) -> None:
    before = len(records(living))
    body = {"traits": {"a": 1}} if method == "PATCH" else None
    reply = ask(living, method, path, body, authorization=KEYS[key])
    assert reply.status == 401
    assert "Ada" not in str(reply.body)
    assert len(records(living)) == before


def test_an_unmerge_says_what_goes_back_and_it_does(living: Living) -> None:
    reply = ask(living, "POST", "/v1/profiles/a:1/unmerge")
    assert (reply.status, reply.body) == (202, {"identifier": "a:1", "person": "u:ada", "returning": ["a:1"]})
    (record,) = [record for record in records(living) if isinstance(record, Unmerge)]
    assert (record.key, record.author) == ("a:1", "api")
    assert ask(living, "GET", "/v1/profiles/a:1").body["person"] == "a:1"
    again = ask(living, "POST", "/v1/profiles/a:1/unmerge")
    assert (again.status, again.body["code"]) == (409, "not_tied")
    assert ask(living, "POST", "/v1/profiles/nobody/unmerge").status == 404


def test_the_changes_are_described() -> None:
    paths = openapi.document()["paths"]
    assert set(paths["/v1/profiles/{id}"]) == {"get", "patch"}
    assert paths["/v1/profiles/{id}"]["patch"]["security"] == [{"administrator": []}]
    assert "409" in paths["/v1/profiles/{id}/unmerge"]["post"]["responses"]
