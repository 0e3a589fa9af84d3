"""A person as the oracle knows one: all that ever happened, in lists, asked by brute force."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tactful.events.records import Event, unpack

Row = tuple[Any, ...]
Order = tuple[int, int, int]


@dataclass
class Kept:
    event: Event
    position: int
    properties: dict[str, Any]

    @property
    def order(self) -> Order:
        return (self.event.timestamp, self.event.received_at, self.position)

    @property
    def zone(self) -> object:
        """What the call said of the time zone."""
        return unpack(self.event.context).get("timezone")

    def is_named(self, name: str) -> bool:
        return self.event.name == name or (name == "*" and self.event.kind in ("track", "page", "screen"))


@dataclass
class Run:
    journey: str
    start: Order
    due: int
    key: str = ""
    sent_at: int | None = None
    is_held: bool = False

    def name(self) -> list[object]:
        return [self.journey, self.start[0], self.start[2]]


@dataclass
class Person:
    """One person, by brute force."""

    key: str
    thresholds: dict[tuple[str, float], tuple[int, float]]
    """Everybody's, each with when it was received."""
    kept: list[Kept] = field(default_factory=list)
    consents: list[tuple[Order, str, bool]] = field(default_factory=list)
    said: list[tuple[int, int, str, float]] = field(default_factory=list)
    """Scores: when received, position, model, value."""
    members: set[str] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    counted: list[tuple[str, int, Run]] = field(default_factory=list)
    """Intents that count against a limit: journey, instant, run."""
    rows: list[Row] = field(default_factory=list)
    now: int = -1

    def count(
        self,
        name: str,
        at: int,
        last: int | None = None,
        where: Callable[[dict[str, object]], bool] = lambda _: True,
    ) -> int:
        return sum(
            each.is_named(name)
            and where(each.properties)
            and each.event.timestamp <= at
            and (last is None or each.event.timestamp > at - last)
            for each in self.kept
        )

    def traits(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in sorted(self.kept, key=lambda one: one.order):
            if each.event.kind == "identify":
                found.update(each.properties)
        return {name: value for name, value in found.items() if value is not None}

    def score(self, model: str) -> float | None:
        return max(((at, place, value) for at, place, of, value in self.said if of == model), default=(0, 0, None))[2]

    def has_consented(self, purpose: str) -> bool:
        return max(((order, granted) for order, of, granted in self.consents if of == purpose), default=(0, False))[1]
