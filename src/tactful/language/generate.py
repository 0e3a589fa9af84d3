"""From a lowered tree to Python code, as `ast` nodes: no text of a user reaches compile(), every constant is bound by
name.

Two kinds of code: a condition's code is always True or False (`x` alone becomes `x is True`), a value's code may give
any value, None for missing. Comparisons with a constant are written out, since they are most of what is run; the others
call meaning.py.
"""

import ast
from collections.abc import Callable
from typing import Any

from tactful.aggregates.newest import count
from tactful.language.meaning import at_most, equal, follow, is_in, less
from tactful.language.tree import (
    All,
    AnyOf,
    AtLeast,
    Boolean,
    Compare,
    Context,
    Count,
    Either,
    In,
    IsMissing,
    Items,
    Literal,
    Node,
    Not,
    Path,
    Property,
    Trait,
)

_LOAD = ast.Load()
_FUNCTIONS = {
    "count": count,
    "equal": equal,
    "less": less,
    "at_most": at_most,
    "is_in": is_in,
    "follow": follow,
    "type": type,
    "len": len,
    "numbers": frozenset((int, float)),
    "text": str,
    "boolean": bool,
}
_EXACT = 2**53
"""Below it an integer and a constant compare as their doubles do."""
_CODE = {"==": ast.Eq, "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE}


def _name(name: str) -> ast.expr:
    return ast.Name(name, _LOAD)


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_name(function), list(arguments), [])


def _get(mapping: str, key: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(_name(mapping), "get", _LOAD), [key], [])


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [op], [right])


def _both(*parts: ast.expr) -> ast.expr:
    return _joined(ast.And(), list(parts))


def _joined(word: ast.boolop, parts: list[ast.expr]) -> ast.expr:
    return ast.BoolOp(word, parts) if len(parts) > 1 else parts[0]


class Generator:
    """Code for trees over one scope; `number_of` gives the number of the aggregate behind a count."""

    def __init__(self, number_of: Callable[[Count], int]) -> None:
        self._number_of = number_of
        self._bound: dict[str, Any] = dict(_FUNCTIONS)

    def function(self, arguments: tuple[str, ...], body: ast.expr) -> Any:
        """The function of these arguments; its globals are the bound constants and meaning.py, no builtins."""
        parameters = ast.arguments([], [ast.arg(name) for name in arguments], None, [], [], None, [])
        tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(parameters, body)))
        return eval(compile(tree, "<expression>", "eval"), {**self._bound, "__builtins__": {}})  # noqa: S307 - our own nodes

    def condition(self, node: Node) -> ast.expr:
        match node:
            case Literal(value=value):
                return ast.Constant(value is True)
            case AtLeast(count=counted, n=n):
                return self._at_least(counted, n)
            case AnyOf(count=counted):
                return self._at_least(counted, 1)
            case All(parts=parts):
                return _joined(ast.And(), [self.condition(part) for part in parts])
            case Either(parts=parts):
                return _joined(ast.Or(), [self.condition(part) for part in parts])
            case Not(part=part):
                return ast.UnaryOp(ast.Not(), self.condition(part))
            case Compare():
                return self._compare(node)
            case In():
                return self._in(node)
            case IsMissing(operand=operand):
                return _compared(self.value(operand), ast.Is(), ast.Constant(None))
            case _:
                return _compared(self.value(node), ast.Is(), ast.Constant(True))

    def value(self, node: Node) -> ast.expr:
        match node:
            case Literal(value=value):
                return self._bind(value)
            case Items(items=items):
                return ast.List([self.value(item) for item in items], _LOAD)
            case Trait(path=path):
                return self._path("traits", path)
            case Property(path=path):
                return self._path("properties", path)
            case Context(path=path):
                return self._path("context", path)
            case Count(window_us=window_us):
                state = _get("newest", self._bind(self._number_of(node)))
                return _call("count", state, self._bind(window_us), _name("now"))
            case _:
                assert isinstance(node, Boolean)
                return self.condition(node)

    def _bind(self, value: object) -> ast.expr:
        name = f"c{len(self._bound)}"
        self._bound[name] = value
        return _name(name)

    def _path(self, mapping: str, path: Path) -> ast.expr:
        first = _get(mapping, self._bind(path[0]))
        return first if len(path) == 1 else _call("follow", first, self._bind(path[1:]))

    def _at_least(self, counted: Count, n: int) -> ast.expr:
        """The n-th newest is there and younger than the window."""
        state = ast.NamedExpr(ast.Name("state", ast.Store()), _get("newest", self._bind(self._number_of(counted))))
        times = ast.Attribute(_name("state"), "times", _LOAD)
        parts = [
            _compared(state, ast.IsNot(), ast.Constant(None)),
            _compared(_call("len", times), ast.GtE(), ast.Constant(n)),
        ]
        if counted.window_us is not None:
            oldest = ast.Subscript(times, ast.UnaryOp(ast.USub(), ast.Constant(n)), _LOAD)
            begin = ast.BinOp(_name("now"), ast.Sub(), self._bind(counted.window_us))
            parts.append(_compared(oldest, ast.Gt(), begin))
        return _both(*parts)

    def _compare(self, node: Compare) -> ast.expr:
        op, left, right = node.op, node.left, node.right
        code = self._with_constant(op, left, right.value) if isinstance(right, Literal) else None
        if code is not None:
            return code
        one, other = self.value(left), self.value(right)
        match op:
            case "==":
                return _call("equal", one, other)
            case "<":
                return _call("less", one, other)
            case "<=":
                return _call("at_most", one, other)
            case ">":
                return _call("less", other, one)
            case ">=":
                return _call("at_most", other, one)

    def _with_constant(self, op: str, left: Node, constant: object) -> ast.expr | None:
        """A name compared with a constant, written out; None where only meaning.py is exact."""
        if not isinstance(left, Trait | Property | Context):
            return None
        if isinstance(constant, bool):
            return _compared(self.value(left), ast.Is(), ast.Constant(constant)) if op == "==" else None
        if isinstance(constant, str) and op == "==":
            return _compared(self.value(left), ast.Eq(), self._bind(constant))
        if isinstance(constant, int | float) and abs(constant) >= _EXACT:
            return None
        held = ast.NamedExpr(ast.Name("held", ast.Store()), self.value(left))
        kind = _call("type", held)
        if isinstance(constant, str):
            is_kind = _compared(kind, ast.Is(), _name("text"))
        else:
            is_kind = _compared(kind, ast.In(), _name("numbers"))
        return _both(is_kind, _compared(_name("held"), _CODE[op](), self._bind(constant)))

    def _in(self, node: In) -> ast.expr:
        among = node.among
        if isinstance(among, Items) and all(
            isinstance(one, Literal) and isinstance(one.value, str) for one in among.items
        ):
            held = ast.NamedExpr(ast.Name("held", ast.Store()), self.value(node.item))
            is_text = _compared(_call("type", held), ast.Is(), _name("text"))
            texts = frozenset(one.value for one in among.items if isinstance(one, Literal))
            return _both(is_text, _compared(_name("held"), ast.In(), self._bind(texts)))
        return _call("is_in", self.value(node.item), self.value(among))
