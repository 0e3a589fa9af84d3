"""The same value by less: what is known before any data is seen is worked out, and "how many" becomes "at least n".

A comparison of count() with a constant needs only the n newest times, so it becomes thresholds; `time_since(E) < D`
asks only whether there is one in the newest D. What remains as an Aggregate needs all that its value needs.
"""

import math
from collections.abc import Callable
from typing import Literal as OneOf

from msgspec.structs import replace

from tactful.aggregates.spec import CAP
from tactful.language import meaning
from tactful.language.mistakes import Mistake
from tactful.language.tree import (
    Aggregate,
    All,
    Arithmetic,
    AtLeast,
    Compare,
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
    Percentile,
    ReadTime,
    Selection,
    Sequence,
    Span,
    Window,
)
from tactful.language.types import (
    ANYTHING,
    BOOLEAN,
    LIST,
    MISSING,
    OBJECT,
    is_condition,
    is_never_missing,
    kind_of,
)
from tactful.values import Duration, Time

Operator = OneOf["==", "<", "<=", ">", ">="]
_MIRRORED: dict[Operator, Operator] = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPARED: dict[Operator, Callable[[object, object], bool]] = {
    "==": meaning.equal,
    "<": meaning.less,
    "<=": meaning.at_most,
    ">": lambda one, other: meaning.less(other, one),
    ">=": lambda one, other: meaning.at_most(other, one),
}
_CALCULATED: dict[str, Callable[[object, object], object]] = {
    "+": meaning.plus,
    "-": meaning.minus,
    "*": meaning.times,
    "/": meaning.divided,
}
_FUNCTIONS: dict[str, Callable[..., object]] = {
    "time": meaning.as_time,
    "lower": meaning.lower,
    "len": meaning.length,
    "contains": meaning.contains,
    "starts_with": meaning.starts_with,
    "ends_with": meaning.ends_with,
}
_OF_NONE: dict[str, Literal] = {
    **dict.fromkeys(("count", "sum", "distinct", "active_days"), Literal(0, (0, 0))),
    "any": Literal(value=False, span=(0, 0)),
}
"""What functions over events give where no event matches; the others are missing."""


def lower(node: Node) -> Node:
    """Raises Mistake where a threshold is higher than what is kept."""
    match node:
        case Compare(op=op, left=left, right=right, span=span):
            return _compare(op, lower(left), lower(right), span)
        case In(item=item, among=among, span=span):
            return _in(lower(item), lower(among), span)
        case IsMissing(operand=operand, span=span):
            return _is_missing(lower(operand), span)
        case Not(part=part, span=span):
            return _not(lower(part), span)
        case All(parts=parts, span=span):
            return _join(parts, span, is_all=True)
        case Either(parts=parts, span=span):
            return _join(parts, span, is_all=False)
        case InSegment(tree=tree):
            return lower(tree)
        case Percentile(value=value):
            return replace(node, value=lower(value))
        case Aggregate():
            return _aggregate(node)
        case Sequence():
            return _sequence(node)
        case Items(items=items):
            return replace(node, items=tuple(map(lower, items)))
        case _:
            return _value(node)


# ---- values ----------------------------------------------------------------------------------------------------------


def _value(node: Node) -> Node:
    match node:
        case Arithmetic(op=op, left=left, right=right):
            one, other = lower(left), lower(right)
            return _worked_out(replace(node, left=one, right=other), _CALCULATED[op], one, other)
        case Negative(operand=operand):
            inner = lower(operand)
            return _worked_out(replace(node, operand=inner), meaning.negative, inner)
        case Function(name=name, arguments=arguments):
            lowered = tuple(map(lower, arguments))
            return _worked_out(replace(node, arguments=lowered), _FUNCTIONS[name], *lowered)
        case ReadTime(operand=operand):
            inner = lower(operand)
            return _worked_out(replace(node, operand=inner), meaning.read, inner)
        case _:
            return node


def _worked_out(node: Node, function: Callable[..., object], *arguments: Node) -> Node:
    """The node, or its value where all that it is made of is constant."""
    if not all(isinstance(argument, Literal | Instant | Lasting) for argument in arguments):
        return node
    return _constant(function(*map(_constant_value, arguments)), node.span)


def _constant(value: object, span: Span) -> Node:
    if isinstance(value, Time):
        return Instant(int(value), span)
    if isinstance(value, Duration):
        return Lasting(int(value), span)
    assert value is None or isinstance(value, bool | int | float | str)
    return Literal(value, span)


def _constant_value(node: Node) -> object:
    match node:
        case Instant(at_us=at_us):
            return Time(at_us)
        case Lasting(duration_us=duration_us):
            return Duration(duration_us)
        case Literal(value=value):
            return value
        case _:
            raise AssertionError(node)


# ---- functions over events -------------------------------------------------------------------------------------------


def _aggregate(node: Aggregate) -> Node:
    where = lower(node.selection.where) if node.selection.where is not None else None
    if isinstance(where, Literal):
        if where.value is not True:
            return replace(_OF_NONE.get(node.function, Literal(None, (0, 0))), span=node.span)
        where = None
    value = lower(node.value) if node.value is not None else None
    found = replace(node, selection=replace(node.selection, where=where), value=value)
    return AtLeast(replace(found, function="count"), 1, node.span) if node.function == "any" else found


def _sequence(node: Sequence) -> Node:
    steps = []
    for step in node.steps:
        where = lower(step.where) if step.where is not None else None
        if isinstance(where, Literal) and where.value is not True and not step.is_absent:
            return Literal(value=False, span=node.span)
        is_all = isinstance(where, Literal) and where.value is True
        steps.append(replace(step, where=None if is_all else where))
    return replace(node, steps=tuple(steps))


# ---- conditions ------------------------------------------------------------------------------------------------------


def _not(part: Node, span: Span) -> Node:
    if isinstance(part, Literal):
        return Literal(part.value is not True, span)
    if isinstance(part, Not) and is_condition(part.part):
        return part.part
    return Not(part, span)


def _is_missing(operand: Node, span: Span) -> Node:
    if isinstance(operand, Literal):
        return Literal(operand.value is None, span)
    return Literal(value=False, span=span) if is_never_missing(operand) else IsMissing(operand, span)


def _join(parts: tuple[Node, ...], span: Span, *, is_all: bool) -> Node:
    """and (is_all) or or, without the parts that change nothing; one part that is no condition is kept in it."""
    kept: list[Node] = []
    for part in map(lower, parts):
        if isinstance(part, All if is_all else Either):
            kept += part.parts
        elif not isinstance(part, Literal | Instant | Lasting):
            kept.append(part)
        elif (isinstance(part, Literal) and part.value is True) is not is_all:
            return Literal(not is_all, span)
    if not kept:
        return Literal(is_all, span)
    if len(kept) == 1 and is_condition(kept[0]):
        return kept[0]
    return All(tuple(kept), span) if is_all else Either(tuple(kept), span)


def _in(item: Node, among: Node, span: Span) -> Node:
    if kind_of(item) in (LIST, OBJECT, MISSING):
        return Literal(value=False, span=span)
    if not isinstance(among, Items):
        return In(item, among, span)
    if isinstance(item, Aggregate) and item.function == "count":
        return _join(tuple(_compare("==", item, one, span) for one in among.items), span, is_all=False)
    items = tuple(one for one in among.items if not isinstance(one, Literal) or one.value is not None)
    if isinstance(item, Literal) and all(isinstance(one, Literal) for one in items):
        return Literal(meaning.is_in(item.value, [_constant_value(one) for one in items]), span)
    return In(item, replace(among, items=items), span) if items else Literal(value=False, span=span)


def _compare(op: Operator, left: Node, right: Node, span: Span) -> Node:
    if isinstance(left, Literal | Instant | Lasting):
        left, op, right = right, _MIRRORED[op], left
    if _is_never(op, kind_of(left), kind_of(right)):
        return Literal(value=False, span=span)
    if not isinstance(right, Literal | Instant | Lasting):
        return Compare(op, left, right, span)
    if isinstance(left, Literal | Instant | Lasting):
        return Literal(_COMPARED[op](_constant_value(left), _constant_value(right)), span)
    found: Node | None = None
    if isinstance(left, Aggregate) and left.function == "count" and isinstance(right, Literal):
        assert isinstance(right.value, int | float)
        found = _threshold(op, left, right.value, span)
    elif isinstance(left, Aggregate) and left.function == "time_since" and isinstance(right, Lasting):
        found = _since(op, left, right.duration_us, span)
    elif isinstance(right, Literal) and isinstance(right.value, bool) and is_condition(left):
        found = left if right.value else _not(left, span)
    return Compare(op, left, right, span) if found is None else found


def _is_never(op: Operator, one: str, other: str) -> bool:
    """False whatever the data."""
    kinds = {one, other}
    return (
        (ANYTHING not in kinds and len(kinds) == 2)
        or not kinds.isdisjoint((LIST, OBJECT, MISSING))
        or (BOOLEAN in kinds and op != "==")
    )


def _since(op: Operator, since: Aggregate, duration_us: int, span: Span) -> Node | None:
    """time_since(E) < D: one of the events is in the newest D of the window; >= D: some are in the window, and none of
    those. Two states instead of one, but looked at only when they tell. None: as it is."""
    if op == "==":
        return None
    if op in (">", ">="):
        newer = _since("<=" if op == ">" else "<", since, duration_us, span)
        assert newer is not None
        return All((AtLeast(replace(since, function="count"), 1, span), _not(newer, span)), span)
    below = duration_us + (op == "<=")
    window = since.selection.window or Window(below)
    if below <= window.newer_us:
        return Literal(value=False, span=span)
    window = Window(min(below, window.older_us), window.newer_us)
    selection: Selection = replace(since.selection, window=window)
    return AtLeast(replace(since, function="count", selection=selection), 1, span)


# ---- how many --------------------------------------------------------------------------------------------------------


def _threshold(op: Operator, count: Aggregate, value: float, span: Span) -> Node | None:
    at_value, above = math.ceil(value), math.floor(value) + 1
    match op:
        case ">=" | ">":
            return _at_least(count, at_value if op == ">=" else above, span)
        case "<" | "<=":
            return _opposite(_at_least(count, at_value if op == "<" else above, span))
        case "==":
            if at_value != value:
                return Literal(value=False, span=span)
            return _both(_at_least(count, at_value, span), _opposite(_at_least(count, above, span)), span)


def _at_least(count: Aggregate, n: int, span: Span) -> Node | None:
    """None: as it is, since all that is kept is a number."""
    if n <= 0:
        return Literal(value=True, span=span)
    if n <= CAP:
        return AtLeast(count, n, span)
    if count.value is None and count.selection.window is None:
        return None
    what = "per value" if count.value is not None else "in a window"
    raise Mistake(span[0], f"a count {what} is kept exactly up to {CAP:,}", "compare with a smaller number")


def _opposite(node: Node | None) -> Node | None:
    return None if node is None else _not(node, node.span)


def _both(one: Node | None, other: Node | None, span: Span) -> Node | None:
    if one is None or other is None:
        return None
    return _join((one, other), span, is_all=True)
