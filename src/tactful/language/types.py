"""Which kind of value a node has, as far as it is known before any data is seen (LANGUAGE.md 3.1)."""

from tactful.language.tree import Boolean, Count, Items, Literal, Node

NUMBER = "a number"
TEXT = "a text"
BOOLEAN = "true or false"
LIST = "a list"
MISSING = "None"
ANYTHING = "anything"


def kind_of(node: Node) -> str:
    """One of the kinds above; traits, properties and context may hold ANYTHING."""
    match node:
        case Literal(value=value):
            return _kind_of_scalar(value)
        case Items():
            return LIST
        case Count():
            return NUMBER
        case _:
            return BOOLEAN if isinstance(node, Boolean) else ANYTHING


def _kind_of_scalar(value: object) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return BOOLEAN
    return TEXT if isinstance(value, str) else NUMBER
