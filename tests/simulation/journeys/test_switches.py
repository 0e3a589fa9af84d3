"""Switches turned while the production loops run: what no deliverer had begun by then does not leave under them."""

from random import Random
from typing import Literal

import pytest

from tactful.adapters.memory.claiming import MemoryClaiming
from tactful.events.identifiers import partition_of
from tactful.events.records import Event, Steer, encode, pack
from tactful.runtime.ports import Claimed
from tactful.testing import Faults, World
from tests.simulation.histories import START
from tests.simulation.stage import played

MINUTE = 60_000_000
JOURNEYS = ("news", "hints")
FILES = {
    f"journeys/{name}.yaml": f"start: {{event: A}}\nkey: n\nvalidity: 2d\nsend: {{webhook: 'https://{name}.example/'}}\n"
    for name in JOURNEYS
}
Order = Literal["resume", "pause", "drain", "stop"]
ORDERS: tuple[Order, ...] = ("pause", "pause", "stop", "resume", "drain")
ALL: tuple[Order, ...] = ("pause", "resume")
FAULTS = Faults(between=0.2, slow=0.5, retry=0.2)


class Switched:
    """People come, the deliverer dies now and then, somebody turns switches."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = Random(seed)
        owners = self.rng.choice((((0,),), ((0,), (1,)), ((0, 1),)))
        self.world = World(seed, START, FAULTS, owners, {"webhook": 5})
        self.orders: dict[str, str] = {}
        self.events = 0
        self.unbegun = 0
        """Claims that a switch met."""

    def about(self) -> str:
        return f"seed {self.seed}"

    def play(self) -> None:
        self.world.publish(FILES, "somebody")
        self.world.run()
        for _ in range(12):
            self._round()
        self._rest()

    def _round(self) -> None:
        world, rng = self.world, self.rng
        if rng.random() < 0.7:
            world.crash("deliver")
        for _ in range(rng.randrange(8)):
            self._event()
        world.run()
        self._steer(*self._some_order())
        under_way, arrived = set(world.receiver.talking), len(world.receiver.accepted)
        assert not [one for one in self._claimed() if self.is_off(one.intent.journey)]
        world.pass_time(rng.choice((MINUTE // 10, MINUTE, 10 * MINUTE)))
        for one in world.receiver.accepted[arrived:]:
            row = world.outbox.row(one.intent)
            assert row is not None
            assert one.intent in under_way or not self.is_off(row.intent.journey), f"{one.intent} has left"

    def _rest(self) -> None:
        """Without a switch everything leaves, but for what was stopped."""
        for journey in ("", *JOURNEYS):
            self._steer(journey, "resume")
        self.world.heal()
        self.world.pass_time(600 * MINUTE)
        assert {row.status for row in self.world.outbox.rows(limit=10_000)} <= {"sent", "refused"}

    def is_off(self, journey: str) -> bool:
        return self.orders.get("") == "pause" or self.orders.get(journey) in ("pause", "stop")

    def _claimed(self) -> list[Claimed]:
        return self.world.outbox.claimed("webhook")

    def _event(self) -> None:
        self.events += 1
        key, number = f"u:{self.rng.randrange(9)}", self.events
        world = self.world
        at = world.clock.now_us()
        event = Event(
            1, "shop", "server", "track", "A", key, (key,), f"m{number}", at, at, properties=pack({"n": number})
        )
        partition = partition_of(key, world.log.partitions)
        world.log.append({partition: [encode(event)]})
        world.bells.ring(f"work-{partition}")

    def _some_order(self) -> tuple[str, Order]:
        journey = self.rng.choice(("", *JOURNEYS))
        return journey, self.rng.choice(ORDERS) if journey else self.rng.choice(ALL)

    def _steer(self, journey: str, order: Order) -> None:
        self.orders[journey] = order
        self.unbegun += sum(self.is_off(one.intent.journey) for one in self._claimed())
        self.world.tell(f"{order} {journey or 'all sending'}")
        self.world.log.append({0: [encode(Steer(self.world.clock.now_us(), journey, order, "somebody"))]})
        self.world.bells.ring("work-0")
        self.world.run()


@pytest.mark.parametrize("seed", range(12))
def test_what_nobody_has_begun_does_not_leave_under_a_switch(seed: int) -> None:
    played(Switched(seed))


def test_switches_do_meet_claims() -> None:
    """So that a simulation in which nothing happens cannot pass for a good one."""
    assert sum(played(Switched(seed)).unbegun for seed in range(4)) > 10


def test_claims_that_are_not_taken_back_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryClaiming, "take_back", lambda *_: 0)
    with pytest.raises(AssertionError):
        played(Switched(0))
