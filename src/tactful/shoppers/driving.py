"""Driving: the crowd lives in the server's time, as fast as that passes.

One round says everything that is due and does with mails what is due; between rounds the feeds are read. Nothing here
but `Drive.run` waits, so that a test can drive the same rounds under a virtual clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.shoppers import truth
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.inbox import Inbox
from tactful.shoppers.network import Network, Request, Times, insist
from tactful.shoppers.sending import Sender
from tactful.values import SECOND_US, format_time

LOOK_S = 1.0
"""Between two looks into the feeds, in real time."""
ROUND_S = 0.25
"""A round takes what is due at once, in real time at most so often."""
CLOCK_S = 30.0
"""The server's clock is asked anew."""


class Told(Struct, frozen=True):
    """How it goes, for a line on the screen."""

    now: int
    calls: int
    mails: int
    opened: int
    clicked: int
    orders: int
    refused: dict[str, int]


class Drive:
    """`inbox` is None where no mail is looked at."""

    def __init__(self, network: Network, crowd: Crowd, sender: Sender, inbox: Inbox | None) -> None:
        self.network = network
        self.crowd = crowd
        self.sender = sender
        self.inbox = inbox

    async def begin(self) -> None:
        """Tell who has an account; mails count from here on."""
        if self.inbox is not None:
            await self.inbox.begin()
        await self.sender.send(self.crowd.joining(), self.crowd.start)

    async def round(self, now_us: int) -> None:
        """Everything that is due by now."""
        calls, looks = self.crowd.due(now_us)
        await self.sender.send(calls, now_us)
        if self.inbox is not None:
            await self._if_let(self.inbox.handle(looks))

    async def look(self) -> None:
        """Into the feeds."""
        if self.inbox is not None:
            await self._if_let(self.inbox.look())

    async def _if_let(self, reading: Awaitable[None]) -> None:
        """A token may be refused for a while (its user may do less, too many ask); people go on shopping. What was not
        read is read the next time."""
        try:
            await reading
        except UsageError as error:
            self.sender.refused[str(error)] = self.sender.refused.get(str(error), 0) + 1

    async def run(self, times: Times, until: int, stop: asyncio.Event, tell: Callable[[Told], None]) -> int:
        """Until that instant of the server's, or until told to stop; returns the instant of the end."""
        looked_us = asked_us = self.network.steady_us()
        while not stop.is_set():
            now_us, steady_us = times.now_us(), self.network.steady_us()
            await self.round(min(now_us, until))
            if steady_us - looked_us >= LOOK_S * SECOND_US:
                looked_us = steady_us
                await self.look()
                tell(self.told(now_us))
            if steady_us - asked_us >= CLOCK_S * SECOND_US:
                asked_us = steady_us
                await times.look()
            if now_us >= until:
                break
            wait_s = (min(self.crowd.next_us(), until) - times.now_us()) / SECOND_US / times.speed
            await _wait(stop, min(max(wait_s, ROUND_S), LOOK_S))
        await self.look()
        return min(times.now_us(), until)

    def told(self, now_us: int) -> Told:
        inbox = self.inbox
        mails, opened, clicked = (inbox.mails, inbox.opened, inbox.clicked) if inbox is not None else (0, 0, 0)
        return Told(now_us, self.sender.sent, mails, opened, clicked, self.crowd.ordered, dict(self.sender.refused))

    # ---- the truth ---------------------------------------------------------------------------------------------

    async def truth(self, until: int) -> dict[str, Any]:
        """Of every journey that somebody entered. `tactful measure JOURNEY --from FIRST` is what compares with it."""
        assert self.inbox is not None
        journeys = {}
        for name in await self.inbox.journeys():
            rows, definition = await self.inbox.since_begin(name)
            entered = truth.units(rows, self.crowd.start, until + 1)
            if entered:
                goal = truth.goal_of(definition)
                journeys[name] = msgspec.to_builtins(truth.found(self.crowd, name, entered, goal, until))
        return {
            "seed": self.crowd.town.seed,
            "from": format_time(self.crowd.start),
            "until": format_time(until),
            "effect": self.crowd.town.effect,
            "people": len(self.crowd.people),
            "orders": self.crowd.ordered,
            "because_of_mails": sum(bool(one.mail) for made in self.crowd.orders.values() for one in made),
            "mails": self.inbox.mails,
            "journeys": journeys,
        }


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def is_there(network: Network) -> bool:
    """Whether a server answers at all."""
    return (await insist(network, Request("GET", "/readyz"))).status == 200
