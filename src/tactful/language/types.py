"""Which kind of value a node has, as far as it is known before any data is seen (LANGUAGE.md 3.1).

Every kind may be missing as well; `is_condition` says of which nodes that is never so.
"""

from tactful.language.tree import (
    Aggregate,
    All,
    Arithmetic,
    AtLeast,
    Clock,
    Compare,
    Consents,
    Context,
    Either,
    Function,
    In,
    InSegment,
    Instant,
    IsMissing,
    Items,
    Lasting,
    Literal,
    Negative,
    Node,
    Not,
    Now,
    Part,
    Percentile,
    Property,
    ReadTime,
    Score,
    Sequence,
    Sessions,
    Trait,
)

NUMBER = "a number"
TEXT = "a text"
BOOLEAN = "true or false"
TIME = "a time"
DURATION = "a duration"
LIST = "a list"
OBJECT = "an object"
MISSING = "None"
ANYTHING = "anything"
"""Any value of JSON, so never a time or a duration."""

_CONDITIONS = (AtLeast, Sequence, InSegment, Percentile, Consents, Compare, In, IsMissing, All, Either, Not)
_NEVER_MISSING = frozenset(
    {"count", "sum", "distinct", "active_days", "sessions", "lines", "quantity", "value", "items"}
)
_FUNCTIONS = {"time": TIME, "lower": TEXT, "len": NUMBER}


def kind_of(node: Node) -> str:
    """One of the kinds above."""
    match node:
        case Literal(value=value):
            return _kind_of_scalar(value)
        case Trait() | Property() | Context():
            return ANYTHING
        case Part(path=path):
            return _kind_of_part(path)
        case Arithmetic(op=op, left=left, right=right):
            return _kind_of_arithmetic(op, kind_of(left), kind_of(right))
        case Instant() | Now() | ReadTime():
            return TIME
        case Lasting():
            return DURATION
        case Items():
            return LIST
        case Negative() | Clock() | Score():
            return NUMBER
        case Function(name=name):
            return _FUNCTIONS.get(name, BOOLEAN)
        case Aggregate():
            return _kind_of_aggregate(node)
        case Sessions(function=function):
            return NUMBER if function == "sessions" else DURATION
        case _:
            return BOOLEAN


def is_condition(node: Node) -> bool:
    """Whether the value is True or False whatever the data."""
    if isinstance(node, Literal):
        return isinstance(node.value, bool)
    if isinstance(node, Aggregate):
        return node.function == "any"
    return isinstance(node, _CONDITIONS) or (isinstance(node, Function) and node.name not in _FUNCTIONS)


def is_never_missing(node: Node) -> bool:
    match node:
        case Literal(value=value):
            return value is not None
        case Instant() | Lasting() | Now() | Clock() | Items():
            return True
        case Aggregate(function=name) | Sessions(function=name):
            return name in _NEVER_MISSING or name == "any"
        case Part(path=(str(name),)):
            return name in _NEVER_MISSING
        case _:
            return is_condition(node)


def _kind_of_scalar(value: object) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return BOOLEAN
    return TEXT if isinstance(value, str) else NUMBER


def _kind_of_aggregate(node: Aggregate) -> str:
    match node.function:
        case "any":
            return BOOLEAN
        case "time_since":
            return DURATION
        case "first" | "latest":
            return TIME if node.value is None else kind_of(node.value)
        case _:
            return NUMBER


def _kind_of_arithmetic(op: str, left: str, right: str) -> str:
    if left == TIME:
        return DURATION if right == TIME and op == "-" else TIME
    if op == "/" and left == right:
        return NUMBER
    return DURATION if DURATION in (left, right) else NUMBER


def slope(node: Node) -> int:
    """By how many microseconds a time or a duration grows in one; the same whatever the data."""
    match node:
        case Now() | Aggregate(function="time_since"):
            return 1
        case Arithmetic(op="+" | "-" as op, left=left, right=right) if kind_of(node) in (TIME, DURATION):
            return slope(left) + (slope(right) if op == "+" else -slope(right))
        case Function(name="time", arguments=(argument,)):
            return slope(argument)
        case _:
            return 0


def _kind_of_part(path: tuple[str | int, ...]) -> str:
    if path[0] != "items":
        return TIME if path[0] == "changed_at" else NUMBER
    kind = LIST
    for step in path[1:]:
        if isinstance(step, int):
            kind = OBJECT if kind == LIST and len(path) == 2 else ANYTHING
        elif kind != LIST:
            kind = ANYTHING
    return kind
