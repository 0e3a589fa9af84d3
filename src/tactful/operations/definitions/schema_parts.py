"""What the JSON Schemas of several files are made of (schemas.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

NAME = {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"}
DURATION = {"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhdw]$", "examples": ["30m", "24h", "7d"]}
PURPOSE = {
    "type": "string",
    "maxLength": 63,
    "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
    "examples": ["email_marketing", "marketing.email"],
}
TEXT = {"type": "string", "minLength": 1}
SCALAR = {"type": ["string", "number", "boolean"]}
"""Names are read as they are written; YAML's own idea of `on` or 1.10 plays no part."""
EVENTS = {"anyOf": [SCALAR, {"type": "array", "items": SCALAR, "minItems": 1}]}


def of(base: Mapping[str, Any], description: str, **more: Any) -> Schema:
    """The same, with a line of help."""
    return {**base, "description": description, **more}


def object_of(description: str, keys: Mapping[str, Schema], required: Sequence[str] = (), **more: Any) -> Schema:
    """Names with values, and no others."""
    shape: Schema = {"type": "object", "description": description, "properties": dict(keys)}
    if required:
        shape["required"] = list(required)
    return {**shape, "additionalProperties": False, **more}


def one_of(*keys: str) -> Schema:
    """Exactly one of these keys stands there."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def condition(description: str, *examples: str) -> Schema:
    return of(TEXT, f"{description}: an expression (docs/language.md).", examples=list(examples))


DESCRIPTION = of(TEXT, "What it is, in a line, for people.")
