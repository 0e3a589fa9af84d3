"""From Python's syntax tree to the checked tree: names resolved, functions and options known, types fit.

Everything that LANGUAGE.md refuses at load is refused here, so that nothing behind has to. What it defines and this
version lacks is refused as "not available yet".
"""

import ast
import math
from typing import Literal as OneOf

from msgspec import Struct

from tactful.language import calls, paths
from tactful.language.lower import lower
from tactful.language.mistakes import Mistake, Remark
from tactful.language.parse import Parsed, parse
from tactful.language.remarks import remarks
from tactful.language.tree import (
    All,
    AnyOf,
    Compare,
    Count,
    Either,
    In,
    IsMissing,
    Items,
    Literal,
    Node,
    Not,
    canonical,
)
from tactful.language.types import LIST, MISSING, NUMBER, TEXT, kind_of

Scope = OneOf["person", "event"]
Wanted = OneOf["condition", "value"]

_OPERATORS: dict[type[ast.cmpop], OneOf["==", "<", "<=", ">", ">="]] = {
    ast.Eq: "==",
    ast.NotEq: "==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
EXACT_INTEGERS = 2**53


class Checked(Struct, frozen=True):
    """An expression that means something: its text, what it means, and what is worth saying about it."""

    text: str
    tree: Node
    warnings: tuple[Remark, ...] = ()

    @property
    def canonical(self) -> str:
        return canonical(self.tree)


def check(text: str, wanted: Wanted = "condition", scope: Scope = "person") -> Checked:
    """Parse and check. `condition` refuses what is a number or a text as a whole. Raises Mistake."""
    parsed = parse(text)
    checker = _Checker(parsed, scope)
    tree = checker.condition(parsed.root) if wanted == "condition" else checker.value(parsed.root)
    lower(tree)
    return Checked(text, tree, remarks(tree))


class _Checker:
    def __init__(self, parsed: Parsed, scope: Scope) -> None:
        self.parsed = parsed
        self.scope = scope

    def condition(self, node: ast.expr) -> Node:
        """A node of which only `is True` will be asked."""
        found = self.value(node)
        kind = kind_of(found)
        at = found.span[0]
        if kind == NUMBER:
            hint = "compare it: count(...) >= 1" if isinstance(found, Count) else "compare it with something"
            raise Mistake(at, "a number is no condition", hint)
        if kind == TEXT:
            raise Mistake(at, "a text is no condition", 'write the whole comparison: plan == "a" or plan == "b"')
        if kind in (LIST, MISSING):
            raise Mistake(at, f"{kind} is no condition", 'compare it: x in ("a", "b"), x is None')
        return found

    def value(self, node: ast.expr) -> Node:
        span = self.parsed.span(node)
        match node:
            case ast.Constant():
                return _literal(node, span)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return Items(tuple(self._item(element) for element in elements), span)
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.condition(value) for value in values)
                return All(parts, span) if isinstance(op, ast.And) else Either(parts, span)
            case ast.UnaryOp(op=op, operand=operand):
                return Not(self.condition(operand), span) if isinstance(op, ast.Not) else self._negative(node, operand)
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
            case ast.BinOp():
                raise self._arithmetic(node)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return paths.resolve(self.parsed, node, self.scope)
            case _:
                raise Mistake(span[0], f"{type(node).__name__} is no part of the language")

    def _item(self, node: ast.expr) -> Node:
        item = self.value(node)
        if kind_of(item) == LIST:
            raise Mistake(item.span[0], "a list cannot stand in a list", "lists equal nothing; write its elements")
        if kind_of(item) == MISSING:
            raise Mistake(
                item.span[0], "None equals nothing, so it cannot be found in a list", "write x is None or x in (...)"
            )
        return item

    def _negative(self, node: ast.expr, operand: ast.expr) -> Node:
        found = self.value(operand)
        span = self.parsed.span(node)
        if isinstance(found, Literal) and kind_of(found) == NUMBER:
            assert isinstance(found.value, int | float)
            return Literal(0 - found.value, span)
        if kind_of(found) not in (NUMBER, "anything"):
            raise Mistake(span[0], f"only a number can be negative, not {kind_of(found)}")
        raise Mistake(span[0], "arithmetic is not available yet", "compare with a number instead")

    def _arithmetic(self, node: ast.BinOp) -> Mistake:
        at = self.parsed.span(node.left)[1]
        if isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Name) and isinstance(node.right, ast.Name):
            name = f"{node.left.id}-{node.right.id}"
            hint = f'for the name {name} write {"traits" if self.scope == "person" else "properties"}["{name}"]'
        else:
            hint = "compare with a number instead"
        return Mistake(at, "arithmetic is not available yet", hint)

    def _compare(self, node: ast.Compare) -> Node:
        operands = [node.left, *node.comparators]
        parts: list[Node] = []
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            span = (self.parsed.outer_span(left)[0], self.parsed.outer_span(right)[1])
            parts.append(self._pair(op, left, right, span))
        return parts[0] if len(parts) == 1 else All(tuple(parts), self.parsed.span(node))

    def _pair(self, op: ast.cmpop, left_node: ast.expr, right_node: ast.expr, span: tuple[int, int]) -> Node:
        left, right = self.value(left_node), self.value(right_node)
        found: Node
        if isinstance(op, ast.Is | ast.IsNot):
            if kind_of(right) != MISSING:
                raise Mistake(right.span[0], '"is" compares only with None', "write == for anything else")
            found = IsMissing(left, span)
        elif isinstance(op, ast.In | ast.NotIn):
            found = In(left, self._among(left, right), span)
        else:
            self._refuse_none(op, left, right)
            found = Compare(_OPERATORS[type(op)], left, right, span)
        return Not(found, span) if isinstance(op, ast.NotEq | ast.NotIn | ast.IsNot) else found

    def _refuse_none(self, op: ast.cmpop, left: Node, right: Node) -> None:
        for side in (right, left):
            if kind_of(side) == MISSING:
                hint = {ast.Eq: 'write "is None"', ast.NotEq: 'write "is not None"'}.get(
                    type(op), "compare with a value"
                )
                raise Mistake(side.span[0], "nothing equals None, not even None", hint)

    def _among(self, item: Node, among: Node) -> Node:
        at = among.span[0]
        if kind_of(item) == MISSING:
            raise Mistake(item.span[0], "None equals nothing, so it is in no list", "write x is None")
        if isinstance(among, Literal):
            written = self.parsed.text[slice(*among.span)]
            if kind_of(among) == TEXT:
                raise Mistake(
                    at, 'a comma is missing: "in" looks into a list', f"write in ({written},), or == {written}"
                )
            raise Mistake(at, '"in" looks into a list', f"write in ({written},)" if kind_of(among) == NUMBER else "")
        if kind_of(among) not in (LIST, "anything"):
            raise Mistake(at, f'"in" looks into a list, and this is {kind_of(among)}', 'write x in ("a", "b")')
        return among

    def _call(self, node: ast.Call) -> Node:
        span = self.parsed.span(node)
        name = calls.function_name(self.parsed, node, self.scope)
        given = calls.options(self.parsed, node, name)
        events = calls.events(self.parsed, node, name)
        where = self._where(given["where"]) if "where" in given else None
        window_us = calls.window(self.parsed, given["last"]) if "last" in given else None
        count = Count(events, where, window_us, span)
        return count if name == "count" else AnyOf(count, span)

    def _where(self, node: ast.expr) -> Node | None:
        found = _Checker(self.parsed, "event").condition(node)
        is_all = isinstance(found, Literal) and found.value is True
        return None if is_all else found


def _literal(node: ast.Constant, span: tuple[int, int]) -> Literal:
    value = node.value
    if value is None or isinstance(value, bool):
        return Literal(value, span)
    if isinstance(value, str):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in value):
            raise Mistake(span[0], "half a character (a surrogate) in a text", "write the whole character")
        return Literal(value, span)
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise Mistake(span[0], "this number is too large", "numbers are doubles, up to 1.7e308")
        is_whole = number.is_integer() and abs(number) < EXACT_INTEGERS
        return Literal(int(number) if is_whole else number, span)
    raise Mistake(span[0], f"{value!r} is no value of the language", "values are numbers, texts, True, False and None")
