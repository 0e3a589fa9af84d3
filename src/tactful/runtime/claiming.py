"""The ports for what is decided in one durable transaction of the outbox: claims, and whose a coupon's code is (see
ports.py)."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from tactful.events.derived import SendMessage
from tactful.runtime.ports import Claimed, Verdict


class Waiting(Struct, frozen=True):
    """An intent that waits for its claim; `attempt` counts from 1, `not_before` is due time or time of the retry."""

    intent: SendMessage
    partition: int
    attempt: int
    not_before: int


class Claiming(Protocol):
    """One fully durable transaction of the outbox, in which claims are decided."""

    def waiting(self, partition: int, channel: str, now_us: int, limit: int) -> list[Waiting]:
        """With not_before <= now; of the highest priority first, of those the oldest."""
        ...

    def in_flight(self, channel: str) -> int:
        """How many are claimed and not finished, all partitions."""
        ...

    # ---- what the gate asks --------------------------------------------------------------------------------

    def is_suppressed(self, address: str) -> bool: ...

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        """Claims of this journey (sent, held or in flight) after `since_us`, for any of the keys (those of one person)
        or this address (not a webhook's, nor a device's)."""
        ...

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        """Claims that count against caps (sent, held or in flight) at or after `since_us`: of this channel ("": of all
        but webhooks), for any of the keys or to any of these (`addresses.counted_as`)."""
        ...

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        """E-mails to this address, or another of the same inbox (messages/mail.py), claimed (sent, held or in flight)
        after `since_us`; of all, or of confirmations."""
        ...

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        """The code that any of these got first, else one that nobody has; None where there is none."""
        ...

    # ---- what becomes of an intent -------------------------------------------------------------------------

    def claim(self, claimed: Claimed, template_source: bytes) -> None:
        """waiting -> claimed; keeps the source under its digest, once."""
        ...

    def give(self, pool: str, code: str, owner: str, intent: str, at_us: int) -> None:
        """The code is this owner's, for good; what is somebody's already stays theirs, and when it was given."""
        ...

    def close(self, verdict: Verdict, at_us: int) -> None:
        """waiting -> refused or lapsed, with the reason; still to be reported."""
        ...

    def postpone(self, intent: str, not_before: int, reason: str, detail: str = "") -> None:
        """It waits on, and says why."""
        ...

    def park(self, intent: str, not_before: int, reason: str) -> None:
        """It waits on, until it is brought back (`unpark`) to the place that it had, or until `not_before`."""
        ...

    def take_back(self, partition: int, journeys: Sequence[str] | None, limit: int) -> int:
        """claimed -> waiting, of claims of these journeys (None: of any) that no deliverer has begun, as though they
        had never been claimed; returns how many, `limit` at most."""
        ...

    def unpark(self, partition: int, still: Sequence[str], limit: int) -> int:
        """Bring back what was parked, of any journey but these; returns how many, `limit` at most."""
        ...


# ---- coupons ---------------------------------------------------------------------------------------------------


class Pool(Struct, frozen=True):
    """Codes of one kind."""

    name: str
    codes: int
    left: int


class Given(Struct, frozen=True):
    """Whose a code is."""

    pool: str
    code: str
    owner: str
    """"identifier#epoch", as the person was called when it was given."""
    intent: str
    at_us: int


class Coupons(Protocol):
    """Pools of codes; each is given once, to one person (Claiming.give)."""

    def load(self, pool: str, codes: Iterable[str], at_us: int) -> int:
        """Add them, durable on return; those that the pool has change nothing. Returns how many are new."""
        ...

    def pools(self) -> list[Pool]:
        """By name."""
        ...

    def given(self, pool: str, after: str, limit: int) -> list[Given]:
        """By code, those greater than `after`."""
        ...
