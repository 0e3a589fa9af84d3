"""From "how many" to "at least n": the least state that still decides a condition.

A comparison of count() with a constant needs only the n newest times, so it becomes thresholds; where the answer is
known before any data is seen, it becomes True or False. What remains as Count needs every time in its window.
"""

import math
from collections.abc import Callable
from typing import Literal as OneOf

from tactful.aggregates.newest import CAP
from tactful.language.meaning import at_most, equal, is_in, less
from tactful.language.mistakes import Mistake
from tactful.language.tree import (
    All,
    AnyOf,
    AtLeast,
    Boolean,
    Compare,
    Count,
    Either,
    In,
    IsMissing,
    Items,
    Literal,
    Node,
    Not,
    Span,
)
from tactful.language.types import ANYTHING, BOOLEAN, LIST, MISSING, kind_of

Operator = OneOf["==", "<", "<=", ">", ">="]
_MIRRORED: dict[Operator, Operator] = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def lower(node: Node) -> Node:
    """The same value by less. Raises Mistake where a threshold is higher than what is kept."""
    match node:
        case AnyOf(count=count, span=span):
            return AtLeast(count, 1, span)
        case Compare(op=op, left=left, right=right, span=span):
            return _compare(op, lower(left), lower(right), span)
        case In(item=item, among=among, span=span):
            return _in(lower(item), lower(among), span)
        case IsMissing(operand=operand, span=span):
            kind = kind_of(lower(operand))
            return node if kind == ANYTHING else Literal(kind == MISSING, span)
        case Items(items=items, span=span):
            return Items(tuple(lower(item) for item in items), span)
        case Not(part=part, span=span):
            inner = lower(part)
            return Literal(inner.value is not True, span) if isinstance(inner, Literal) else Not(inner, span)
        case All(parts=parts, span=span):
            return _join(parts, span, is_all=True)
        case Either(parts=parts, span=span):
            return _join(parts, span, is_all=False)
        case _:
            return node


def _join(parts: tuple[Node, ...], span: Span, *, is_all: bool) -> Node:
    """and (is_all) or or, without the parts that change nothing; one part that is no boolean is kept in it."""
    kept: list[Node] = []
    for part in map(lower, parts):
        if not isinstance(part, Literal):
            kept.append(part)
        elif (part.value is True) is not is_all:
            return Literal(not is_all, span)
    if not kept:
        return Literal(is_all, span)
    if len(kept) == 1 and isinstance(kept[0], Boolean):
        return kept[0]
    return All(tuple(kept), span) if is_all else Either(tuple(kept), span)


def _compare(op: Operator, left: Node, right: Node, span: Span) -> Node:
    if isinstance(right, Count) and isinstance(left, Literal):
        left, op, right = right, _MIRRORED[op], left
    kinds = {kind_of(left), kind_of(right)}
    is_never = (
        (ANYTHING not in kinds and len(kinds) == 2)
        or not kinds.isdisjoint((LIST, MISSING))
        or (BOOLEAN in kinds and op != "==")
    )
    if is_never:
        return Literal(value=False, span=span)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return Literal(_COMPARED[op](left.value, right.value), span)
    if isinstance(left, Count) and isinstance(right, Literal):
        assert isinstance(right.value, int | float)
        return _threshold(op, left, right.value, span)
    return Compare(op, left, right, span)


_COMPARED: dict[Operator, Callable[[object, object], bool]] = {
    "==": equal,
    "<": less,
    "<=": at_most,
    ">": lambda one, other: less(other, one),
    ">=": lambda one, other: at_most(other, one),
}


def _threshold(op: Operator, count: Count, value: float, span: Span) -> Node:
    at_value, above = math.ceil(value), math.floor(value) + 1
    match op:
        case ">=":
            return _at_least(count, at_value, span)
        case ">":
            return _at_least(count, above, span)
        case "<":
            return _opposite(_at_least(count, at_value, span))
        case "<=":
            return _opposite(_at_least(count, above, span))
        case "==":
            if at_value != value:
                return Literal(value=False, span=span)
            return _both(_at_least(count, at_value, span), _opposite(_at_least(count, above, span)), span)


def _at_least(count: Count, n: int, span: Span) -> Node:
    if n <= 0:
        return Literal(value=True, span=span)
    if n > CAP:
        raise Mistake(span[0], f"a count is kept exactly up to {CAP:,}", "compare with a smaller number")
    return AtLeast(count, n, span)


def _opposite(node: Node) -> Node:
    return Literal(node.value is not True, node.span) if isinstance(node, Literal) else Not(node, node.span)


def _both(one: Node, other: Node, span: Span) -> Node:
    return other if isinstance(one, Literal) else All((one, other), span)


def _in(item: Node, among: Node, span: Span) -> Node:
    if kind_of(item) == LIST:
        return Literal(value=False, span=span)
    if not isinstance(among, Items):
        return In(item, among, span)
    if isinstance(item, Count):
        return _join(tuple(_compare("==", item, one, span) for one in among.items), span, is_all=False)
    if isinstance(item, Literal) and all(isinstance(one, Literal) for one in among.items):
        values = [one.value for one in among.items if isinstance(one, Literal)]
        return Literal(is_in(item.value, values), span)
    return In(item, among, span) if among.items else Literal(value=False, span=span)
