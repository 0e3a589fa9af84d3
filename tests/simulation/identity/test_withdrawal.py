"""Consent is withdrawn between every two steps from the trigger to the claim, at each in turn: nothing leaves.

A step is a call of a port by any process: append, read, load, commit, put, claim, hand-off, send ... Whoever withdraws
is another half of the person than the one that the message is for.
"""

from collections.abc import Sequence

import pytest

from tactful.consent.permits import Permit
from tactful.events.derived import ref
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Event, Forwarded, Passed, decode, decode_told, encode, pack
from tactful.kernel import deciding, gate
from tactful.testing import World
from tactful.testing.faults import Point
from tactful.testing.processes import Process
from tests.simulation.definitions import HOUR, MINUTE
from tests.simulation.histories import START
from tests.simulation.identity.shop import SHOP

USER, BROWSER = "u:1", "a:1"
OWNERS: tuple[Sequence[Sequence[int]], ...] = (((0,),), ((0,), (1,)))


class Interrupted(World):
    """Somebody withdraws when a process is at its `moment`-th step."""

    moment = -1
    steps = 0
    is_counting = False
    withdrawn_by = BROWSER
    accepted: tuple[int, int] | None = None
    """Partition and position of the withdrawal."""
    read_after = False
    """A worker of the person has begun to read since; what it claims now is decided knowing of it."""
    claimed_knowing = False

    def _point(self, process: Process) -> Point:
        inner = super()._point(process)

        def point(what: str, is_done: bool) -> None:
            inner(what, is_done)
            if not self.is_counting:
                return
            home = partition_of(USER, self.log.partitions)
            if what == "log.read" and not is_done and self.accepted is not None and self._is_told(home):
                self.read_after = True
            if what == "outbox.claiming.claim" and is_done:
                self.claimed_knowing |= self.read_after
            if self.steps == self.moment:
                self._withdraw()
            self.steps += 1

        return point

    def _is_told(self, home: int) -> bool:
        """The withdrawal stands in the log of the person's home: entered there, or passed on."""
        assert self.accepted is not None
        partition, position = self.accepted
        if partition == home:
            return True
        told = [decode(body) for _, body in self.log.read(home, self._end_before, 1 << 30)]
        passed = [decode_told(one.record) for one in told if isinstance(one, Forwarded) and one.src == partition]
        return any(isinstance(one, Passed) and one.ref == ref(partition, position) for one in passed)

    _end_before = 0

    def _withdraw(self) -> None:
        now_us, key = self.clock.now_us(), self.withdrawn_by
        record = Consent(1, "web", "browser", key, "no", "email_marketing", False, now_us, now_us)
        partition = partition_of(key, self.log.partitions)
        self._end_before = self.log.end(partition_of(USER, self.log.partitions))
        self.accepted = (partition, self.log.append({partition: [encode(record)]})[partition])
        self.bells.ring(f"work-{partition}")


def _happens(world: Interrupted, message_id: str, kind: str, **of: object) -> None:
    now_us = world.clock.now_us()
    ids = (USER, BROWSER)
    name = "$identify" if kind == "identify" else "Product Added"
    event = Event(1, "shop", "server", kind, name, USER, ids, message_id, now_us, now_us, pack(of))  # type: ignore[arg-type]  # one of two
    world.call(lambda _: event)


def story(owners: Sequence[Sequence[int]], moment: int, by: str) -> Interrupted:
    """Somebody who agreed leaves a cart, is reminded after half an hour, and withdraws at that moment."""
    world = Interrupted(1, START, owners=owners)
    world.moment, world.withdrawn_by = moment, by
    world.publish(SHOP.files(), SHOP.name)
    world.run()
    _happens(world, "m1", "identify", email="a@example.com")
    yes = Consent(1, "shop", "server", USER, "yes", "email_marketing", True, START, START)
    world.call(lambda _: yes)
    world.run()
    world.is_counting = True
    _happens(world, "m2", "track", price=30)
    world.pass_time(31 * MINUTE)
    world.is_counting = False
    world.pass_time(2 * HOUR)
    world.close()
    return world


def withdraw_everywhere(owners: Sequence[Sequence[int]], by: str, stride: int = 1) -> None:
    undisturbed = story(owners, -1, by)
    assert undisturbed.receiver.intents("email"), "undisturbed, the reminder leaves"
    sent = []
    for moment in range(0, undisturbed.steps, stride):
        world = story(owners, moment, by)
        assert world.accepted is not None
        assert not world.claimed_knowing, f"claimed after the withdrawal was read, at step {moment}"
        sent.append(bool(world.receiver.intents("email")))
    # Until a worker has read for the last time before its claim, the message stays; from the claim on it is on its way.
    assert sent == sorted(sent), "it left although the withdrawal came earlier than another that stopped it"
    assert not sent[0] and sent[-1]


def test_i7_nothing_leaves_whenever_consent_is_withdrawn_before_the_claim() -> None:
    withdraw_everywhere(OWNERS[0], BROWSER, stride=2)


def test_i7_nor_where_the_withdrawal_has_to_be_passed_on() -> None:
    withdraw_everywhere(OWNERS[1], BROWSER, stride=7)


@pytest.mark.long
@pytest.mark.parametrize("owners", OWNERS, ids=["one partition", "two partitions"])
@pytest.mark.parametrize("by", [USER, BROWSER])
def test_i7_at_each_step_of_every_process(owners: Sequence[Sequence[int]], by: str) -> None:
    withdraw_everywhere(owners, by)


def test_a_claim_that_asks_nobody_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_permit", lambda *_: Permit("email_marketing", "it was there once"))
    monkeypatch.setattr(deciding, "_withdraw", lambda *_: None)
    with pytest.raises(AssertionError, match="after the withdrawal was read"):
        withdraw_everywhere(OWNERS[0], USER, stride=7)
