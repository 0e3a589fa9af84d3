"""What is worth saying about an expression that is right: it may not mean what its author thinks (LANGUAGE.md 10)."""

import re
from collections.abc import Iterator

from tactful.language.canonical import canonical
from tactful.language.contradictions import constant_by_parts
from tactful.language.lower import lower
from tactful.language.mistakes import Remark
from tactful.language.tree import (
    Aggregate,
    All,
    Clock,
    Compare,
    Context,
    Either,
    In,
    IsMissing,
    Items,
    Literal,
    Node,
    Not,
    Property,
    Score,
    Sequence,
    Trait,
    children,
    inner,
    walk,
)
from tactful.language.types import is_never_missing

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_RANGES = {"local_hour": (0, 23), "local_weekday": (1, 7), "local_month": (1, 12)}


def remarks(tree: Node, text: str) -> tuple[Remark, ...]:
    """Warnings, in no order; `text` is what the spans are of."""
    asked = {canonical(node.operand) for node in _everywhere(tree) if isinstance(node, IsMissing)}
    found = (*_constant(tree), *_dates(tree), *_includes_missing(tree, asked, text))
    return tuple({(remark.message, remark.hint): remark for remark in reversed(found)}.values())


def _everywhere(node: Node) -> Iterator[Node]:
    """Every node of this text, those inside where= too."""
    yield node
    for part in (*children(node), *inner(node)):
        yield from _everywhere(part)


# ---- always, never ---------------------------------------------------------------------------------------------------


def _constant(node: Node) -> Iterator[Remark]:
    """Conditions whose answer is known before any data is seen; the outermost only."""
    remark = _judged(node)
    if remark is not None:
        yield remark
        return
    for part in (*children(node), *inner(node)):
        yield from _constant(part)


def _judged(node: Node) -> Remark | None:
    at = node.span[0]
    if isinstance(node, Compare | In | IsMissing | Sequence) or (
        isinstance(node, Not) and not isinstance(node.part, Literal)
    ):
        lowered = lower(node)
        if isinstance(lowered, Literal):
            return _answer(at, is_true=lowered.value is True)
        reached = _out_of_range(node)
        if reached is not None:
            return reached
    if isinstance(node, All | Either):
        found = constant_by_parts(node)
        if found is not None:
            return Remark(at, f"this is always {'true' if isinstance(node, Either) else 'false'}", found)
    return None


def _answer(at: int, *, is_true: bool) -> Remark:
    return Remark(at, f"this is always {'true' if is_true else 'false'}", "compare values of one kind that can differ")


def _out_of_range(node: Node) -> Remark | None:
    """local_hour() >= 24, and the like."""
    if not isinstance(node, Compare):
        return None
    for clock, other, is_left in ((node.left, node.right, True), (node.right, node.left, False)):
        if isinstance(clock, Clock) and isinstance(other, Literal) and isinstance(other.value, int | float):
            least, most = _RANGES[clock.function]
            every = [Literal(number, clock.span) for number in range(least, most + 1)]
            sides = [(one, other) if is_left else (other, one) for one in every]
            answers = {canonical(lower(Compare(node.op, *pair, node.span))) for pair in sides}
            if len(answers) == 1:
                answer = "true" if answers == {"True"} else "false"
                return Remark(node.span[0], f"this is always {answer}", f"{clock.function}() is {least} to {most}")
    return None


# ---- surprises -------------------------------------------------------------------------------------------------------


def _dates(tree: Node) -> Iterator[Remark]:
    """A text that looks like a date, compared with a value of the data."""
    for node in _everywhere(tree):
        match node:
            case Compare(left=left, right=right):
                pairs = [(left, right), (right, left)]
            case In(item=item, among=Items(items=items)):
                pairs = [(one, item) for one in items]
            case _:
                continue
        for one, other in pairs:
            is_date = isinstance(one, Literal) and isinstance(one.value, str) and _DATE.fullmatch(one.value)
            if is_date and isinstance(other, Trait | Property | Context):
                message = "this looks like a date and is compared as a text, letter by letter"
                yield Remark(one.span[0], message, "to compare times write time(...) around the name")


def _includes_missing(node: Node, asked: set[str], text: str) -> Iterator[Remark]:
    """The opposite of a comparison holds where there is nothing to compare, unless its presence is asked for too:
    somewhere by `is None`, or beside it by a comparison."""
    if isinstance(node, All):
        compared = (one for part in node.parts if isinstance(part, Compare | In) for one in walk(part))
        asked = asked | {canonical(one) for one in compared if _may_be_missing(one)}
    if isinstance(node, Not) and isinstance(node.part, Compare | In):
        for part in walk(node.part):
            if _may_be_missing(part) and canonical(part) not in asked:
                name = " ".join(text[slice(*part.span)].split())
                what = f"without {name}" if isinstance(part, Trait) else f"for whom {name} is missing"
                hint = f"to leave them out, add: and {name} is not None"
                yield Remark(node.span[0], f"this includes people {what}", hint)
    for child in children(node):
        yield from _includes_missing(child, asked, text)


def _may_be_missing(node: Node) -> bool:
    return isinstance(node, Trait | Score) or (isinstance(node, Aggregate) and not is_never_missing(node))
