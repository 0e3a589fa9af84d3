"""Claims while people are tied and untied: an intent is never lost, never decided by the wrong half, and in nobody's
way while it is on its way."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.events.derived import SendMessage
from tactful.events.records import Plan, Publish, pack
from tactful.journeys.runs import Run
from tactful.kernel.plan import adopt
from tactful.kernel.state import Fragment, Identity, Profile
from tactful.runtime.claims import Claims
from tactful.runtime.ports import Moved, Outbox
from tactful.values import DAY_US, SECOND_US

NOW = 1_740_816_000_000_000
FILES = {"journeys/hook.yaml": "start: {event: A}\nsend: {webhook: 'https://crm.example/'}\n"}
PLAN = adopt(None, Plan(1, Publish(NOW, FILES, {})), NOW, is_empty=True)[1]
OutboxMaker = Callable[[], Outbox]


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Outbox:
    return MemoryOutbox() if request.param == "memory" else SqliteOutbox(tmp_path / "outbox.db")


def order(intent: str, key: str, due: int = NOW) -> SendMessage:
    return SendMessage(
        at=NOW, intent=intent, key=key, journey="hook", entry_key="", channel="webhook", message="https://crm.example/",
        purpose="", due=due, valid_until=NOW + DAY_US, plan=1, started_at=NOW, started_ref=1, event="A",
        properties=Raw(pack({})),
    )  # fmt: skip


def person(key: str, *intents: str, identity: Identity | None = None) -> Profile:
    runs = [Run("hook", "", NOW, 0, 1, "m", 0, "A", pack({}), "v", intent) for intent in intents]
    fragments = {f"{key}#1": Fragment([], {}, {}, {})}
    return Profile(key, 0, 0, b"", fragments, {}, runs, {}, identity=identity)


class Desk:
    def __init__(self, outbox: Outbox, *, slots: int = 10, partition: int = 0) -> None:
        self.outbox = outbox
        self.partition = partition
        self.people: dict[str, Profile] = {}
        self.claims = Claims(partition, outbox, {"webhook": slots})

    def meet(self, *people: Profile) -> None:
        self.people |= {one.key: one for one in people}

    def turn(self, now: int = NOW) -> tuple[int, int]:
        decided = self.claims.decide(PLAN, self.people.get, now, position=1, is_behind=False)
        return decided.claimed, decided.closed

    def status(self, intent: str) -> str:
        row = self.outbox.row(intent)
        assert row is not None
        return row.status


MOVING = {
    "tied to another": person("a:1", "i1", identity=Identity(owners={1: "u:1"})),
    "tied, and its run has gone": person("a:1", identity=Identity(owners={1: "u:1"})),
    "untied, and not whole yet": person("a:1", "i1", identity=Identity(is_waiting=True)),
    "has given the run back": person("a:1", identity=Identity(ties={"a:2": False})),
}


@pytest.mark.parametrize("moving", MOVING.values(), ids=MOVING)
def test_an_intent_on_the_move_waits_and_holds_nobody_up(outbox: Outbox, moving: Profile) -> None:
    desk = Desk(outbox, slots=1)
    desk.meet(moving, person("u:2", "i2"), person("u:3", "i3"))
    outbox.put(0, [order("i1", "a:1", NOW - SECOND_US), order("i2", "u:2"), order("i3", "u:3", NOW + SECOND_US)])
    assert desk.turn() == (1, 0)
    assert (desk.status("i1"), desk.status("i2")) == ("waiting", "claimed")
    assert desk.claims.next_waiting == NOW + SECOND_US, "the worker sleeps until there is something to decide"
    assert desk.turn() == (0, 0)


@pytest.mark.parametrize("moving", MOVING.values(), ids=MOVING)
def test_it_is_decided_where_its_person_is_now(outbox: Outbox, moving: Profile) -> None:
    here, there = Desk(outbox), Desk(outbox, partition=1)
    here.meet(moving)
    there.meet(person("u:1", "i1"))
    outbox.put(0, [order("i1", "a:1")])
    assert here.turn() == (0, 0)
    outbox.moved([Moved("i1", "", -1, 1)])
    assert (here.turn(), there.turn()) == ((0, 0), (0, 0))
    assert here.claims.next_waiting is None
    outbox.moved([Moved("i1", "u:1", 1, 2)])
    assert (here.turn(), there.turn()) == ((0, 0), (1, 0))
    (claimed,) = outbox.claimed("webhook")
    assert (claimed.intent.key, claimed.partition) == ("u:1", 1), "links and outcomes speak of whom it belongs to"


def test_it_is_decided_as_soon_as_its_person_is_whole(outbox: Outbox) -> None:
    desk, profile = Desk(outbox), MOVING["untied, and not whole yet"]
    desk.meet(profile)
    outbox.put(0, [order("i1", "a:1")])
    assert desk.turn() == (0, 0)
    desk.meet(person("a:1", "i1", identity=Identity()))
    assert desk.turn() == (1, 0)


def test_what_nobody_knows_any_more_is_closed(outbox: Outbox) -> None:
    desk = Desk(outbox)
    desk.meet(person("u:1"), person("u:3", identity=Identity(ties={"a:1": True})))
    outbox.put(0, [order("i1", "u:1"), order("i2", "u:2"), order("i3", "u:3")])
    assert desk.turn() == (0, 2)
    assert desk.turn(NOW + 2 * DAY_US) == (0, 0), "it may still come to light"
    assert desk.turn(NOW + 2 * DAY_US + 1) == (0, 1)
    assert [desk.status(intent) for intent in ("i1", "i2", "i3")] == ["refused"] * 3


def test_a_storm_of_merges_holds_nobody_up(outbox: Outbox) -> None:
    desk = Desk(outbox, slots=2)
    many = 700
    for number in range(many):
        desk.meet(person(f"a:{number}", f"m{number}", identity=Identity(owners={1: "u:1"})))
    outbox.put(0, [order(f"m{number}", f"a:{number}", NOW - SECOND_US) for number in range(many)])
    free = [person(f"u:{number}", f"f{number}") for number in range(5)]
    desk.meet(*free)
    outbox.put(0, [order(f"f{number}", f"u:{number}") for number in range(5)])
    looked: list[str] = []

    def find(key: str) -> Profile | None:
        looked.append(key)
        return desk.people.get(key)

    decided = desk.claims.decide(PLAN, find, NOW, position=1, is_behind=False)
    assert (decided.claimed, decided.closed) == (2, 0)
    assert [desk.status(f"f{number}") for number in range(3)] == ["claimed", "claimed", "waiting"]
    assert len(looked) <= many + 5, "each is looked at once"


def test_an_intent_that_comes_back_to_wait_goes_after_its_person(outbox: Outbox) -> None:
    here, there = Desk(outbox), Desk(outbox, partition=1)
    here.meet(person("a:1", "i1"))
    outbox.put(0, [order("i1", "a:1")])
    assert here.turn() == (1, 0)
    outbox.moved([Moved("i1", "u:1", 1, 1)])
    here.meet(replace(person("a:1", "i1"), identity=Identity(owners={1: "u:1"})))
    there.meet(person("u:1", "i1"))
    assert outbox.retry_orphans(["one"], ["webhook"], NOW) == []
    outbox.hand_off(["i1"], "one")
    assert outbox.retry_orphans(["one"], ["webhook"], NOW) == ["i1"]
    assert (here.turn(), there.turn()) == ((0, 0), (1, 0))
