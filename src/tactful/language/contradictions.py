"""Parts that exclude each other: `plan == "a" and plan == "b"` is never true, `plan != "a" or plan != "b"` always.

Looked for is what people write by mistake; that nothing is found proves nothing.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from tactful.language.canonical import canonical
from tactful.language.lower import lower
from tactful.language.tree import (
    All,
    AtLeast,
    Compare,
    Either,
    In,
    Instant,
    Items,
    Lasting,
    Literal,
    Node,
    Not,
    Window,
)

MOST_PARTS = 60
"""Each is compared with each."""


class _Bound(NamedTuple):
    """`subject op value`: what a comparison with a constant says, by the canonical text of the other side. Of `==` and
    `in` any of the values."""

    subject: str
    op: str
    values: tuple[str | float, ...]


class _Fact(NamedTuple):
    """A part of and/or: what it says, or that it is not so."""

    node: Node
    is_so: bool
    text: str
    bounds: tuple[_Bound, ...]


def constant_by_parts(node: All | Either) -> str | None:
    """What to write instead of an `and` that never holds, or an `or` that always does; None where nothing was found."""
    lowered = lower(node)
    if not isinstance(lowered, type(node)) or len(lowered.parts) > MOST_PARTS:
        return None
    facts = [_fact(part, is_all=isinstance(node, All)) for part in lowered.parts]
    for one, other in combinations(facts, 2):
        hint = _exclude(one, other, is_all=isinstance(node, All))
        if hint is not None:
            return hint
    return None


def _fact(part: Node, *, is_all: bool) -> _Fact:
    """Of `or` the opposite of each part: all of these together never hold exactly when the `or` always does."""
    is_so = is_all
    while isinstance(part, Not):
        part, is_so = part.part, not is_so
    return _Fact(part, is_so, canonical(part), tuple(_bounds(part)))


def _exclude(one: _Fact, other: _Fact, *, is_all: bool) -> str | None:
    """The hint, where both facts cannot hold at once."""
    if one.text == other.text:
        return None if one.is_so == other.is_so else "the same stands here twice, once with not"
    if one.is_so != other.is_so:
        holds, fails = (one.node, other.node) if one.is_so else (other.node, one.node)
        if isinstance(holds, AtLeast) and isinstance(fails, AtLeast) and _implies(holds, fails):
            return "the one is only so when the other is"
        return None
    if not one.is_so:
        return None
    if not one.bounds or not other.bounds:
        return None
    first, second = one.bounds[0], other.bounds[0]
    if first.subject != second.subject or not _are_apart(first, second):
        return None
    if first.op == second.op == "==":
        return "one value is meant: write x in (...)" if is_all else "none of them is meant: write x not in (...)"
    return "no value is on both sides: look at < and >"


def _implies(one: AtLeast, other: AtLeast) -> bool:
    """Whether the second holds wherever the first does: as many of the same events, in a wider window."""
    first, second = one.count, other.count
    return (
        other.n <= one.n
        and first.selection.events == second.selection.events
        and _text(first.selection.where) == _text(second.selection.where)
        and (second.value is None or _text(first.value) == _text(second.value))
        and _is_within(first.selection.window, second.selection.window)
    )


def _text(node: Node | None) -> str:
    return "" if node is None else canonical(node)


def _is_within(one: Window | None, other: Window | None) -> bool:
    if other is None:
        return True
    return one is not None and one.older_us <= other.older_us and other.newer_us <= one.newer_us


def _bounds(node: Node) -> Iterator[_Bound]:
    match node:
        case In(item=item, among=Items(items=items)) if not isinstance(item, Literal):
            values = [_plain(one) for one in items]
            if None not in values:
                yield _Bound(canonical(item), "==", tuple(one for one in values if one is not None))
        case Compare(op=op, left=left, right=right):
            # lower() has put a constant on the right.
            value = _plain(right)
            if value is not None and not isinstance(left, Literal | Instant | Lasting):
                yield _Bound(canonical(left), op, (value,))


def _plain(node: Node) -> str | float | None:
    """A text, or a number, instant or duration as a number; None for anything else."""
    match node:
        case Literal(value=bool() | None):
            return None
        case Literal(value=value) | Instant(at_us=value) | Lasting(duration_us=value):
            return value
        case _:
            return None


def _are_apart(one: _Bound, other: _Bound) -> bool:
    """Whether no value satisfies both."""
    for first, second in ((one, other), (other, one)):
        if first.op == "==":
            return not any(_fits(value, second.op, wanted) for value in first.values for wanted in second.values)
    if isinstance(one.values[0], str) != isinstance(other.values[0], str):
        return True
    below, above = (one, other) if one.op in ("<", "<=") else (other, one)
    if below.op not in ("<", "<=") or above.op not in (">", ">="):
        return False
    return not _fits(above.values[0], "<=" if (above.op, below.op) == (">=", "<=") else "<", below.values[0])


def _fits(value: str | float, op: str, wanted: str | float) -> bool:
    if isinstance(value, str) != isinstance(wanted, str):
        return False
    is_below = value < wanted  # type: ignore[operator]  # both texts or both numbers
    match op:
        case "==":
            return value == wanted
        case "<" | ">=":
            return is_below == (op == "<")
        case _:
            return (is_below or value == wanted) == (op == "<=")
