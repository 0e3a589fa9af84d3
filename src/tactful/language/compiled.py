"""What the compiler hands to the floors above: conditions over a person, and tests of one event."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tactful.aggregates.newest import AggregateSpec, Newest
from tactful.events.derived import Reading


class EventTest(Struct, frozen=True):
    """`where=`: holds of one event? Called with the decoded properties and context."""

    text: str
    """Canonical: ast.unparse of the checked tree."""
    reads_context: bool
    holds: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


class Condition(Struct, frozen=True):
    """A boolean expression over a person, compiled against numbered aggregates.

    `newest` maps an aggregate's number to its state (absent: nothing matched yet), `traits` maps names to values.
    """

    text: str
    aggregates: tuple[tuple[int, AggregateSpec, EventTest | None], ...]
    traits: frozenset[str]
    """Names of the traits it reads (the first step of each path)."""
    holds: Callable[[Mapping[int, Newest], Mapping[str, Any], int], bool]
    next_change: Callable[[Mapping[int, Newest], int], int | None]
    """First instant > now at which a comparison that it contains changes by itself; may be early, never late."""
    because: Callable[[Mapping[int, Newest], Mapping[str, Any], int], tuple[Reading, ...]]
    """Every leaf (comparison, any, trait ...) with its value and the events behind it; slow, for reasons only."""


class Valued(Struct, frozen=True):
    """Any expression over a person, for its value (`tactful eval`); fields as in Condition."""

    text: str
    aggregates: tuple[tuple[int, AggregateSpec, EventTest | None], ...]
    traits: frozenset[str]
    value: Callable[[Mapping[int, Newest], Mapping[str, Any], int], Any]
    """A number, text, boolean, list or object; None is missing."""
    next_change: Callable[[Mapping[int, Newest], int], int | None]
