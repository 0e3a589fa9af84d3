"""What the model of identity is made of: fragments with everything that ever reached them, identifiers, messages."""

from dataclasses import dataclass, field
from typing import Any

from tactful.events.records import Consent, Event, Outcome, Score
from tests.simulation.people import Kept, Order, Person, Run

Edge = tuple[str, int]
Told = Event | Consent | Score | Outcome
RANKS = {"u": 0, "x": 1, "e": 2, "p": 3, "a": 4, "d": 4}
"""IDENTITY.md 2, the strongest first."""


def strength(key: str) -> tuple[int, str]:
    return RANKS[key[0]], key


@dataclass(eq=False)
class Decision:
    """A yes or no, with the fragment that it entered at and those that were the person's then."""

    order: Order
    purpose: str
    is_granted: bool
    decider: str
    covers: frozenset[str]


@dataclass(eq=False)
class Fragment:
    name: str
    path: list[Edge]
    kept: list[Kept] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    """All that ever covered it."""
    said: list[tuple[int, int, str, float]] = field(default_factory=list)

    def decided(self, purpose: str, together: frozenset[str]) -> bool | None:
        """Of each decider the newest; a grant only while the decider is together with it; the newest of the rest."""
        newest: dict[str, Decision] = {}
        for one in sorted(self.decisions, key=lambda each: each.order):
            if one.purpose == purpose:
                newest[one.decider] = one
        counting = [one for one in newest.values() if not one.is_granted or one.decider in together]
        return max(counting, key=lambda each: each.order).is_granted if counting else None


@dataclass(eq=False)
class FragmentRun(Run):
    origin: str = ""
    """The fragment whose record started it."""
    mates: frozenset[str] = frozenset()
    """Fragments that the person had when it started."""
    is_given_back: bool = False
    """Its message was not sent."""

    def __eq__(self, other: object) -> bool:
        """Two halves may have begun the same at one instant."""
        return self is other

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Send:
    """That a message was handed over, for whom, when, and the fragments that the person had then."""

    key: str
    run: FragmentRun
    at: int
    mates: frozenset[str]


@dataclass(eq=False)
class Body(Person):
    """A person who has fragments."""

    fragments: dict[str, Fragment] = field(default_factory=dict)

    def names(self) -> frozenset[str]:
        return frozenset(self.fragments)

    def gather(self) -> None:
        """Everything anew from the fragments."""
        self.kept = [each for one in self.fragments.values() for each in one.kept]
        self.said = [each for one in self.fragments.values() for each in one.said]

    def has_consented(self, purpose: str) -> bool:
        said = [one.decided(purpose, self.names()) for one in self.fragments.values()]
        return True in said and False not in said


@dataclass(eq=False)
class Message:
    """What one identifier tells another: `kind` and `names` as the record has them, and what the model puts in."""

    kind: str
    key: str
    names: tuple[Any, ...] = ()
    content: Any = None
    is_import: bool = False
    """What came of it starts nothing."""


@dataclass(eq=False)
class Content:
    """What a Give carries."""

    fragments: dict[str, Fragment]
    runs: list[FragmentRun]
    counted: list[tuple[str, int, Run]]
    now: int


@dataclass(eq=False)
class Passing:
    """A record of a person on its way from where it entered."""

    record: Told
    ref: int
    fragment: str
    path: tuple[Edge, ...] = ()


@dataclass(eq=False)
class Identifier:
    key: str
    epoch: int = 1
    owners: dict[int, str] = field(default_factory=dict)
    ties: dict[str, bool] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    is_waiting: bool = False
    deferred: list[Message] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    is_shared: bool = False
    is_begun: bool = False
    """There was a person of this name, with a fragment of the first period however little has happened."""
    seen: set[str] = field(default_factory=set)

    @property
    def owner(self) -> str | None:
        return self.owners.get(self.epoch)

    @property
    def edge(self) -> Edge:
        return self.key, self.epoch
