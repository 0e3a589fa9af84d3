"""A channel that is not set up: what was claimed for it waits, until it is or the message is no longer valid."""

from tactful.runtime.channels import Answer, Retry
from tactful.runtime.ports import Claimed
from tactful.values import MINUTE_US


class Missing:
    """`what` says what to do about it."""

    is_repeatable = False

    def __init__(self, name: str, what: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self._what = what

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        return Retry("the channel is not set up", self._what, MINUTE_US)

    async def close(self) -> None:
        return None
