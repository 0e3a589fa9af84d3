"""What the compiler hands to the floors above: conditions and values over a person, and tests of one event."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.aggregates.spec import Aggregate, AggregateSpec
from tactful.events.derived import Reading
from tactful.language.tree import Node


class View(Protocol):
    """What an expression may look at, of one person at one instant. Everything is as of that instant."""

    @property
    def states(self) -> Mapping[int, State]:
        """Aggregates by number; absent: nothing matched yet."""

    @property
    def traits(self) -> Mapping[str, Any]: ...

    @property
    def scores(self) -> Mapping[str, float]:
        """By model."""

    @property
    def thresholds(self) -> Mapping[str, Mapping[float, float]]:
        """Of each metric or model, the last broadcast value by percent."""

    @property
    def consents(self) -> Mapping[str, bool]:
        """Granted or not, by purpose; absent: never asked."""

    @property
    def zone(self) -> str:
        """IANA name of the person's time zone (LANGUAGE.md 8)."""


class Feed(Struct, frozen=True):
    """How one event gets into an aggregate: where it holds, with this value. Lowered trees over the event."""

    events: tuple[str, ...]
    where: Node | None
    value: Node | None
    """None: the event alone."""
    step: int = 0
    """Of a sequence: which step, from 0. Of a collection: 0 adds, 1 removes, 2 clears."""


class Fold(Struct, frozen=True):
    """One aggregate of a condition: its number in states, its kind set up, and what feeds it."""

    number: int
    spec: AggregateSpec
    aggregate: Aggregate[Any]
    feeds: tuple[Feed, ...]
    least: int = 0
    """Nothing is asked but whether so many events, or more of them up to spec.keep, are in the window: before that many
    are there, and when spec.keep are, one more changes no answer. 0: more is asked."""


class EventTest(Struct, frozen=True):
    """A condition on one event (`where:` of a journey's start). Called with the decoded properties and context."""

    text: str
    reads_context: bool
    holds: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


class EventValue(Struct, frozen=True):
    """A value of one event (`key:` of a journey), from its decoded properties and context; None is missing."""

    text: str
    reads_context: bool
    value: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]

    def __call__(self, properties: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        return self.value(properties, context)


class Reads(Struct, frozen=True):
    """What beside aggregates an expression looks at: a change of any of it may change the value."""

    traits: frozenset[str] = frozenset()
    scores: frozenset[str] = frozenset()
    thresholds: frozenset[str] = frozenset()
    """Metrics and models whose thresholds it compares with."""
    purposes: frozenset[str] = frozenset()
    zone: bool = False


class Condition(Struct, frozen=True):
    """A boolean expression over a person, compiled against numbered aggregates."""

    text: str
    """Canonical, with what its names mean behind it: of equal texts the meaning is equal."""
    said: str
    """The same without that, for reasons."""
    folds: tuple[Fold, ...]
    reads: Reads
    holds: Callable[[View, int], bool]
    next_change: Callable[[View, int], int | None]
    """First instant > now at which the answer may change by itself; may be early, never late."""
    because: Callable[[View, int], tuple[Reading, ...]]
    """Every leaf (comparison, any, trait ...) with its value and the events behind it; slow, for reasons only."""
    key: Callable[[View, int], str | float | bool | None]
    """The value that a grouped count (`same=`) of the condition is about at `now`; None where it has none."""
    is_still: bool = False
    """It never changes by itself: `next_change` always says None."""


class Valued(Struct, frozen=True):
    """Any expression over a person, for its value (metrics, `tactful eval`); fields as in Condition."""

    text: str
    folds: tuple[Fold, ...]
    reads: Reads
    value: Callable[[View, int], Any]
    """A number, text, boolean, list, object, Time or Duration; None is missing."""
    next_change: Callable[[View, int], int | None]
    is_coarse: Callable[[View, int], bool]


class Reader(Struct, frozen=True):
    """Everything that reads the events of one name, as one generated function."""

    needs_properties: bool
    needs_context: bool
    read: Callable[..., list[int]]
    """(states, at, lag, ref, now, properties, context, also=None) -> numbers of the aggregates whose answers may now be
    others; changes states in place. `also` are the states of a part of the person, into which the event is folded as
    well. An event too old for a window is not taken in."""
