"""Workers run without the collector of cycles: nothing that they hold may be part of one. Over a shop in which people
become one, consent, are sent to and answered, nothing is left that only the collector would find."""

import gc
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tactful.events.records import Consent, Event, Unmerge
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn
from tactful.kernel.view import PersonView
from tactful.testing import World
from tactful.values import MINUTE_US
from tests.simulation import histories
from tests.simulation.identity.shop import SHOP

CALLS = 120
PEOPLE = ("u:1", "u:2", "a:1", "a:2")
Record = Event | Consent


class Life:
    def __init__(self) -> None:
        self.world = World(1, histories.START)
        self.rng = Random(3)
        self.made = 0
        self.world.publish(SHOP.files(), "garbage")
        self.world.run()

    def go_on(self) -> None:
        for _ in range(CALLS):
            self.made += 1
            self.world.call(self._call(f"m{self.made}"))
            self.world.pass_time(7 * MINUTE_US)

    def _call(self, message_id: str) -> Callable[[int], Event | Consent | Unmerge]:
        rng, now = self.rng, self.world.clock.now_us()
        if self.made % 40 == 0:
            return lambda at: Unmerge(at, "a:1", "somebody")
        if self.made % 7 == 0:
            ids = rng.choice((("u:1", "a:1"), ("u:2", "a:2")))
            return lambda at: Event(1, "s", "server", "identify", "$identify", ids[0], ids, message_id, at, at)
        make = histories.consent if self.made % 5 == 0 else histories.event
        made: Record = make(rng, rng.choice(PEOPLE), now, message_id)
        return lambda at: _received(made, at)


def _received(made: Record, at: int) -> Record:
    found = histories.received(made, at)
    assert isinstance(found, Event | Consent)
    return found


def found_after(life: Life) -> Counter[str]:
    """What a round leaves that the collector alone finds, by type."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        life.go_on()
        gc.collect()
        return Counter(type(one).__name__ for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_no_turn_leaves_what_only_the_collector_finds() -> None:
    life = Life()
    try:
        life.go_on()  # What is made once (compiled plans, first uses) has been made.
        assert found_after(life) == Counter()
        rows = life.world.outbox.rows(limit=1 << 30)
        assert {row.status for row in rows} >= {"sent", "refused"}, "messages were sent meanwhile, and some were not"
    finally:
        life.world.close()


class Knot(list[object]):
    """Holds itself."""


def test_what_knows_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted, so that the test above says something."""
    view = Turn.view

    def knotted(turn: Turn, profile: Profile) -> PersonView:
        itself = Knot()
        itself.append(itself)
        return view(turn, profile)

    monkeypatch.setattr(Turn, "view", knotted)
    life = Life()
    try:
        assert found_after(life)["Knot"] > CALLS
    finally:
        life.world.close()
