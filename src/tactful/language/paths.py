"""Names with their steps: `x`, `x.y`, `x["a b"]`, `products[0].sku`, the four roots and collections (LANGUAGE.md 4)."""

import ast

from tactful.language import known
from tactful.language.calls import Reader
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.names import FUNCTIONS, ROOTS
from tactful.language.parse import Parsed
from tactful.language.tree import Context, Node, Part, Path, Property, Span, Trait
from tactful.language.vocabulary import Collection

LARGEST_INDEX = 1_000_000
_PERSONS = ("user", "person", "customer", "contact", "member")
PARTS = ("lines", "quantity", "value", "changed_at", "items")
"""Of a collection."""


def resolve(reader: Reader, node: ast.expr) -> Node:
    """The trait, property, context field or part of a collection that a name with its steps means."""
    root, path = _unfold(reader.parsed, node)
    span = reader.parsed.span(node)
    if root in reader.vocabulary.collections:
        return _part(reader, reader.vocabulary.collections[root], path, span)
    if root not in ROOTS:
        _remark_on_root(reader, root, path, span[0])
        return _named(reader, "", (root, *path), span)
    if reader.scope == "event" and root == "traits":
        hint = f"write {_written('profile', path)} for the person's trait, or the property's name alone"
        raise Mistake(span[0], "inside where= there are no traits, only the event", hint)
    if reader.scope == "person" and root in ("properties", "context"):
        hint = f'write it inside where=: any("...", where={root}.x == 1)'
        raise Mistake(span[0], f"{root} belongs to an event", hint)
    if not path:
        raise Mistake(span[0], f"{root} alone is no value", f"write {root}.name")
    if isinstance(path[0], int):
        raise Mistake(span[0], f"{root} is no list", f'write {root}["{path[0]}"]')
    return _named(reader, root, path, span)


def _named(reader: Reader, root: str, path: Path, span: Span) -> Node:
    if root == "context":
        return Context(path, span)
    if reader.scope == "person" or root == "profile":
        known.trait(reader, str(path[0]), span[0])
        return Trait(path, span)
    known.property_of_event(reader, str(path[0]), span[0])
    return Property(path, span)


def _remark_on_root(reader: Reader, root: str, path: Path, at: int) -> None:
    """Names that look like something else than the trait or property which they are."""
    function = FUNCTIONS.get(root)
    if function is not None and not function.arguments and not path:
        what = "trait" if reader.scope == "person" else "property"
        reader.warn(at, f"{root} is read as a {what}", f"for the function write {root}()")
    elif path and root in _PERSONS and reader.scope == "person":
        reader.warn(at, f"{root} is read as a trait", f"the person's traits are written alone: {_written('', path)}")
    elif path and root == "event" and reader.scope == "event":
        hint = f"the event's properties are written alone: {_written('', path)}"
        reader.warn(at, "event is read as a property", hint)


def _part(reader: Reader, collection: Collection, path: Path, span: Span) -> Node:
    name = collection.name
    if reader.scope == "event":
        hint = f'combine outside, with and; the property is properties["{name}"], the trait profile["{name}"]'
        raise Mistake(span[0], f"{name} is a collection, which cannot stand inside where=", hint)
    known_parts = ", ".join(f"{name}.{part}" for part in PARTS)
    if not path or path[0] not in PARTS:
        close = did_you_mean(str(path[0]), PARTS) if path else ""
        what = f"{name} alone is no value" if not path else f"the collection {name} has no {path[0]}"
        raise Mistake(span[0], what, close or f"write one of {known_parts}")
    if len(path) > 1 and path[0] != "items":
        raise Mistake(span[0], f"{name}.{path[0]} has no parts", f"what lies in it is {name}.items")
    fields = {str(collection.key[-1]), "quantity", *collection.fields}
    field = next((step for step in path[1:] if isinstance(step, str)), None)
    if field is not None and field not in fields:
        hint = did_you_mean(field, sorted(fields)) or f"add it to fields: in collections/{name}.yaml"
        raise Mistake(span[0], f"the items of {name} have no {field}", hint)
    # An index behind names is one of what all items hold together, of which nobody knows whose it was.
    if any(isinstance(step, int) for step in path[2:-1]) and isinstance(path[1], str):
        held = next(place for place, step in enumerate(path) if isinstance(step, int))
        hint = f"ask one item: {_written(name, ('items', 0, *path[1:held], *path[held + 1 :]))}"
        raise Mistake(span[0], f"what all items of {name} hold has no parts within its elements", hint)
    return Part(collection, path, span)


def _written(root: str, path: Path) -> str:
    steps = (f".{step}" if isinstance(step, str) and step.isidentifier() else _bracketed(step) for step in path)
    return (root + "".join(steps)).removeprefix(".")


def _bracketed(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f'["{step}"]'


def _unfold(parsed: Parsed, node: ast.expr) -> tuple[str, Path]:
    steps: list[str | int] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=value, attr=name):
                steps.append(name)
            case ast.Subscript(value=value, slice=index):
                steps.append(_index(parsed, index))
            case ast.Call():
                raise Mistake(parsed.span(node)[0], "the value of a function has no parts", _instead(parsed, node))
            case _:
                raise Mistake(parsed.span(node)[0], "this has no parts", "only a name can have them: products[0].sku")
        node = value
    return node.id, tuple(reversed(steps))


def _instead(parsed: Parsed, node: ast.Call) -> str:
    """latest("A").total is what latest("A", total) says."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in FUNCTIONS and FUNCTIONS[name].takes_value and node.args:
        event = parsed.text[slice(*parsed.span(node.args[0]))]
        return f"a value of the event stands inside: {name}({event}, total)"
    return "leave it out"


def _index(parsed: Parsed, index: ast.expr) -> str | int:
    at = parsed.span(index)[0]
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in index.value):
            raise Mistake(at, "half a character (a surrogate) in a name", "write the whole character")
        return index.value
    if isinstance(index, ast.Constant) and type(index.value) is int and index.value <= LARGEST_INDEX:
        return index.value
    raise Mistake(at, "in square brackets stands a text or a whole number from 0", 'write ["order id"] or [0]')
