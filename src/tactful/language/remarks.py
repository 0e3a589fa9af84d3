"""What is worth saying about an expression that is right: it may not mean what its author thinks (LANGUAGE.md 10)."""

import re
from collections.abc import Iterator

from tactful.language.lower import lower
from tactful.language.mistakes import Remark
from tactful.language.tree import (
    Compare,
    Context,
    Count,
    In,
    IsMissing,
    Literal,
    Node,
    Not,
    Property,
    Trait,
    canonical,
    children,
    walk,
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


def remarks(tree: Node) -> tuple[Remark, ...]:
    """Warnings, in the order of the text."""
    asked = {canonical(node.operand) for node in _everywhere(tree) if isinstance(node, IsMissing)}
    found = [*_constant(tree), *_dates(tree), *_includes_missing(tree, asked)]
    return tuple(sorted(found, key=lambda remark: remark.offset))


def _everywhere(node: Node) -> Iterator[Node]:
    """Every node, those inside where= too."""
    for inner in walk(node):
        yield inner
        if isinstance(inner, Count) and inner.where is not None:
            yield from _everywhere(inner.where)


def _constant(node: Node) -> Iterator[Remark]:
    """Comparisons whose answer is known before any data is seen; the outermost only."""
    is_judged = isinstance(node, Compare | In | IsMissing) or (
        isinstance(node, Not) and not isinstance(node.part, Literal)
    )
    lowered = lower(node) if is_judged else node
    if isinstance(lowered, Literal) and not isinstance(node, Literal):
        answer = "true" if lowered.value is True else "false"
        yield Remark(node.span[0], f"this is always {answer}", "compare values of one kind that can differ")
        return
    for child in children(node):
        yield from _constant(child)
    if isinstance(node, Count) and node.where is not None:
        yield from _constant(node.where)


def _dates(tree: Node) -> Iterator[Remark]:
    for node in _everywhere(tree):
        if not isinstance(node, Compare):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            is_date = isinstance(one, Literal) and isinstance(one.value, str) and _DATE.fullmatch(one.value)
            if is_date and isinstance(other, Trait | Property | Context):
                yield Remark(
                    one.span[0],
                    "this looks like a date and is compared as a text, letter by letter",
                    "only texts of one form compare right; time(...) is not available yet",
                )


def _includes_missing(tree: Node, asked: set[str]) -> Iterator[Remark]:
    """`!=` and `not in` on a trait, unless the expression asks for its absence somewhere."""
    for node in walk(tree):
        match node:
            case Not(part=Compare(op="==", left=left, right=right)):
                sides = (left, right)
            case Not(part=In(item=item, among=among)):
                sides = (item, among)
            case _:
                continue
        for side in sides:
            if isinstance(side, Trait) and canonical(side) not in asked:
                name = canonical(side)
                hint = f"to leave them out, add: and {name} is not None"
                yield Remark(node.span[0], f"this includes people without {name}", hint)
