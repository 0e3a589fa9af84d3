"""Sample people: what a message is tried on before anybody gets it.

Somebody of whom everything is known that the project declares or the templates name, somebody of whom nothing is, and
for each trait that the templates show somebody who lacks just that one. The values are made up by name and type, and
always the same.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tactful.language.vocabulary import Collection, PropertyType
from tactful.messages.definition import Message
from tactful.messages.fetches import Fetch

_BY_NAME: Mapping[str, object] = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "firstname": "Ada",
    "last_name": "Lovelace",
    "lastname": "Lovelace",
    "name": "Ada Lovelace",
    "phone": "+4915112345678",
    "city": "Berlin",
    "country": "DE",
    "currency": "EUR",
    "price": 19.9,
    "total": 59.7,
    "value": 59.7,
    "revenue": 59.7,
    "quantity": 2,
    "product_id": "sample-1",
    "sku": "SAMPLE-1",
    "url": "https://example.com/sample",
    "image_url": "https://example.com/sample.png",
    "birthday": "1990-12-10",
}
_BY_TYPE: Mapping[str, object] = {
    "number": 42,
    "boolean": True,
    "time": "2025-03-01T08:00:00Z",
    "list": ["Sample 1", "Sample 2"],
    "object": {"name": "Sample"},
}
_SHOWN = re.compile(r"\b(?:profile|traits)\.([A-Za-z_]\w*)")
_PROPERTY = re.compile(r"\bevent\.properties\.([A-Za-z_]\w*)")
NOBODY, EVERYTHING = "nothing is known of", "everything is known of"
AT_US = 1_740_816_000_000_000
"""2025-03-01 08:00 UTC: when they are written to."""


class Sample(Struct, frozen=True):
    """Somebody made up. `lacks` is the trait that everybody else has."""

    about: str
    values: Mapping[str, Any]
    lacks: str = ""


class Declared(Struct, frozen=True):
    """What a project says of the people that a message goes to."""

    traits: Mapping[str, PropertyType] = {}
    properties: Mapping[str, PropertyType] = {}
    """Of the events that start journeys which send it."""
    event: str = "Sample Event"
    collections: Mapping[str, Collection] = {}
    metrics: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    workspace: str = "Sample"


def people(message: Message, texts: str, declared: Declared) -> Iterator[Sample]:
    """`texts` are all templates of the message and its blocks, one behind the other."""
    named = shown(texts)
    traits = {name: value(name, declared.traits.get(name)) for name in (*declared.traits, *named)}
    # The language of a sample is said where a translation is tried.
    traits = {name: one for name, one in traits.items() if name not in ("locale", "language")}
    properties = {
        name: value(name, declared.properties.get(name), of_thing=True)
        for name in (*declared.properties, *dict.fromkeys(_PROPERTY.findall(texts)))
    }
    known = {
        **_around(message, declared),
        "profile": traits,
        "event": {"name": declared.event, "timestamp": AT_US, "key": "sample-1", "properties": properties},
        "seen": _seen(declared),
        "segments": sorted(declared.segments),
    }
    yield Sample(EVERYTHING, known)
    for variant in message.variants:
        yield Sample(f'the variant "{variant.name}"', {**known, "variant": variant.name})
    for language in sorted({*message.translations, *(tag for one in message.variants for tag in one.translations)}):
        yield Sample(f"the translation {language}", {**known, "profile": {**traits, "locale": language}})
    for name in named:
        if name in traits:
            without = {other: one for other, one in traits.items() if other != name}
            yield Sample(f"people without {name}", {**known, "profile": without}, name)
    nobody = {"profile": {}, "event": known["event"], "seen": _seen(declared, is_empty=True)}
    yield Sample(NOBODY, {**_around(message, declared), **nobody})


def shown(texts: str) -> list[str]:
    """Traits that the templates show."""
    return list(dict.fromkeys(_SHOWN.findall(texts)))


def _around(message: Message, declared: Declared) -> dict[str, Any]:
    around: dict[str, Any] = {
        "workspace": {"name": declared.workspace},
        "journey": "sample",
        "key": "u:sample",
        "zone": "UTC",
        "fetched": {fetch.name: default(fetch) for fetch in message.fetches},
    }
    if message.coupon:
        around["coupon"] = {"code": "SAMPLE-CODE", "pool": message.coupon}
    return around


def default(fetch: Fetch) -> Any:
    return msgspec.json.decode(fetch.default)


def _seen(declared: Declared, *, is_empty: bool = False) -> dict[str, Any]:
    seen: dict[str, Any] = {
        name: _collection(one, 0 if is_empty else 2) for name, one in sorted(declared.collections.items())
    }
    seen["metric"] = {} if is_empty else dict.fromkeys(declared.metrics, 120)
    return seen


def _collection(collection: Collection, lines: int) -> dict[str, Any]:
    key = str(collection.key[-1])
    names = [
        *collection.fields,
        key,
        "quantity",
    ]  # As items are (aggregates/collection.py): no price unless it is kept.
    items = [
        {name: value(name, None, of_thing=True) for name in names} | {key: f"sample-{line + 1}"}
        for line in range(lines)
    ]
    return {
        "items": items,
        "lines": lines,
        "quantity": 2 * lines,
        "value": 39.8 * lines,
        "changed_at": "2025-03-01T07:30:00Z" if lines else None,
    }


def value(name: str, kind: str | None, *, of_thing: bool = False) -> object:
    """Made up by its name, else by its type; a person's, or that of a thing that is sold."""
    known = "Sample lamp" if of_thing and name == "name" else _BY_NAME.get(name.lower())
    if known is not None and (kind in (None, "anything") or (kind == "number") is isinstance(known, int | float)):
        return known
    return _BY_TYPE.get(kind or "", f"Sample {name.replace('_', ' ')}")
