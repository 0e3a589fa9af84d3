"""Kept: an answer is worked out once at a time, shown when it is there, and asked for anew when it is old."""

import asyncio

from tactful.testing.clock import SimClock
from tactful.values import SECOND_US
from tactful.web.console.kept import Kept


class Work:
    def __init__(self) -> None:
        self.asked = 0
        self.free = asyncio.Event()
        self.is_broken = False

    async def __call__(self) -> int:
        self.asked += 1
        await self.free.wait()
        if self.is_broken:
            raise OSError("gone")
        return self.asked


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def tells_of_its_age() -> None:
    work, clock = Work(), SimClock(0)
    kept = Kept(work, clock, lasts_s=10)
    assert await kept.get(0) is None
    assert await kept.get(0) is None
    assert work.asked == 1
    work.free.set()
    await settle()
    assert await kept.get(0) == 1
    clock.advance(9 * SECOND_US)
    assert await kept.get(0) == 1
    clock.advance(SECOND_US)
    work.free.clear()
    assert await kept.get(0) == 1  # Old, given since nobody waits longer; a new one is asked for.
    work.free.set()
    await settle()
    assert await kept.get(0) == 2
    clock.advance(11 * SECOND_US)
    assert await kept.get(5) == 3  # Quick enough, so nothing old is given.


async def outlives_a_failure() -> None:
    work, clock = Work(), SimClock(0)
    kept = Kept(work, clock, lasts_s=10)
    work.free.set()
    assert await kept.get(5) == 1
    work.is_broken = True
    clock.advance(11 * SECOND_US)
    assert await kept.get(5) == 1
    await settle()
    assert await kept.get(5) == 1
    work.is_broken = False
    await kept.get(5)
    await settle()
    assert await kept.get(5) == work.asked


def test_an_answer_is_kept_for_as_long_as_it_may_be_old() -> None:
    asyncio.run(tells_of_its_age())


def test_an_answer_that_fails_leaves_the_last() -> None:
    asyncio.run(outlives_a_failure())
