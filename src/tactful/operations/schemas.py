"""JSON Schemas of the files that people write, for editors: what may stand where, with a line of help for each key.

The readers of definitions say what is wrong in words and with a place; a schema only helps while somebody types. So it
stands here, apart from them, and a test holds the keys of both together. Draft 7, which every editor's YAML support
speaks. `tactful schema` prints one, `--write` puts all into a folder; docs/schemas/ holds them too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tactful.errors import UsageError
from tactful.runtime.settings import Settings

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
_NAME = {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"}
_DURATION = {"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhdw]$", "examples": ["30m", "24h", "7d"]}
_PURPOSE = {
    "type": "string",
    "maxLength": 63,
    "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
    "examples": ["email_marketing", "marketing.email"],
}
_TEXT = {"type": "string", "minLength": 1}
_SCALAR = {"type": ["string", "number", "boolean"]}
"""Names are read as they are written; YAML's own idea of `on` or 1.10 plays no part."""
_EVENTS = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}


def _of(base: Mapping[str, Any], description: str, **more: Any) -> Schema:
    return {**base, "description": description, **more}


def _object(description: str, keys: Mapping[str, Schema], required: Sequence[str] = (), **more: Any) -> Schema:
    shape: Schema = {"type": "object", "description": description, "properties": dict(keys)}
    if required:
        shape["required"] = list(required)
    return {**shape, "additionalProperties": False, **more}


def _one_of(*keys: str) -> Schema:
    return {"oneOf": [{"required": [key]} for key in keys]}


_DESCRIPTION = _of(_TEXT, "What it is, in a line, for people.")


def _condition(description: str, *examples: str) -> Schema:
    return _of(_TEXT, f"{description}: an expression (docs/language.md).", examples=list(examples))


SEGMENT = _object(
    "A segment, segments/NAME.yaml: people for whom a condition holds.",
    {
        "description": _DESCRIPTION,
        "when": _condition("Who is in it", 'any("Order Completed", last="30d")'),
        "purpose": _of(_PURPOSE, "Only people who permit this purpose.", examples=["profiling"]),
    },
    ["when"],
)

JOURNEY = _object(
    "A journey, journeys/NAME.yaml: what starts it, what ends it, what it sends.",
    {
        "description": _DESCRIPTION,
        "start": _object(
            "What starts a run: an event, or entering a segment.",
            {
                "event": _of(_EVENTS, "Name of an event, or a list of names."),
                "where": _condition("Only if the event is such", "price > 20"),
                "segment": _of(_NAME, "Name of a segment: the run starts when somebody enters it."),
            },
            **_one_of("event", "segment"),
        ),
        "if": _condition("Only for such people; asked at the start and again when it is due", 'country == "DE"'),
        "wait": _of(_DURATION, "How long after the start it is due."),
        "unless": _of(_EVENTS, "An event, or a list, that ends the waiting run."),
        "repeat": {
            "enum": ["ignore", "restart"],
            "default": "ignore",
            "description": "What another start does while a run waits.",
        },
        "on_merge": {
            "enum": ["ignore", "start"],
            "default": "ignore",
            "description": "Whether entering the segment starts it where two people turn out to be one.",
        },
        "limit": {
            "type": "string",
            "pattern": r"^\s*[1-9][0-9]{0,2}\s+per\s+[1-9][0-9]{0,8}[smhdw]\s*$",
            "description": "At most so often per person.",
            "examples": ["1 per 24h"],
        },
        "validity": _of(_DURATION, "How long after its moment it may still be sent (24h)."),
        "send": _object(
            "What is sent: one e-mail or one webhook.",
            {
                "email": _of(_NAME, "Name of a message."),
                "webhook": _of(_TEXT, "Address that is called.", pattern="^https?://"),
            },
            **_one_of("email", "webhook"),
        ),
        "purpose": _of(_PURPOSE, "Of a webhook: what the person must have agreed to."),
    },
    ["start", "send"],
)

MESSAGE = _object(
    "A message, messages/NAME.yaml: what is filled and sent. Texts are Liquid templates.",
    {
        "purpose": _of(_PURPOSE, "What the person must have agreed to.", default="email_marketing"),
        "confirms": _of(_PURPOSE, "Instead of a purpose: what the reader of a new address is asked to agree to."),
        "from": _of(_TEXT, "Sender, else the one of tactful.toml.", examples=["Shop <hello@shop.example>"]),
        "subject": _of(_TEXT, "One line."),
        "preheader": _of(_TEXT, "One line that many mail programs show beside the subject."),
        "html": _of(_TEXT, "The mail as HTML."),
        "text": _of(_TEXT, "The mail as plain text."),
    },
    ["subject", "html", "text"],
)

_TYPE = {"enum": ["number", "text", "boolean", "time", "list", "object", "anything"]}
_PROPERTY = _object(
    "A property.",
    {
        "type": _of(_TYPE, "What it holds.", default="anything"),
        "description": _DESCRIPTION,
        "required": {"type": "boolean", "description": "Whether every such event should have it."},
        "enum": {"type": "array", "items": _SCALAR, "minItems": 1, "description": "The values that it may have."},
        "personal": {"type": "boolean", "description": "Whether it is personal data, such as an address or a name."},
        "merge": {
            "anyOf": [
                {"enum": ["newest", "first", "maximum", "minimum", "union"]},
                _object(
                    "The newest write of the first of these sources that wrote any.",
                    {"sources": {"type": "array", "items": _TEXT, "minItems": 1, "description": "Names of sources."}},
                    ["sources"],
                ),
            ],
            "default": "newest",
            "description": "Of a trait ($identify): which of several writes counts, or that all do together.",
        },
    },
)

EVENT = _object(
    "An event, events/NAME.yaml: what it is called and what it carries.",
    {
        "name": _of(_SCALAR, "The event's name, as clients send it; $identify declares the traits."),
        "description": _DESCRIPTION,
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
        "retention": _of(_DURATION, "How long such events are known; without it, always."),
    },
    ["name"],
)

COLLECTION = _object(
    "A collection, collections/NAME.yaml: a list kept for each person from events, such as a cart.",
    {
        "description": _DESCRIPTION,
        "add": _of(_EVENTS, "Events that add to it."),
        "remove": _of(_EVENTS, "Events that remove from it."),
        "clear": _of(_EVENTS, "Events that clear it."),
        "key": _of(_TEXT, "The property that tells its lines apart.", examples=["product_id"]),
        "quantity": _of(_TEXT, "The property that says how many (1 where it is missing).", default="quantity"),
        "price": _of(_TEXT, "The property with the price of one.", default="price"),
        "fields": {"type": "array", "items": _TEXT, "description": "Properties that each line keeps."},
        "limit": {"type": "integer", "minimum": 1, "default": 200, "description": "Changes that are kept exactly."},
    },
    ["add", "key"],
)

METRIC = _object(
    "A metric, metrics/NAME.yaml: a value for each person.",
    {
        "description": _DESCRIPTION,
        "value": _condition("Its value", 'sum("Order Completed", total, last="90d")'),
    },
    ["value"],
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
