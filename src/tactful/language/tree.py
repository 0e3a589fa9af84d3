"""The checked tree of an expression: what it means, with the names resolved and nothing left to refuse.

`!=`, `not in`, `is not`, chains and parentheses are gone, and a text that is read as a time or a duration is one: one
meaning has one tree and one canonical text (canonical.py), by which two definitions find out that they ask the same.
"""

from collections.abc import Iterator
from typing import Literal as OneOf

from msgspec import Struct

from tactful.language.vocabulary import Collection

Path = tuple[str | int, ...]
Span = tuple[int, int]
Scalar = bool | int | float | str | None


class Window(Struct, frozen=True):
    """T - older < timestamp <= T - newer; `last=` has newer 0 (LANGUAGE.md 5). Microseconds."""

    older_us: int
    newer_us: int = 0


# ---- values ----------------------------------------------------------------------------------------------------------


class Literal(Struct, frozen=True):
    value: Scalar
    span: Span


class Instant(Struct, frozen=True):
    """A time that was written as a text next to a time, or in time("...")."""

    at_us: int
    span: Span


class Lasting(Struct, frozen=True):
    """A duration that was written as a text."""

    duration_us: int
    span: Span


class Items(Struct, frozen=True):
    """A list written out."""

    items: tuple["Node", ...]
    span: Span


class Trait(Struct, frozen=True):
    """Of the person as of T; inside where= written `profile.x`."""

    path: Path
    span: Span

    @property
    def name(self) -> str:
        return str(self.path[0])


class Property(Struct, frozen=True):
    path: Path
    span: Span


class Context(Struct, frozen=True):
    path: Path
    span: Span


class Part(Struct, frozen=True):
    """Of a collection: `lines`, `quantity`, `value`, `changed_at`, or `items` with a path into them."""

    collection: Collection
    path: Path
    span: Span


class Arithmetic(Struct, frozen=True):
    """Missing where LANGUAGE.md 3.7 does not define it."""

    op: OneOf["+", "-", "*", "/"]
    left: "Node"
    right: "Node"
    span: Span


class Negative(Struct, frozen=True):
    """Minus a number."""

    operand: "Node"
    span: Span


class ReadTime(Struct, frozen=True):
    """A text read as ISO 8601 because it stands next to a time (LANGUAGE.md 3.2); missing for anything else. Of a list,
    which only stands right of `in`: the list of what its elements read as."""

    operand: "Node"
    span: Span


class Function(Struct, frozen=True):
    """Of values: time(x) lower(s) len(list) contains(s, t) starts_with(s, t) ends_with(s, t)."""

    name: OneOf["time", "lower", "len", "contains", "starts_with", "ends_with"]
    arguments: tuple["Node", ...]
    span: Span


# ---- what happened ---------------------------------------------------------------------------------------------------


class Selection(Struct, frozen=True):
    """The events that a function looks at: names (sorted, without what "*" covers), where= and the window."""

    events: tuple[str, ...]
    where: "Node | None"
    window: Window | None


class Aggregate(Struct, frozen=True):
    """f(EVENT, [VALUE], where=, last= | between=); `value` is also V of count(E, same=V)."""

    function: OneOf[
        "count", "any", "sum", "avg", "min", "max", "distinct", "first", "latest", "time_since", "active_days"
    ]
    selection: Selection
    value: "Node | None"
    span: Span


class AtLeast(Struct, frozen=True):
    """A count (with or without same=) is at least n (1..CAP): what lower.py makes of comparisons; nobody writes it."""

    count: Aggregate
    n: int
    span: Span


class Step(Struct, frozen=True):
    """Of a sequence."""

    events: tuple[str, ...]
    where: "Node | None"
    is_absent: bool


class Sequence(Struct, frozen=True):
    steps: tuple[Step, ...]
    within_us: int | None
    last_us: int | None
    span: Span


class Sessions(Struct, frozen=True):
    function: OneOf["sessions", "session_length", "avg_session_length"]
    gap_us: int
    window: Window | None
    span: Span


# ---- the person and the moment ---------------------------------------------------------------------------------------


class Now(Struct, frozen=True):
    span: Span


class Clock(Struct, frozen=True):
    """At T in the person's zone."""

    function: OneOf["local_hour", "local_weekday", "local_month"]
    span: Span


class InSegment(Struct, frozen=True):
    """segment("s"): the condition of s, read in its place; `tree` is always a condition."""

    name: str
    tree: "Node"
    span: Span


class Score(Struct, frozen=True):
    model: str
    span: Span


class Percentile(Struct, frozen=True):
    """percentile("m") >= p, or < p. `value` is the metric's expression, or the Score of the model."""

    name: str
    value: "Node"
    op: OneOf[">=", "<"]
    percent: float
    span: Span


class Consents(Struct, frozen=True):
    purpose: str
    span: Span


# ---- conditions ------------------------------------------------------------------------------------------------------


class Compare(Struct, frozen=True):
    op: OneOf["==", "<", "<=", ">", ">="]
    left: "Node"
    right: "Node"
    span: Span


class In(Struct, frozen=True):
    """Some element of `among` (Items, or a name that may hold a list) equals the item."""

    item: "Node"
    among: "Node"
    span: Span


class IsMissing(Struct, frozen=True):
    operand: "Node"
    span: Span


class All(Struct, frozen=True):
    parts: tuple["Node", ...]
    span: Span


class Either(Struct, frozen=True):
    parts: tuple["Node", ...]
    span: Span


class Not(Struct, frozen=True):
    part: "Node"
    span: Span


Node = (
    Literal
    | Instant
    | Lasting
    | Items
    | Trait
    | Property
    | Context
    | Part
    | Arithmetic
    | Negative
    | ReadTime
    | Function
    | Aggregate
    | AtLeast
    | Sequence
    | Sessions
    | Now
    | Clock
    | InSegment
    | Score
    | Percentile
    | Consents
    | Compare
    | In
    | IsMissing
    | All
    | Either
    | Not
)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node over the same scope; `where=`, values of events and steps are another scope, and what a
    segment or a metric means is another text."""
    match node:
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return left, right
        case In(item=item, among=among):
            return item, among
        case IsMissing(operand=part) | Not(part=part) | AtLeast(count=part) | Negative(operand=part):
            return (part,)
        case ReadTime(operand=part):
            return (part,)
        case All(parts=parts) | Either(parts=parts) | Items(items=parts) | Function(arguments=parts):
            return parts
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from walk(child)


def inner(node: Node) -> tuple[Node, ...]:
    """The parts over one event: where= and values."""
    match node:
        case Aggregate(selection=selection, value=value):
            return tuple(part for part in (selection.where, value) if part is not None)
        case Sequence(steps=steps):
            return tuple(step.where for step in steps if step.where is not None)
        case _:
            return ()


def referred(node: Node) -> tuple[Node, ...]:
    """What a node means by the name of another definition: a segment's condition, a metric's value."""
    match node:
        case InSegment(tree=tree):
            return (tree,)
        case Percentile(value=value):
            return (value,)
        case _:
            return ()


def everything(node: Node) -> Iterator[Node]:
    """Every node: over the person, over events, and in the definitions that are named."""
    yield node
    for part in (*children(node), *inner(node), *referred(node)):
        yield from everything(part)
