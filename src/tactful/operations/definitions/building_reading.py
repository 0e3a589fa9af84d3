"""From the text of a condition to the rows of the builder.

Rows are read from Python's syntax tree, which still has what somebody wrote ("30d", !=, chains), and each is kept only
if the text that it writes has the same checked tree: there is one meaning, and no second grammar.
"""

import ast

import msgspec
from msgspec import Struct

from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.parse import Parsed, parse
from tactful.language.tree import Node
from tactful.language.vocabulary import EMPTY, Vocabulary
from tactful.operations.definitions.building import (
    CLOCKS,
    EVENTS,
    LENSES,
    NAMED,
    SESSIONS,
    TESTS,
    YES_OR_NO,
    Constant,
    Group,
    Part,
    Row,
    Step,
    Words,
)
from tactful.operations.definitions.building_text import write

DEEPEST = 2
"""Groups within groups; what lies deeper stays text."""
AGES: dict[type[ast.cmpop], str] = {ast.Gt: "newer", ast.Lt: "older"}
"""x > now() - "48h" and x < now() - "48h"."""
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_FIELD = ast.Name | ast.Attribute | ast.Subscript


def read(text: str, vocabulary: Vocabulary = EMPTY) -> Group:
    """The rows of a condition over a person. Raises Mistake where the text is none."""
    tree = check(text, vocabulary=vocabulary).tree
    parsed = parse(text)
    found = _Reader(parsed, vocabulary).part(parsed.root, DEEPEST + 1)
    group = found if isinstance(found, Group) and found.how != "none" else Group("all", (found,))
    is_exact = same(tree, write(group), vocabulary)
    return group if is_exact else Group("all", (Words(text.strip()),))


def same(tree: Node, text: str, vocabulary: Vocabulary = EMPTY) -> bool:
    """Whether a condition has this tree."""
    try:
        return plain(check(text, vocabulary=vocabulary).tree) == plain(tree)
    except Mistake:
        return False


def plain(node: object) -> object:
    """A tree without the places at which its parts stand."""
    if isinstance(node, tuple):
        return tuple(plain(one) for one in node)
    if isinstance(node, Struct):
        fields = msgspec.structs.fields(node)
        return type(node).__name__, *(plain(getattr(node, field.name)) for field in fields if field.name != "span")
    # 1 and True are equal to Python, and not to the language.
    return type(node).__name__, node


class _Reader:
    """`where`: inside an event, where there are only fields."""

    def __init__(self, parsed: Parsed, vocabulary: Vocabulary, *, is_where: bool = False) -> None:
        self._parsed = parsed
        self._vocabulary = vocabulary
        self._is_where = is_where

    def part(self, node: ast.expr, depth: int) -> Part:
        """Of a condition; `depth` groups may still stand within each other."""
        row = self._row(node)
        if row is not None and self._is_faithful(row, node):
            return row
        group = self._group(node, depth)
        return group if group is not None else Words(self._source(node))

    def _group(self, node: ast.expr, depth: int) -> Group | None:
        if depth == 0:
            return None
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.part(value, depth - 1) for value in values)
                return Group("all" if isinstance(op, ast.And) else "any", parts)
            case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(op=ast.Or(), values=values)):
                return Group("none", tuple(self.part(value, depth - 1) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Group("none", (self.part(operand, depth - 1),))
            case ast.Compare(ops=ops, left=left, comparators=others) if len(ops) > 1:
                pairs = zip(ops, [left, *others], others, strict=False)
                found = tuple(self._pair(op, one, other) for op, one, other in pairs)
                return Group("all", found) if any(isinstance(one, Row) for one in found) else None
            case _:
                return None

    def _pair(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Part:
        """One comparison of a chain."""
        row = self._comparison(op, left, right)
        text = f"{self._outer(left)} {_SIGNS[type(op)]} {self._outer(right)}" if type(op) in _SIGNS else ""
        return row if row is not None and text and self._is_like(row, text) else Words(text)

    def _is_faithful(self, row: Row, node: ast.expr) -> bool:
        return self._is_where or self._is_like(row, self._source(node))

    def _is_like(self, row: Row, text: str) -> bool:
        """Within `where` the whole row is looked at, since only then it is known of which events."""
        if self._is_where:
            return True
        try:
            tree = check(text, vocabulary=self._vocabulary).tree
        except Mistake:
            return False
        return same(tree, write(Group("all", (row,))), self._vocabulary)

    def _source(self, node: ast.expr) -> str:
        return self._parsed.text[slice(*self._parsed.span(node))]

    def _outer(self, node: ast.expr) -> str:
        return self._parsed.text[slice(*self._parsed.outer_span(node))]

    # ---- rows ------------------------------------------------------------------------------------------------------

    def _row(self, node: ast.expr) -> Row | None:
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _turned(self._row(operand))
            case ast.Compare(ops=[op], left=left, comparators=[right]):
                return self._comparison(op, left, right)
            case ast.Call(func=ast.Name(id=name), args=[field, ast.Constant(value=str(value))]) if name in TESTS:
                of = self.quantity(field)
                return msgspec.structs.replace(of, comparison=name, values=(value,)) if of is not None else None
            case ast.Call() | ast.Name() | ast.Attribute() | ast.Subscript():
                return self.quantity(node)
            case _:
                return None

    def _comparison(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Row | None:
        if isinstance(left, ast.Constant | ast.UnaryOp):
            return self._turned_comparison(op, left, right)
        of = self.quantity(left)
        if of is None or of.quantity in YES_OR_NO:
            return None
        if isinstance(op, ast.Is | ast.IsNot):
            return msgspec.structs.replace(of, comparison="missing" if isinstance(op, ast.Is) else "there")
        if (age := _age(right)) is not None and type(op) in AGES:
            return msgspec.structs.replace(of, comparison=AGES[type(op)], values=(age,))
        values = _constants(right)
        if values is None or (isinstance(right, ast.Tuple | ast.List) != isinstance(op, ast.In | ast.NotIn)):
            return None
        return msgspec.structs.replace(of, comparison=_SIGNS[type(op)], values=values)

    def _turned_comparison(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Row | None:
        """With the value on the left side."""
        of, values = self.quantity(right), _constants(left)
        if of is None or of.quantity in YES_OR_NO or values is None or _SIGNS.get(type(op)) is None:
            return None
        if isinstance(op, ast.In | ast.NotIn):
            has = "has" if isinstance(op, ast.In) else "not has"
            return msgspec.structs.replace(of, comparison=has, values=values)
        return msgspec.structs.replace(of, comparison=_SIGNS[type(op)], values=values, is_turned=True)

    def quantity(self, node: ast.expr) -> Row | None:
        """What is asked, still compared with nothing."""
        match node:
            case ast.Name() | ast.Attribute() | ast.Subscript():
                source = self._source(node)
                return Row(quantity="field", name=source) if "\n" not in source else None
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in LENSES:
                found = self.quantity(inner)
                is_field = found is not None and found.quantity == "field" and isinstance(inner, _FIELD)
                return Row(quantity="field", name=self._source(node)) if is_field else None
            case ast.Call() if self._is_where:
                return None
            case ast.Call(func=ast.Name(id="sequence"), args=steps, keywords=options):
                return self._sequence(steps, options)
            case ast.Call(func=ast.Name(id=name), args=[event, *more], keywords=options) if name in EVENTS:
                return self._aggregate(name, event, more, options)
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(of))], keywords=[]) if name in NAMED:
                return Row(quantity=name, name=of)
            case ast.Call(func=ast.Name(id=name), args=[], keywords=options) if name in SESSIONS:
                window = _window(options)
                return Row(quantity=name, last=window[0], until=window[1]) if window is not None else None
            case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name in CLOCKS:
                return Row(quantity=name)
            case _:
                return None

    def _aggregate(self, name: str, event: ast.expr, more: list[ast.expr], options: list[ast.keyword]) -> Row | None:
        events, window = _events(event), _window([one for one in options if one.arg not in ("where", "same")])
        values = [*more, *(one.value for one in options if one.arg == "same")]
        fields = [self._source(one) for one in values if self._is_field(one)]
        if events is None or window is None or len(values) > 1 or len(fields) < len(values) or "\n" in "".join(fields):
            return None
        where = next((self._where(one.value) for one in options if one.arg == "where"), None)
        return Row(quantity=name, events=events, name="".join(fields), last=window[0], until=window[1], where=where)

    def _is_field(self, node: ast.expr) -> bool:
        """Of the event, so it is no other function."""
        found = _Reader(self._parsed, self._vocabulary, is_where=True).quantity(node)
        return found is not None and found.quantity == "field"

    def _where(self, node: ast.expr) -> Group:
        """One group without others in it."""
        found = _Reader(self._parsed, self._vocabulary, is_where=True).part(node, 1)
        if isinstance(found, Group):
            return found if found.how != "none" else Group("all", (Words(self._source(node)),))
        return Group("all", (found,))

    def _sequence(self, steps: list[ast.expr], options: list[ast.keyword]) -> Row | None:
        found = [self._step(step) for step in steps]
        texts = {one.arg: _text(one.value) for one in options}
        if None in found or None in texts.values() or not texts.keys() <= {"within", "last"}:
            return None
        within, last = texts.get("within") or "", texts.get("last") or ""
        return Row(
            quantity="sequence", steps=tuple(step for step in found if step is not None), within=within, last=last
        )

    def _step(self, node: ast.expr) -> Step | None:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            step = self._step(node.operand)
            return msgspec.structs.replace(step, is_absent=True) if step is not None and not step.is_absent else None
        match node:
            case ast.Call(func=ast.Name(id="event"), args=[event], keywords=options):
                events = _events(event)
                where = next((self._where(one.value) for one in options if one.arg == "where"), None)
                return Step(events, where=where) if events is not None else None
            case _:
                events = _events(node)
                return Step(events) if events is not None else None


def _turned(row: Row | None) -> Row | None:
    """The opposite, where it is no other meaning: a comparison with what is missing is no opposite of another."""
    opposites = {"true": "false", **{test: f"not {test}" for test in TESTS}}
    opposite = opposites.get(row.comparison) if row is not None else None
    return msgspec.structs.replace(row, comparison=opposite) if row is not None and opposite is not None else None


def _constants(node: ast.expr) -> tuple[Constant, ...] | None:
    """One value, or those of a list."""
    found = [_constant(one) for one in (node.elts if isinstance(node, ast.Tuple | ast.List) else [node])]
    return tuple(one for one in found if one is not None) if None not in found else None


def _constant(node: ast.expr) -> Constant | None:
    match node:
        case ast.Constant(value=bool(value) | int(value) | float(value) | str(value)):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value) | float(value))) if value is not True:
            return -value
        case _:
            return None


def _age(node: ast.expr) -> str | None:
    """The duration of now() - "48h"."""
    match node:
        case ast.BinOp(
            left=ast.Call(func=ast.Name(id="now"), args=[], keywords=[]),
            op=ast.Sub(),
            right=ast.Constant(value=str(duration)),
        ):
            return duration
        case _:
            return None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _events(node: ast.expr) -> tuple[str, ...] | None:
    names = [_text(one) for one in (node.elts if isinstance(node, ast.Tuple | ast.List) else [node])]
    return tuple(name for name in names if name is not None) if None not in names else None


def _window(options: list[ast.keyword]) -> tuple[str, str] | None:
    """`last` and `until`; None where something else is given."""
    match [(one.arg, one.value) for one in options]:
        case []:
            return "", ""
        case [("last", ast.Constant(value=str(last)))]:
            return last, ""
        case [("between", ast.Tuple(elts=[ast.Constant(value=str(last)), ast.Constant(value=str(until))]))]:
            return last, until
        case _:
            return None
