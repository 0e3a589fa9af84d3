"""Python code as `ast` nodes: no text of a user reaches compile(), every constant is bound by name.

What is made here is a function whose globals are the constants and functions that were bound to it: it has no builtins.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

LOAD, STORE = ast.Load(), ast.Store()
NONE = ast.Constant(None)
NEVER = 2**63
"""Later than every instant."""


def name(of: str) -> ast.expr:
    return ast.Name(of, LOAD)


def attribute(of: ast.expr, field: str) -> ast.expr:
    return ast.Attribute(of, field, LOAD)


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def get(mapping: ast.expr, key: ast.expr) -> ast.expr:
    return call(attribute(mapping, "get"), key)


def compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [op], [right])


def is_none(value: ast.expr) -> ast.expr:
    return compared(value, ast.Is(), NONE)


def is_not_none(value: ast.expr) -> ast.expr:
    return compared(value, ast.IsNot(), NONE)


def negated(value: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), value)


def both(parts: Sequence[ast.expr]) -> ast.expr:
    return ast.BoolOp(ast.And(), list(parts)) if len(parts) > 1 else parts[0]


def either(parts: Sequence[ast.expr]) -> ast.expr:
    return ast.BoolOp(ast.Or(), list(parts)) if len(parts) > 1 else parts[0]


def either_of(test: ast.expr, one: ast.expr, other: ast.expr) -> ast.expr:
    return ast.IfExp(test, one, other)


def total(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, ast.Add(), right)


def less_than(left: ast.expr, right: ast.expr) -> ast.expr:
    return compared(left, ast.Lt(), right)


def assign(local: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(local, STORE)], value)


def walrus(local: str, value: ast.expr) -> ast.expr:
    return ast.NamedExpr(ast.Name(local, STORE), value)


def when(test: ast.expr, body: Sequence[ast.stmt], otherwise: Sequence[ast.stmt] = ()) -> ast.stmt:
    return ast.If(test, list(body), list(otherwise))


def fill(text: str, **parts: ast.expr) -> list[ast.stmt]:
    """Statements of ours in which names stand for these parts."""
    return [_filled(statement, parts) for statement in _parsed(text)]


@lru_cache(maxsize=256)
def _parsed(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


def _filled(node: Any, parts: Mapping[str, ast.expr]) -> Any:
    """A copy: what was parsed is filled again and again."""
    if isinstance(node, list):
        return [_filled(one, parts) for one in node]
    if not isinstance(node, ast.AST) or not node._fields:
        return node
    if isinstance(node, ast.Name) and node.id in parts:
        return parts[node.id]
    return type(node)(*[_filled(getattr(node, field), parts) for field in node._fields])


class Code:
    """One function in the making: what is bound to it, and its locals."""

    def __init__(self) -> None:
        self._bound: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._locals = 0

    def bind(self, value: object) -> ast.expr:
        """A name for the object in the code; one name for one object."""
        found = self._names.get(id(value))
        if found is None:
            found = self._names[id(value)] = f"c{len(self._bound)}"
            self._bound[found] = value  # Which also keeps its id from being used again.
        return name(found)

    def local(self) -> str:
        self._locals += 1
        return f"l{self._locals}"

    def function(self, arguments: Sequence[str], body: Sequence[ast.stmt]) -> Callable[..., Any]:
        (made,) = fill(f"def expression({', '.join(arguments)}): pass")
        assert isinstance(made, ast.FunctionDef)
        made.body = list(body)
        module = ast.Module([made], [])
        _place(module)
        namespace = {**self._bound, "__builtins__": {}}
        exec(compile(module, "<expression>", "exec"), namespace)  # noqa: S102 - our own nodes
        function: Callable[..., Any] = namespace["expression"]
        return function


_PLACED = (ast.stmt, ast.expr, ast.arg, ast.keyword)


def _place(root: ast.AST) -> None:
    """All on the first line: as ast.fix_missing_locations, and in a third of its time."""
    open_ends: list[Any] = [root]
    while open_ends:
        node = open_ends.pop()
        if isinstance(node, list):
            open_ends += node
        elif isinstance(node, ast.AST) and node._fields:
            open_ends += [getattr(node, field) for field in node._fields]
            if isinstance(node, _PLACED):
                node.lineno, node.col_offset = 1, 0
