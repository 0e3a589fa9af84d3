"""From Python's syntax tree to the checked tree: names resolved, functions and options known, types fit.

Everything that LANGUAGE.md refuses at load is refused here, so that nothing behind has to.
"""

import ast
import math
from typing import Literal as OneOf

from msgspec import Struct

from tactful.language import calls, event_functions, known, operands, paths, person_functions
from tactful.language.calls import Scope
from tactful.language.canonical import in_full
from tactful.language.clock import refuse_clock
from tactful.language.lower import lower
from tactful.language.mistakes import Mistake, Remark
from tactful.language.names import FUNCTIONS
from tactful.language.parse import Parsed, parse
from tactful.language.remarks import remarks
from tactful.language.tree import (
    Aggregate,
    All,
    Either,
    IsMissing,
    Items,
    Literal,
    Negative,
    Node,
    Not,
    Property,
    Span,
    Trait,
    children,
    inner,
    referred,
)
from tactful.language.types import (
    ANYTHING,
    BOOLEAN,
    LIST,
    MISSING,
    NUMBER,
    TEXT,
    kind_of,
)
from tactful.language.vocabulary import EMPTY, Vocabulary

Wanted = OneOf["condition", "value"]

_OPERATORS: dict[type[ast.cmpop], operands.Operator] = {
    ast.Eq: "==",
    ast.NotEq: "==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_SIGNS: dict[type[ast.operator], operands.Sign] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
EXACT_INTEGERS = 2**53
LARGEST = 10_000
DEEPEST = 100
"""Nodes and levels of what an expression means, with the segments and metrics that it names."""


class Checked(Struct, frozen=True):
    """An expression that means something: its text, what it means, and what is worth saying about it."""

    text: str
    tree: Node
    warnings: tuple[Remark, ...] = ()

    @property
    def canonical(self) -> str:
        """The same for everything that means the same; changes when a name in it comes to mean something else."""
        return in_full(self.tree)


def check(
    text: str,
    wanted: Wanted = "condition",
    scope: Scope = "person",
    vocabulary: Vocabulary = EMPTY,
    *,
    allows_clock: bool = True,
    events: tuple[str, ...] | None = None,
) -> Checked:
    """Parse and check. `condition` refuses what is a number or a text as a whole; without `allows_clock` nobody may
    come or go only because of the clock, as a segment; `events` are those of the scope "event". Raises Mistake."""
    parsed = parse(text)
    warnings: list[Remark] = []
    checker = _Checker(parsed, scope, vocabulary, events, warnings)
    tree = checker.condition(parsed.root) if wanted == "condition" else checker.value(parsed.root)
    _measure(tree)
    if not allows_clock:
        refuse_clock(tree)
    lower(tree)
    found = (*warnings, *remarks(tree, parsed.text))
    return Checked(text, tree, tuple(sorted(found, key=lambda remark: remark.offset)))


def _measure(tree: Node) -> None:
    """Segments within segments may say a lot in a few words."""
    count, stack = 0, [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > LARGEST or depth > DEEPEST:
            message = "with the segments and metrics that it names, the expression is too large"
            raise Mistake(0, message, "name fewer of them, or simpler ones")
        stack += [(part, depth + 1) for part in (*children(node), *inner(node), *referred(node))]


class _Checker:
    def __init__(
        self,
        parsed: Parsed,
        scope: Scope,
        vocabulary: Vocabulary,
        events: tuple[str, ...] | None,
        warnings: list[Remark],
    ) -> None:
        self.parsed = parsed
        self.scope = scope
        self.vocabulary = vocabulary
        self.events = events
        self.warnings = warnings

    def over(self, events: tuple[str, ...]) -> "_Checker":
        return _Checker(self.parsed, "event", self.vocabulary, events, self.warnings)

    def warn(self, at: int, message: str, hint: str = "") -> None:
        remark = Remark(at, message, hint)
        if remark not in self.warnings:
            self.warnings.append(remark)

    def source(self, node: Node) -> str:
        return " ".join(self.parsed.text[slice(*node.span)].split())

    def kind(self, node: Node) -> str:
        if isinstance(node, Property):
            return known.kind_of_property(self, node)
        if isinstance(node, Trait) and len(node.path) == 1:
            return known.KINDS.get((self.vocabulary.traits or {}).get(node.name, ""), ANYTHING)
        return kind_of(node)

    def condition(self, node: ast.expr) -> Node:
        """A node of which only `is True` will be asked."""
        found = self.value(node)
        kind = self.kind(found)
        if kind not in (BOOLEAN, ANYTHING):
            raise Mistake(found.span[0], f"{kind} is no condition", self._as_condition(found, kind))
        return found

    def _as_condition(self, found: Node, kind: str) -> str:
        source = self.source(found)
        match kind:
            case "a number" if isinstance(found, Aggregate):
                return f"compare it: {found.function}(...) >= 1"
            case "a text" if isinstance(found, Literal) and self.parsed.text.strip() == source:
                return f"whether there is such an event is any({source})"
            case "a text" if isinstance(found, Literal):
                return 'write the whole comparison: plan == "a" or plan == "b"'
            case "None":
                return "ask with: x is None"
            case "a list":
                return f'ask what is in it: "a" in {source}'
            case "a duration":
                return f'compare it: {source} >= "30d"'
            case "a time":
                return f'compare it: {source} > "2025-01-01", or ask whether it is there: {source} is not None'
            case _:
                return "compare it with something"

    def value(self, node: ast.expr) -> Node:
        span = self.parsed.span(node)
        match node:
            case ast.Constant():
                return _literal(node, span)
            case ast.Tuple() | ast.List():
                hint = 'write x in ("a", "b"), and numbers without commas: 1500'
                raise Mistake(span[0], 'a list stands only right of "in"', hint)
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.condition(value) for value in values)
                return All(parts, span) if isinstance(op, ast.And) else Either(parts, span)
            case ast.UnaryOp(op=op, operand=operand):
                return Not(self.condition(operand), span) if isinstance(op, ast.Not) else self._negative(operand, span)
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left=left, op=op, right=right):
                return operands.calculate(self, _SIGNS[type(op)], self.value(left), self.value(right), span)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return paths.resolve(self, node)
            case _:
                raise Mistake(span[0], f"{type(node).__name__} is no part of the language")

    def _negative(self, operand: ast.expr, span: Span) -> Node:
        found = self.value(operand)
        if isinstance(found, Literal) and kind_of(found) == NUMBER:
            assert isinstance(found.value, int | float)
            return Literal(0 - found.value, span)
        if self.kind(found) not in (NUMBER, ANYTHING):
            raise Mistake(span[0], f"only a number can be negative, not {self.kind(found)}", "leave the - out")
        return Negative(found, span)

    def _call(self, node: ast.Call) -> Node:
        called = calls.function(self, node)
        match called.group:
            case "events":
                return event_functions.aggregate(self, node, called)
            case "steps" if called.name == "sequence":
                return event_functions.sequence(self, node, called)
            case "steps":
                hint = 'elsewhere the condition goes into where=: any("...", where=...)'
                raise Mistake(self.parsed.span(node)[0], "event() is only a step of a sequence", hint)
            case "sessions":
                return person_functions.sessions(self, node, called)
            case "moment":
                return person_functions.moment(self, node, called)
            case "person":
                return person_functions.person(self, node, called)
            case "values":
                return person_functions.of_values(self, node, called)

    # ---- comparisons -------------------------------------------------------------------------------------------------

    def _compare(self, node: ast.Compare) -> Node:
        operands_ = [node.left, *node.comparators]
        for middle in operands_[1:-1]:
            # It is compared twice, so chains within chains would grow beyond any measure.
            chain = _chain(middle)
            if chain is not None:
                raise Mistake(self.parsed.span(chain)[0], "a chain of comparisons within another", "write it with and")
        parts: list[Node] = []
        for op, left, right in zip(node.ops, operands_, operands_[1:], strict=False):
            span = (self.parsed.outer_span(left)[0], self.parsed.outer_span(right)[1])
            parts.append(self._pair(op, left, right, span))
        return parts[0] if len(parts) == 1 else All(tuple(parts), self.parsed.span(node))

    def _pair(self, op: ast.cmpop, left: ast.expr, right: ast.expr, span: Span) -> Node:
        found: Node
        if person_functions.is_percentile(left) or person_functions.is_percentile(right):
            return person_functions.percentile(self, op, left, right, span)
        if isinstance(op, ast.In | ast.NotIn):
            item = self.value(left)
            if kind_of(item) == MISSING:
                raise Mistake(item.span[0], "None equals nothing, so it is in no list", "write x is None")
            found = operands.is_in(self, item, self._among(item, right), span)
        elif isinstance(op, ast.Is | ast.IsNot):
            operand, none = self.value(left), self.value(right)
            if kind_of(none) != MISSING:
                raise Mistake(none.span[0], '"is" compares only with None', "write == for anything else")
            found = IsMissing(operand, span)
        else:
            negation = "not " if isinstance(op, ast.NotEq) else ""
            found = operands.compare(self, _OPERATORS[type(op)], self.value(left), self.value(right), span, negation)
        return Not(found, span) if isinstance(op, ast.NotEq | ast.NotIn | ast.IsNot) else found

    def _among(self, item: Node, node: ast.expr) -> Node:
        """What stands right of `in`."""
        if isinstance(node, ast.Tuple | ast.List):
            return Items(tuple(self._item(element) for element in node.elts), self.parsed.span(node))
        among = self.value(node)
        at, written, kind = among.span[0], self.source(among), self.kind(among)
        if isinstance(among, Literal) and kind == TEXT:
            hint = f"write in ({written},), or == {written}"
            raise Mistake(at, 'a comma is missing: "in" looks into a list', hint)
        if isinstance(among, Literal):
            raise Mistake(at, '"in" looks into a list', f"write in ({written},), or == {written}")
        if kind == TEXT:
            hint = f"write contains({written}, {self.source(item)})"
            raise Mistake(at, '"in" looks into a list, and this is a text', hint)
        if kind not in (LIST, ANYTHING):
            raise Mistake(at, f'"in" looks into a list, and this is {kind}', 'write x in ("a", "b")')
        return among

    def _item(self, node: ast.expr) -> Node:
        if isinstance(node, ast.Tuple | ast.List):
            hint = "lists equal nothing; write its elements"
            raise Mistake(self.parsed.span(node)[0], "a list cannot stand in a list", hint)
        item = self.value(node)
        if kind_of(item) == MISSING:
            hint = "write x is None or x in (...)"
            raise Mistake(item.span[0], "None equals nothing, so it cannot be found in a list", hint)
        return item


def _chain(node: ast.AST) -> ast.Compare | None:
    """A chain of comparisons in the node. In a function over events it does no harm, since these do not nest."""
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        return node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        called = FUNCTIONS.get(node.func.id)
        if called is not None and called.group in ("events", "steps"):
            return None
    return next((found for child in ast.iter_child_nodes(node) if (found := _chain(child)) is not None), None)


def _literal(node: ast.Constant, span: Span) -> Literal:
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
