"""The checked tree of an expression: what it means, with the names resolved and nothing left to refuse.

`!=`, `not in`, `is not`, chains and parentheses are gone: one meaning has one tree and one canonical text, by which two
definitions find out that they count the same thing.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Literal as OneOf

from msgspec import Struct

from tactful.language.names import ROOTS, is_plain
from tactful.values import format_duration

Path = tuple[str | int, ...]
Span = tuple[int, int]
Scalar = bool | int | float | str | None


class Literal(Struct, frozen=True):
    value: Scalar
    span: Span


class Items(Struct, frozen=True):
    """A list written out."""

    items: tuple["Node", ...]
    span: Span


class Trait(Struct, frozen=True):
    path: Path
    span: Span

    @property
    def name(self) -> str:
        return str(self.path[0])


class Property(Struct, frozen=True):
    path: Path
    span: Span


class Context(Struct, frozen=True):
    path: Path
    span: Span


class Count(Struct, frozen=True):
    events: tuple[str, ...]
    where: "Node | None"
    window_us: int | None
    span: Span


class AtLeast(Struct, frozen=True):
    """At least n (1..CAP) such events are in the window: what lower.py makes of comparisons; nobody writes it."""

    count: Count
    n: int
    span: Span


class AnyOf(Struct, frozen=True):
    """any(): its count is at least 1."""

    count: Count
    span: Span


class Compare(Struct, frozen=True):
    op: OneOf["==", "<", "<=", ">", ">="]
    left: "Node"
    right: "Node"
    span: Span


class In(Struct, frozen=True):
    item: "Node"
    among: "Node"
    span: Span


class IsMissing(Struct, frozen=True):
    operand: "Node"
    span: Span


class All(Struct, frozen=True):
    parts: tuple["Node", ...]
    span: Span


class Either(Struct, frozen=True):
    parts: tuple["Node", ...]
    span: Span


class Not(Struct, frozen=True):
    part: "Node"
    span: Span


Node = (
    Literal
    | Items
    | Trait
    | Property
    | Context
    | Count
    | AtLeast
    | AnyOf
    | Compare
    | In
    | IsMissing
    | All
    | Either
    | Not
)
Boolean = AtLeast | AnyOf | Compare | In | IsMissing | All | Either | Not
"""Nodes whose value is always True or False."""

_SIGNS: Mapping[str, ast.cmpop] = {"==": ast.Eq(), "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE()}


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node over the same scope; a `where=` is another scope."""
    match node:
        case Compare(left=left, right=right):
            return left, right
        case In(item=item, among=among):
            return item, among
        case IsMissing(operand=part) | Not(part=part) | AnyOf(count=part) | AtLeast(count=part):
            return (part,)
        case All(parts=parts) | Either(parts=parts) | Items(items=parts):
            return parts
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from walk(child)


def canonical(node: Node) -> str:
    """The text that every way to write this meaning shares."""
    return ast.unparse(_render(node))


def _render(node: Node) -> ast.expr:
    match node:
        case Literal(value=value):
            return ast.Constant(value)
        case Items(items=items):
            return ast.Tuple([_render(item) for item in items], ast.Load())
        case Trait(path=path):
            return _render_path(path, "traits")
        case Property(path=path):
            return _render_path(path, "properties")
        case Context(path=path):
            return _steps(ast.Name("context", ast.Load()), path)
        case Count():
            return _render_count("count", node)
        case AnyOf(count=count):
            return _render_count("any", count)
        case AtLeast(count=count, n=n):
            return ast.Compare(_render_count("count", count), [ast.GtE()], [ast.Constant(n)])
        case Compare(op=op, left=left, right=right):
            return ast.Compare(_render(left), [_SIGNS[op]], [_render(right)])
        case In(item=item, among=among):
            return ast.Compare(_render(item), [ast.In()], [_render(among)])
        case IsMissing(operand=operand):
            return ast.Compare(_render(operand), [ast.Is()], [ast.Constant(None)])
        case All(parts=parts):
            return ast.BoolOp(ast.And(), [_render(part) for part in parts])
        case Either(parts=parts):
            return ast.BoolOp(ast.Or(), [_render(part) for part in parts])
        case Not(part=part):
            return _render_not(part)


def _render_not(part: Node) -> ast.expr:
    match part:
        case Compare(op="==", left=left, right=right):
            return ast.Compare(_render(left), [ast.NotEq()], [_render(right)])
        case In(item=item, among=among):
            return ast.Compare(_render(item), [ast.NotIn()], [_render(among)])
        case IsMissing(operand=operand):
            return ast.Compare(_render(operand), [ast.IsNot()], [ast.Constant(None)])
        case _:
            return ast.UnaryOp(ast.Not(), _render(part))


def _render_count(name: str, count: Count) -> ast.expr:
    events: list[ast.expr] = [ast.Constant(event) for event in count.events]
    options = []
    if count.where is not None:
        options.append(ast.keyword("where", _render(count.where)))
    if count.window_us is not None:
        options.append(ast.keyword("last", ast.Constant(format_duration(count.window_us))))
    argument = events[0] if len(events) == 1 else ast.List(events, ast.Load())
    return ast.Call(ast.Name(name, ast.Load()), [argument], options)


def _render_path(path: Path, root: str) -> ast.expr:
    first = path[0]
    if isinstance(first, str) and is_plain(first) and first not in ROOTS:
        return _steps(ast.Name(first, ast.Load()), path[1:])
    return _steps(ast.Name(root, ast.Load()), path)


def _steps(value: ast.expr, path: Path) -> ast.expr:
    for step in path:
        if isinstance(step, str) and is_plain(step):
            value = ast.Attribute(value, step, ast.Load())
        else:
            value = ast.Subscript(value, ast.Constant(step), ast.Load())
    return value
