"""What waits, waits by the right clock: decisions by the installation's, the machine's patience by the world's."""

import asyncio
import threading
from collections.abc import Mapping, Sequence

import pytest

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.errors import TransientError
from tactful.events.records import Consent, Event, pack
from tactful.events.responses import About
from tactful.events.sources import Source
from tactful.messages.fetches import Fetch
from tactful.messages.links import Open
from tactful.messages.machines import Request
from tactful.messages.source import MessageSource
from tactful.runtime.deliver import Deliverer
from tactful.runtime.fetching import PATIENCE, REST_US, Fetcher
from tactful.runtime.intake import Bounds, Busy, Intake
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
    """Is rung all the time, and remembers for how long it was asked to wait."""

    def __init__(self, clock: SimClock) -> None:
        self.asked: list[float | None] = []
        self._clock = clock

    def wait(self, timeout_s: float | None) -> None:
        self.asked.append(timeout_s)
        self._clock.advance(min(round((timeout_s or 1) * SECOND_US), SECOND_US // 10))


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


class Stuck(MemoryLog):
    """A disk that takes nothing until it is let go."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(1, clock)
        self.may_go_on = threading.Event()

    def append(self, records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        self.may_go_on.wait(60)
        return super().append(records)


def test_callers_are_told_to_come_back_after_seconds_of_the_world() -> None:
    clock = SimClock(START, 100)
    log = Stuck(clock)

    async def scene() -> None:
        intake = Intake(log, MemoryQuarantine(), MemoryBells(), clock, Bounds(waiting_us=5 * SECOND_US))
        intake.start()
        waiting = asyncio.create_task(intake.submit([(0, b"x")]))
        await asyncio.sleep(0)
        clock.advance(SECOND_US)  # More than a minute of the installation's.
        intake.check()
        clock.advance(5 * SECOND_US)
        with pytest.raises(Busy):
            intake.check()
        log.may_go_on.set()
        await waiting
        await intake.stop()

    asyncio.run(scene())


def test_who_died_is_looked_for_once_a_minute_of_the_world() -> None:
    world = World(1, START, speed=100)
    try:
        clock, looks = world.clock, list[int]()

        def gone(names: Sequence[str]) -> Sequence[str]:
            looks.append(clock.monotonic_us)
            return ()

        class Others(MemoryOutbox):
            def deliverers(self) -> list[str]:
                return ["another"]

        deliverer = Deliverer("one", Others(), world.log, MemoryBells(), clock, (), gone=gone)

        async def scene() -> None:
            deliverer.take_over()
            for _ in range(13):
                clock.advance(10 * SECOND_US)
                deliverer.turn()

        asyncio.run(scene())
        assert looks == [0, 60 * SECOND_US, 120 * SECOND_US]
    finally:
        world.close()


def test_an_endpoint_rests_for_seconds_of_the_world() -> None:
    clock, asked = SimClock(START, 100), list[str]()

    class Broken:
        async def __call__(self, url: str, timeout_s: float, /) -> bytes:
            asked.append(url)
            raise OSError("no connection")

        async def close(self) -> None:
            return None

    fetcher = Fetcher(Broken(), clock, lambda digest: b"")
    message = MessageSource("m", "s", fetches=(Fetch("stock", "https://shop.example/stock", 300_000),))

    def ask() -> int:
        asyncio.run(fetcher.fetch(message, {}, clock.now_us()))
        return len(asked)

    assert [ask() for _ in range(PATIENCE + 1)] == [1, 2, 3, 3]
    clock.advance(REST_US - 1)
    assert ask() == PATIENCE
    clock.advance(1)
    assert ask() == PATIENCE + 1
