"""Names with their steps: `x`, `x.y`, `x["a b"]`, `products[0].sku`, and the four roots (LANGUAGE.md 4)."""

import ast

from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.names import FUNCTIONS, FUNCTIONS_TO_COME
from tactful.language.parse import Parsed
from tactful.language.tree import Context, Node, Path, Property, Trait

LARGEST_INDEX = 1_000_000


def resolve(parsed: Parsed, node: ast.expr, scope: str) -> Node:
    """The trait, property or context field that a name with its steps means."""
    root, path = _unfold(parsed, node)
    span = parsed.span(node)
    at = span[0]
    match root, scope:
        case "traits", "event":
            raise Mistake(at, "inside where= there are no traits, only the event", "write the property's name alone")
        case "profile", "event":
            raise Mistake(at, "profile. inside where= is not available yet", "write that part outside where=")
        case (("properties" | "context"), "person"):
            raise Mistake(at, f"{root} belongs to an event", f'write it inside where=: any("...", where={root}.x == 1)')
    if root not in ("traits", "profile", "properties", "context"):
        path = (root, *path)
        return Trait(path, span) if scope == "person" else Property(path, span)
    if not path:
        raise Mistake(at, f"{root} alone is no value", f"write {root}.name")
    if isinstance(path[0], int):
        raise Mistake(at, f"{root} is no list", f'write {root}["{path[0]}"]')
    if root == "context":
        return Context(path, span)
    return Property(path, span) if root == "properties" else Trait(path, span)


def _unfold(parsed: Parsed, node: ast.expr) -> tuple[str, Path]:
    steps: list[str | int] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=value, attr=name):
                steps.append(name)
            case ast.Subscript(value=value, slice=index):
                steps.append(_index(parsed, index))
            case ast.Call():
                raise Mistake(parsed.span(node)[0], "the value of a function has no parts")
            case _:
                raise Mistake(parsed.span(node)[0], "this has no parts", "only a name can have them: products[0].sku")
        node = value
    return node.id, tuple(reversed(steps))


def _index(parsed: Parsed, index: ast.expr) -> str | int:
    at = parsed.span(index)[0]
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in index.value):
            raise Mistake(at, "half a character (a surrogate) in a name", "write the whole character")
        return index.value
    if isinstance(index, ast.Constant) and type(index.value) is int and index.value <= LARGEST_INDEX:
        return index.value
    raise Mistake(at, "in square brackets stands a text or a whole number from 0", 'write ["order id"] or [0]')


def unknown_function(name: str) -> str:
    """What to write instead of a function that is not there."""
    return did_you_mean(name, [*FUNCTIONS, *FUNCTIONS_TO_COME]) or f"functions are {', '.join(FUNCTIONS)}"
