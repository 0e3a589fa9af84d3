"""Receivers at the other end of a channel: a mail server or somebody's web server that is slow, refuses, or drops the
line before it has accepted or after. What it accepted outlives every process of ours."""

import asyncio
from collections.abc import Callable
from random import Random

from msgspec import Struct

from tactful.runtime.channels import Answer, Rejected, Retry, Sent, Unknown
from tactful.runtime.ports import Claimed
from tactful.testing.faults import Faults, Point


class Accepted(Struct, frozen=True):
    channel: str
    intent: str
    address: str
    at_us: int
    body: bytes


class Receiver:
    """What has arrived, in order, for all channels."""

    def __init__(self) -> None:
        self.accepted: list[Accepted] = []
        self.talking: set[str] = set()
        """Intents that are being sent now."""

    def intents(self, channel: str) -> list[str]:
        return [one.intent for one in self.accepted if one.channel == channel]


class SimChannel:
    """The port `Channel` as one process has it."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        rng: Random,
        faults: Callable[[], Faults],
        now_us: Callable[[], int],
        point: Point,
        slots: int,
    ) -> None:
        self.name = name
        self.slots = slots
        self.is_repeatable = name == "webhook"
        self._receiver = receiver
        self._rng = rng
        self._faults = faults
        self._now_us = now_us
        self._point = point

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        self._receiver.talking.add(claim.intent.intent)
        try:
            return await self._talk(claim, body)
        finally:
            self._receiver.talking.discard(claim.intent.intent)

    async def _talk(self, claim: Claimed, body: bytes) -> Answer:
        faults, rng = self._faults(), self._rng
        self._point(f"{self.name}.connect", False)
        if rng.random() < faults.slow:
            await self._wait(rng.choice((0.1, 2.0, 30.0, 400.0)))
        if rng.random() < faults.retry:
            return Retry("451 try again later", after_us=rng.choice((0, 1_000_000, 600_000_000)))
        if rng.random() < faults.reject:
            return Rejected("550 no", suppress=self.name == "email" and rng.random() < faults.bad_address)
        if rng.random() < faults.unknown / 2:
            return Unknown("the line dropped")
        self._point(f"{self.name}.dot", False)
        arrived = Accepted(self.name, claim.intent.intent, claim.address, self._now_us(), body)
        self._receiver.accepted.append(arrived)
        self._point(f"{self.name}.dot", True)
        if rng.random() < faults.slow / 2:
            await self._wait(rng.choice((0.1, 5.0)))
        if rng.random() < faults.unknown / 2:
            return Unknown("the line dropped after the end of the mail")
        return Sent("250 ok")

    async def close(self) -> None:
        return None

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        passed = loop.create_future()
        timer = loop.call_later(seconds, passed.set_result, None)
        try:
            await passed
        finally:
            timer.cancel()
