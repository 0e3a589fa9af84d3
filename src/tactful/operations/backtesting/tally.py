"""What a backtest counts, in one unit of people and, added up, in all of them. Everything but the samples is a sum, so
the order of units does not matter; samples are those with the smallest digests, so neither does it there.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import nsmallest
from typing import Literal

import msgspec
from msgspec import Struct

SAMPLES = 50
"""Messages that are shown one by one."""


class Sent(Struct, frozen=True, array_like=True, order=True, tag="sent"):
    """A message that would have been sent."""

    at: int
    person: str
    """Whose it is at the end of the period."""
    intent: str
    step: str
    message: str
    channel: str
    variant: str
    entry_key: str
    due: int
    """When it was handed over; `at` is later where quiet hours held it back."""
    event: str
    """What its run began with."""
    before: int = 0
    """Of the goal, or of orders: how many came within the window before."""
    after: int = 0
    """Likewise after it, as far as history goes."""
    is_open: bool = False
    """The window after it reaches beyond the end of the period."""
    segments: tuple[str, ...] = ()
    """In which the person was then."""
    others: tuple[str, ...] = ()
    """Other journeys from which the person gets messages in the period as well."""
    near: tuple[str, ...] = ()
    """Of these, those that send one within a day of this one."""
    of: int = 0
    """How many of this journey the person gets in all."""
    alone: Literal["", "message", "person"] = ""
    """Of two versions: the other has no such message, or sends this person nothing at all."""


What = Literal["began", "start", "run", "gate", "held", "inside", "other", "fact"]


class Noted(Struct, frozen=True, array_like=True, order=True, tag="noted"):
    """What else stands behind the numbers: a run that began; that none began (`start`), that one ended without its
    message (`run`), that the gate refused one (`gate`) or held it back (`held`), each with its reason; a run that is
    inside at the end, with its beginning; a message of another journey; one of this journey that was sent in fact."""

    at: int
    person: str
    what: What
    text: str = ""
    """The reason as it was said; of a run that began its arm; of another journey's message that journey."""
    step: str = ""
    message: str = ""
    entry_key: str = ""
    intent: str = ""


Line = Sent | Noted


class Tally(Struct):
    """Of one version. Keys are tuples joined by a tab where they have several parts."""

    sent: Counter[str] = msgspec.field(default_factory=Counter)
    """By day (from 1970, in the workspace's zone), step and message."""
    starts: Counter[str] = msgspec.field(default_factory=Counter)
    """Runs that began, by day."""
    arms: Counter[str] = msgspec.field(default_factory=Counter)
    """Runs that began, by arm: "" those that are not held out."""
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    """Why there was no message: where it was decided (`start`, `run`, `gate`), and the reason."""
    delays: Counter[str] = msgspec.field(default_factory=Counter)
    """Messages that waited before the gate, by reason."""
    segments: Counter[str] = msgspec.field(default_factory=Counter)
    """In which segments the people were to whom a message went, when it did: messages by segment."""
    channels: Counter[str] = msgspec.field(default_factory=Counter)
    variants: Counter[str] = msgspec.field(default_factory=Counter)
    """By message and variant."""
    others: Counter[str] = msgspec.field(default_factory=Counter)
    """Messages of all other journeys in the period."""
    both: Counter[str] = msgspec.field(default_factory=Counter)
    """By other journey: people who got messages from it as well."""
    near: Counter[str] = msgspec.field(default_factory=Counter)
    """By other journey: messages of this one within a day of one of its."""
    per_person: Counter[int] = msgspec.field(default_factory=Counter)
    """People by how many messages they got."""
    hours: Counter[int] = msgspec.field(default_factory=Counter)
    """Messages by the hour of the workspace's day."""
    goals: Counter[str] = msgspec.field(default_factory=Counter)
    """By arm: goals reached by runs, as the engine counts them."""
    bought: Counter[str] = msgspec.field(default_factory=Counter)
    """Messages before, after, on both sides of which what the goal asks for came anyway; `open` where the window after
    it is not over at the end of the period."""
    codes: Counter[str] = msgspec.field(default_factory=Counter)
    """Coupons given, by pool."""
    history: Counter[str] = msgspec.field(default_factory=Counter)
    """What history says of the journey in the period: messages that were really sent, by step."""
    people: int = 0
    """Who were there at the end."""
    reached: int = 0
    """People who got at least one message."""
    inside: int = 0
    """Runs that are still inside at the end."""
    samples: list[Sent] = []

    def add(self, other: "Tally") -> None:
        for name in self.__struct_fields__:
            mine, others = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(others)
            elif isinstance(mine, int):
                setattr(self, name, mine + others)
        self.samples = sampled([*self.samples, *other.samples])

    @property
    def messages(self) -> int:
        return self.sent.total()


def sampled(messages: Iterable[Sent]) -> list[Sent]:
    """As good as drawn, and always the same."""
    return sorted(nsmallest(SAMPLES, messages, key=lambda one: (one.intent, one)))


class Difference(Struct):
    """Two versions side by side, person by person."""

    people: Counter[str] = msgspec.field(default_factory=Counter)
    """`both`, `first`, `second`: who would have got messages by both versions, or by one alone."""
    messages: Counter[str] = msgspec.field(default_factory=Counter)
    """`same` (of the same message to the same person about the same, on the same day), `first`, `second`."""

    def add(self, other: "Difference") -> None:
        self.people.update(other.people)
        self.messages.update(other.messages)
