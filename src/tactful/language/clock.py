"""What only the clock changes would make everybody enter and leave a segment in one second (LANGUAGE.md 10).

`now()` compared with a time of the person comes at another instant for each; everything else of the clock belongs in
journeys.
"""

from collections.abc import Iterator

from tactful.language.mistakes import Mistake
from tactful.language.tree import (
    Aggregate,
    Clock,
    Compare,
    In,
    Node,
    Now,
    Part,
    Score,
    Sessions,
    Trait,
    children,
    referred,
)

_OF_THE_PERSON = (Trait, Aggregate, Part, Sessions, Score)


def refuse_clock(tree: Node) -> None:
    """Raises Mistake for the first place where the clock alone decides."""
    for node in everything_here(tree):
        for meant in referred(node):
            if any(True for _ in _loose(meant)):
                message = "this reads the clock, which changes for everybody at once"
                raise Mistake(node.span[0], message, "ask it in a journey's if:")
    for node in _loose(tree):
        if isinstance(node, Clock):
            message = f"{node.function}() changes for everybody at once, so it cannot be in a segment"
            raise Mistake(node.span[0], message, "ask it in a journey's if:")
        hint = 'compare it with a time of the person: now() - latest("Order Completed") > "30d"'
        raise Mistake(node.span[0], "now() alone changes for everybody at once, so it cannot be in a segment", hint)


def everything_here(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from everything_here(child)


def _loose(tree: Node) -> Iterator[Node]:
    """Clocks, and each now() in whose comparison nothing is of the person; in named definitions too."""
    if isinstance(tree, Compare | In):
        parts = list(_of_comparison(tree))
        is_personal = any(isinstance(part, _OF_THE_PERSON) for part in parts)
        for part in parts:
            if isinstance(part, Clock) or (isinstance(part, Now) and not is_personal):
                yield part
            elif isinstance(part, Compare | In):
                yield from _loose(part)
        return
    if isinstance(tree, Now | Clock):
        yield tree
    for child in (*children(tree), *referred(tree)):
        yield from _loose(child)


def _of_comparison(node: Node) -> Iterator[Node]:
    """What a comparison compares; a comparison inside as a whole."""
    for child in children(node):
        yield child
        if not isinstance(child, Compare | In):
            yield from _of_comparison(child)
