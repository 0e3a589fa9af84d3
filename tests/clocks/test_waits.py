"""What waits, waits by the right clock: decisions by the installation's, the machine's patience by the world's."""

import asyncio
from collections.abc import Sequence

import pytest

from tactful.errors import TransientError
from tactful.events.records import Consent, Event, pack
from tactful.events.responses import About
from tactful.events.sources import Source
from tactful.messages.links import Open
from tactful.messages.machines import Request
from tactful.runtime.ports import Bell, Clock
from tactful.runtime.rates import Rate
from tactful.runtime.responding import HOLD_US, Responding
from tactful.runtime.work import PATIENCE_S, RETRY_US, Work
from tactful.runtime.worker import Worker
from tactful.testing import SimClock, World
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US

START = 1_741_780_800_000_000
FILES = {
    "journeys/cart.yaml": "start: {event: Product Added}\nwait: 30m\nsend: {email: cart}\n",
    "messages/cart.yaml": "purpose: mail\nsubject: Cart\nhtml: <p>x</p>\ntext: '{{ unsubscribe_url }}'\n",
    "segments/lately.yaml": 'when: any("Product Added", last="1h")\n',
}


def fill(world: World) -> None:
    """One person who agrees to mail and puts something into the cart."""
    world.publish(FILES, "test")
    world.run()
    at = START
    told = pack({"email": "ada@people.example"})
    ids = ("u:ada",)
    world.call(lambda _: Event(1, "s", "server", "identify", "$identify", "u:ada", ids, "1", at, at, told))
    world.call(lambda _: Consent(1, "s", "server", "u:ada", "2", "mail", True, at, at))
    world.call(lambda _: Event(1, "s", "server", "track", "Product Added", "u:ada", ids, "3", at, at))
    world.run()


@pytest.mark.parametrize("speed", [1, 7, 60, 3600])
def test_the_same_journey_takes_the_same_time_by_the_clock_and_less_of_ours(speed: int) -> None:
    world = World(1, START, speed=speed)
    try:
        fill(world)
        real_us = -(-30 * MINUTE_US // speed)
        world.pass_time(real_us - 1)
        assert not world.receiver.accepted
        world.pass_time(SECOND_US)
        (mail,) = world.receiver.accepted
        assert mail.at_us - (START + 30 * MINUTE_US) <= speed * SECOND_US
    finally:
        world.close()


def test_a_fast_clock_wakes_nobody_more_often_than_something_is_due() -> None:
    """Beside the journey's wait and the segment's end there is only the look at what may have been set forward."""
    world = World(1, START, speed=60)
    try:
        fill(world)
        turns = 0

        def count() -> None:
            nonlocal turns
            turns += 1

        world.observe = count
        world.pass_time(DAY_US // 60)
        assert turns < 60
    finally:
        world.close()


class Ears(Bell):
    """Hears nothing, and remembers for how long it was asked to wait."""

    def __init__(self, clock: SimClock) -> None:
        self.asked: list[float | None] = []
        self._clock = clock

    def wait(self, timeout_s: float | None) -> None:
        self.asked.append(timeout_s)
        self._clock.advance(round((timeout_s or 1) * SECOND_US))


@pytest.mark.parametrize("speed", [1, 100])
def test_a_partition_that_the_disk_failed_rests_a_second_of_the_world(speed: int) -> None:
    clock = SimClock(START, speed)
    bell = Ears(clock)
    tries: list[int] = []

    def make(_: int) -> Worker:
        tries.append(clock.monotonic_us)
        raise TransientError("the disk is full")

    Work([0], make, bell, clock, lambda: len(tries) == 4).run()
    assert tries == [number * RETRY_US for number in range(4)]
    assert max(filter(None, bell.asked)) <= PATIENCE_S


@pytest.mark.parametrize("speed", [1, 100])
def test_what_a_source_may_send_is_counted_in_the_worlds_seconds(speed: int) -> None:
    clock = SimClock(START, speed)
    rate = Rate(Source("site", "key", "browser", 10, burst_seconds=1), clock)
    assert rate.take(30) == 0
    assert rate.take(1) == 2
    clock.advance(2 * SECOND_US)
    assert rate.take(1) == 1
    clock.advance(SECOND_US // 10)
    assert rate.take(1) == 0


class Told(Clock):
    """Stands where it is put, and says what it was asked."""

    speed = 100

    def __init__(self) -> None:
        self.now = START
        self.asked: list[int] = []

    def now_us(self) -> int:
        return self.now

    def until_s(self, at_us: int) -> float:
        self.asked.append(at_us)
        self.now = max(self.now, at_us)
        return 0


def test_a_request_is_judged_when_the_installations_clock_says_so() -> None:
    clock, told = Told(), list[Event]()

    async def scene() -> None:
        is_told = asyncio.Event()

        async def submit(events: Sequence[Event]) -> None:
            told.extend(events)
            is_told.set()

        responding = Responding(submit)
        running = asyncio.create_task(responding.run(clock))
        responding.opened(Open(About("0123456789abcdef", "u:ada"), START - HOUR_US), Request(), START)
        await is_told.wait()
        running.cancel()

    asyncio.run(scene())
    assert clock.asked == [START + HOLD_US]
    assert [event.received_at for event in told] == [START + HOLD_US]
