"""What the oracle of journeys keeps of people: their runs, what they were sent, what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.parity.oracle.lines import Happening
from tests.simulation.journeys.reading import DAY, Journey, Step

Row = tuple[Any, ...]
Order = tuple[int, int, int]
GIVEN_BACK = ("refused", "lapsed", "rejected", "dropped")
NEWEST_EDITIONS = 5
LATE_GOALS = DAY


@dataclass(eq=False)
class Run:
    journey: Journey
    """The version by which it goes."""
    begun: Journey
    """The version with which it began."""
    key: str
    order: Order
    """Of what started it; the first is its moment then."""
    origin: tuple[str, int]
    """The fragment of the record that started it."""
    moment: int
    step: Step | None = None
    """Where it waits."""
    due: int = 0
    zone: str = ""
    """By whose clock it waits for a local time."""
    came: Happening | None = None
    """What it waited for, where that came while the journey was paused."""
    arm: str = ""
    goals: int = 0
    is_inside: bool = True
    had: set[str] = field(default_factory=set)
    """Steps whose message another half of the person has had."""

    def name(self) -> tuple[str, str, int]:
        return self.journey.name, self.key, self.order[0]


@dataclass(eq=False)
class Sent:
    """A message that was handed over: what the gate is asked about."""

    run: Run
    step: str
    at: int
    valid_until: int
    channel: str
    target: str
    purpose: str
    person: str
    """Whose it was then."""
    stopped: str = ""
    is_over: bool = False
    """Its outcome is known."""
    counts: bool = True
    number: int = 0
    """The same of the copy that somebody keeps who was the same person then."""

    def name(self) -> tuple[str, str, str, int, int, str]:
        return self.person, *self.run.name(), self.run.order[2], self.step


@dataclass(eq=False)
class Person:
    key: str
    now: int
    rows: list[Row] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    """Also those that have ended, for their goals."""
    sent: list[Sent] = field(default_factory=list)
    begun: list[tuple[str, str, int]] = field(default_factory=list)
    """Journey, key and moment of every start; it stays with all that were one person then."""

    def inside(self) -> list[Run]:
        return [run for run in self.runs if run.is_inside]


@dataclass
class Chance:
    """What hashes decide, as the engine's rows have it: of runs (person, journey, key, start) and of their splits."""

    arms: Mapping[tuple[str, str, str, int], str] = field(default_factory=dict)
    splits: Mapping[tuple[str, str, str, int, str], str] = field(default_factory=dict)
