"""JSON Schemas of the files that people write, for editors: what may stand where, with a line of help for each key.

The readers of definitions say what is wrong in words and with a place; a schema only helps while somebody types. So it
stands here, apart from them, and a test holds the keys of both together. Draft 7, which every editor's YAML support
speaks. `tactful schema` prints one, `--write` puts all into a folder; docs/schemas/ holds them too.
"""

from pathlib import Path

import msgspec

from tactful.errors import UsageError
from tactful.operations.definitions.schema_parts import (
    DESCRIPTION,
    DURATION,
    EVENTS,
    PURPOSE,
    SCALAR,
    TEXT,
    Schema,
    condition,
    object_of,
    of,
)
from tactful.operations.definitions.schemas_journeys import JOURNEY
from tactful.operations.definitions.schemas_messages import BLOCK, MESSAGE
from tactful.runtime.settings import Settings
from tactful.segments.features import TYPES

DRAFT = "http://json-schema.org/draft-07/schema#"
SEGMENT = object_of(
    "A segment, segments/NAME.yaml: people for whom a condition holds.",
    {
        "description": DESCRIPTION,
        "when": condition("Who is in it", 'any("Order Completed", last="30d")'),
        "purpose": of(PURPOSE, "Only people who permit this purpose.", examples=["profiling"]),
    },
    ["when"],
)

_TYPE = {"enum": ["number", "text", "boolean", "time", "list", "object", "anything"]}
_PROPERTY = object_of(
    "A property.",
    {
        "type": of(_TYPE, "What it holds.", default="anything"),
        "description": DESCRIPTION,
        "required": {"type": "boolean", "description": "Whether every such event should have it."},
        "enum": {"type": "array", "items": SCALAR, "minItems": 1, "description": "The values that it may have."},
        "personal": {"type": "boolean", "description": "Whether it is personal data, such as an address or a name."},
        "merge": {
            "anyOf": [
                {"enum": ["newest", "first", "maximum", "minimum", "union"]},
                object_of(
                    "The newest write of the first of these sources that wrote any.",
                    {"sources": {"type": "array", "items": TEXT, "minItems": 1, "description": "Names of sources."}},
                    ["sources"],
                ),
            ],
            "default": "newest",
            "description": "Of a trait ($identify): which of several writes counts, or that all do together.",
        },
    },
)

EVENT = object_of(
    "An event, events/NAME.yaml: what it is called and what it carries.",
    {
        "name": of(SCALAR, "The event's name, as clients send it; $identify declares the traits."),
        "description": DESCRIPTION,
        "properties": {
            "type": "object",
            "description": "Its properties by name, each with its type.",
            "additionalProperties": {"anyOf": [_TYPE, _PROPERTY]},
        },
        "server_only": {
            "type": "boolean",
            "default": False,
            "description": "Whether only a source of trust server may send it.",
        },
        "retention": of(DURATION, "How long such events are known; without it, always."),
    },
    ["name"],
)

COLLECTION = object_of(
    "A collection, collections/NAME.yaml: a list kept for each person from events, such as a cart.",
    {
        "description": DESCRIPTION,
        "add": of(EVENTS, "Events that add to it."),
        "remove": of(EVENTS, "Events that remove from it."),
        "clear": of(EVENTS, "Events that clear it."),
        "key": of(TEXT, "The property that tells its lines apart.", examples=["product_id"]),
        "quantity": of(TEXT, "The property that says how many (1 where it is missing).", default="quantity"),
        "price": of(TEXT, "The property with the price of one.", default="price"),
        "fields": {"type": "array", "items": TEXT, "description": "Properties that each line keeps."},
        "limit": {"type": "integer", "minimum": 1, "default": 200, "description": "Changes that are kept exactly."},
    },
    ["add", "key"],
)

METRIC = object_of(
    "A metric, metrics/NAME.yaml: a value for each person.",
    {
        "description": DESCRIPTION,
        "value": condition("Its value", 'sum("Order Completed", total, last="90d")'),
    },
    ["value"],
)

_FEATURE = condition("Its value", 'count("Order Completed", last="90d")')
FEATURES = object_of(
    "A set of features, features/NAME.yaml: values of each person that models learn from.",
    {
        "description": DESCRIPTION,
        "features": {
            "type": "object",
            "description": "By name, the value, or the value and its type.",
            "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,63}$"},
            "additionalProperties": {
                "anyOf": [
                    _FEATURE,
                    object_of(
                        "A value of which nothing declares the type.",
                        {"value": _FEATURE, "type": {"enum": list(TYPES), "description": "Of its column."}},
                        ["value"],
                    ),
                ]
            },
        },
    },
    ["features"],
)


def _settings() -> Schema:
    found = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Settings)))  # Defaults as JSON has them.
    return {"description": "The settings, tactful.toml (docs/configuration.md).", **found}


FOLDERS = {
    "segment": "segments",
    "journey": "journeys",
    "message": "messages",
    "event": "events",
    "collection": "collections",
    "metric": "metrics",
    "features": "features",
    "block": "blocks",
}
"""Of each schema, the folder of the files that it describes; `settings` is of tactful.toml."""
NAMES = (*FOLDERS, "settings")
_BY_NAME = {
    "segment": SEGMENT,
    "journey": JOURNEY,
    "message": MESSAGE,
    "event": EVENT,
    "collection": COLLECTION,
    "metric": METRIC,
    "features": FEATURES,
    "block": BLOCK,
}


def schema(name: str) -> Schema:
    """The schema of this name; a folder's name is understood too. Raises UsageError."""
    name = next((one for one, folder in FOLDERS.items() if folder == name), name)
    if name not in NAMES:
        raise UsageError(f'there is no schema "{name}"; there are {", ".join(NAMES)}')
    found = _BY_NAME[name] if name in _BY_NAME else _settings()
    return {"$schema": DRAFT, "title": f"Tactful: {name}", **found}


def as_text(found: Schema) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def write(folder: Path) -> list[str]:
    """Put all schemas into a folder, NAME.json each, and say which."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            path = folder / f"{name}.json"
            path.write_text(as_text(schema(name)), encoding="utf-8")
            written.append(str(path))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    return written
