"""What a set of expressions covers: constructs with their options, and which construct stands in which place of which.

A pair is "sum value: *": the value that sum() is asked of is a product. What can occur is learned from the generator
itself, by writing many texts; what is tested is chosen from those that add most.
"""

import ast
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tests.parity.oracle import parse

OPTIONS = ("where", "last", "between", "same", "within")
CONSTRUCTS = frozenset(
    {
        *("==", "!=", "<", "<=", ">", ">=", "a < b < c", "in list", "in name", "not in list", "not in name"),
        *("is None", "is not None", "and", "or", "not", "+", "-", "*", "/", "minus", "trait", "traits[]", "profile."),
        *("property", "properties[]", "context.", "profile. of an event", "[0]", "x.y", "constant"),
        *(f"collection {part}" for part in ("lines", "quantity", "value", "changed_at", "items")),
        *("count", "count same=", "any", "sum", "avg", "min", "max", "distinct", "active_days", "time_since"),
        *("first", "first value", "latest", "latest value", "one event", "any event of", '"*"'),
        *(
            f"{function} {option}"
            for function in ("count", "any", "sum", "avg", "min", "max", "distinct", "active_days", "time_since")
            for option in ("where=", "last=", "between=")
        ),
        *(f"{function} {option}" for function in ("first", "latest") for option in ("where=", "last=", "between=")),
        *(
            "sequence",
            "sequence within=",
            "sequence last=",
            "step where=",
            "not between",
            "not at the end",
            "not twice",
        ),
        *("sessions", "sessions last=", "sessions between=", "session_length", "avg_session_length"),
        *("avg_session_length last=", "avg_session_length between=", "segment", "score", "consents"),
        *("percentile >=", "percentile <", "now", "local_hour", "local_weekday", "local_month"),
        *("time", "lower", "len", "contains", "starts_with", "ends_with"),
    }
)
_COMPARED: dict[type[ast.AST], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_JOINED: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.And: "and",
    ast.Or: "or",
}
_OPS = _COMPARED | _JOINED
_OVER_EVENTS = ("count", "any", "sum", "avg", "min", "max", "distinct", "first", "latest", "time_since", "active_days")


_KINSHIP = {
    **dict.fromkeys(("==", "!="), "equal"),
    **dict.fromkeys(("<", "<=", ">", ">="), "order"),
    **dict.fromkeys(("is None", "is not None"), "missing"),
    **dict.fromkeys(("in list", "not in list"), "in list"),
    **dict.fromkeys(("in name", "not in name"), "in name"),
    **dict.fromkeys(("*", "/"), "times"),
    **dict.fromkeys(("+", "-"), "plus"),
    **dict.fromkeys(("contains", "starts_with", "ends_with"), "text test"),
    **dict.fromkeys(("local_hour", "local_weekday", "local_month"), "clock"),
    **dict.fromkeys(("min", "max"), "extreme"),
    **dict.fromkeys(("percentile <", "percentile >="), "percentile"),
}
"""What is told apart as a construct, and is one thing in a pair."""


def kin(node: ast.expr) -> str:
    """What a node is called in a pair."""
    name = label(node)
    return _KINSHIP.get(name, name)


def label(node: ast.expr) -> str:
    """The construct of a node."""
    match node:
        case ast.Compare(ops=[_, _]):
            return "a < b < c"
        case ast.Compare(ops=[ast.In() | ast.NotIn() as op], comparators=[right]):
            word = "in" if isinstance(op, ast.In) else "not in"
            return f"{word} {'list' if isinstance(right, ast.Tuple | ast.List) else 'name'}"
        case ast.Compare(ops=[ast.Is()]):
            return "is None"
        case ast.Compare(ops=[ast.IsNot()]):
            return "is not None"
        case ast.Compare(left=ast.Call(func=ast.Name(id="percentile")), ops=[op]):
            return f"percentile {_OPS[type(op)]}"
        case ast.Compare(ops=[op]) | ast.BinOp(op=op) | ast.BoolOp(op=op):
            return _OPS[type(op)]
        case ast.UnaryOp(op=op):
            return "not" if isinstance(op, ast.Not) else "minus"
        case ast.Call(func=ast.Name(id=function)):
            if any(keyword.arg == "same" for keyword in node.keywords):
                return "count same="
            return f"{function} value" if function in ("first", "latest") and len(node.args) > 1 else function
        case ast.Constant():
            return "constant"
        case _:
            return "name"


def found(text: str) -> Counter[str]:
    """Constructs, options and pairs of a text."""
    return Counter(_found(parse(text), "person"))


def _found(node: ast.expr, scope: str) -> Iterator[str]:
    name = label(node)
    match node:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            yield from _of_name(node, scope)
        case ast.Constant():
            yield "constant"
        case ast.Call(func=ast.Name(id=function)) if function in (*_OVER_EVENTS, "sequence", "sessions"):
            yield name
            yield from _of_events(function, name, node)
        case ast.Call(func=ast.Name(id=function)) if function in ("segment", "score", "consents", "avg_session_length"):
            yield name
            yield from (f"{function} {keyword.arg}=" for keyword in node.keywords)
        case ast.Compare(left=ast.Call(func=ast.Name(id="percentile"))):
            yield name
        case _:
            yield name
            for child in _opened(node):
                if not (isinstance(node, ast.Call) and child is node.func):
                    yield f"{scope} {_KINSHIP.get(name, name)}: {kin(child)}"
                    yield from _found(child, scope)


def _opened(node: ast.expr) -> Iterator[ast.expr]:
    """The parts of a node; of a list that is written out, its items."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Tuple | ast.List):
            yield from child.elts
        elif isinstance(child, ast.expr):
            yield child


def _of_name(node: ast.expr, scope: str) -> Iterator[str]:
    text = ast.unparse(node)
    root, rest = text.split("[", maxsplit=1)[0].split(".")[0], text.split(".")
    if root in ("cart", "wishes"):
        yield f"collection {rest[1].split('[')[0]}"
    elif root == "profile":
        yield "profile." if scope == "person" else "profile. of an event"
    elif root == "context":
        yield "context."
    elif root in ("traits", "properties"):
        yield f"{root}[]"
    else:
        yield "trait" if scope == "person" else "property"
    yield from (kind for kind, mark in (("[0]", "[0]"), ("x.y", ".")) if mark in text)


def _of_events(function: str, name: str, node: ast.Call) -> Iterator[str]:
    yield from (f"{function} {keyword.arg}=" for keyword in node.keywords if keyword.arg != "same")
    for index, step in enumerate(node.args if function == "sequence" else node.args[:1]):
        inner = step.operand if isinstance(step, ast.UnaryOp) else step
        if isinstance(step, ast.UnaryOp):
            yield "not at the end" if index == len(node.args) - 1 else "not between"
            yield from ["not twice"] if isinstance(node.args[index - 1], ast.UnaryOp) else []
        if isinstance(inner, ast.Call):
            where = inner.keywords[0].value
            yield from ("step where=", f"where: {kin(where)}", *_found(where, "event"))
            inner = inner.args[0]
        named = ast.literal_eval(inner)
        yield "any event of" if isinstance(named, list) else '"*"' if named == "*" else "one event"
    parts = [("where", keyword.value) for keyword in node.keywords if keyword.arg == "where"]
    parts += [("value", keyword.value) for keyword in node.keywords if keyword.arg == "same"]
    parts += [("value", value) for value in node.args[1:] if function != "sequence"]
    for place, part in parts:
        owner = _KINSHIP.get(name, name) + " value" if place == "value" else "where"
        yield f"{owner}: {kin(part)}"
        yield from _found(part, "event")


def choose(pool: Sequence[str], count: int, before: Counter[str], variety: Callable[[str], float]) -> list[str]:
    """The texts that add most to what was covered `before` (which is brought up to date); among equals those whose
    answers vary most, and the shorter."""
    covers = {text: set(found(text)) for text in pool}
    worths = {text: math.sqrt(0.1 + variety(text)) / (40 + len(text)) for text in covers}
    chosen: list[str] = []
    while len(chosen) < min(count, len(pool)):

        def gain(text: str) -> float:
            return worths[text] * (0.02 + sum(1 / (1 + before[mark] * (2 + before[mark])) for mark in covers[text]))

        best = max(covers, key=gain)
        chosen.append(best)
        before.update(covers.pop(best))
    return chosen


def sharpest(pool: Sequence[str], count: int, variety: Callable[[str], float]) -> list[str]:
    """The shortest texts whose answers vary most."""
    return sorted(pool, key=lambda text: variety(text) / (20 + len(text)), reverse=True)[:count]
