"""The example shop's messages for one customer, as they would arrive: what the pictures show and the browser measures."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tactful.kernel.definitions import Definitions, read_project
from tactful.messages.mail import Rendered
from tactful.messages.render import render
from tactful.messages.samples import default
from tactful.messages.source import source_of
from tactful.messages.template import check_template
from tactful.runtime.settings import read_settings
from tests.messages.scene import NOW

SHOP = Path(__file__).parents[2] / "examples" / "shop"
SITE = "https://nordlicht.example"
LEAVE = "https://t.nordlicht.example/v1/unsubscribe/AbC-_123"
CART = [
    {"product_id": "lamp-fjord", "name": "Lamp Fjord", "category": "Lights", "price": 129, "quantity": 1.0},
    {"product_id": "mug-tide", "name": "Mug Tide", "category": "Kitchen", "price": 18, "quantity": 4.0},
]
PERSON: dict[str, Any] = {
    "profile": {"firstName": "Inês", "email": "ines@mail.example"},
    "key": "u:ines",
    "journey": "sample",
    "workspace": {"name": "Nordlicht"},
    "event": {
        "name": "Product Viewed",
        "timestamp": NOW,
        "key": "chair-moss",
        "properties": {"product_id": "chair-moss", "name": "Chair Moss", "category": "Chairs", "price": 249},
    },
    "seen": {"cart": {"items": CART, "lines": 2, "quantity": 5.0, "value": 201.0, "changed_at": None}},
    "coupon": {"code": "FJORD-7K2M-QX", "pool": "fjord"},
}
STRANGER: dict[str, Any] = {**PERSON, "profile": {}, "seen": {"cart": {"items": [], "lines": 0, "value": 0}}}


class Letter(NamedTuple):
    """A message in one of its shapes."""

    name: str
    """cart_reminder, win_back.patrons, welcome_1.de"""
    message: str
    mail: Rendered


@cache
def definitions() -> Definitions:
    folders = ("collections", "segments", "metrics", "events", "journeys", "blocks", "messages")
    paths = [path for folder in folders for path in sorted((SHOP / folder).glob("*.yaml"))]
    files = {str(path.relative_to(SHOP)): path.read_text(encoding="utf-8") for path in paths}
    settings = read_settings((SHOP / "tactful.toml").read_text(encoding="utf-8"), {})
    return read_project(files, check_template, purposes=frozenset(settings.consent.purposes))


def letters(person: dict[str, Any] = PERSON) -> list[Letter]:
    """Every message, each with its variants and translations."""
    made = []
    for message in definitions().messages.values():
        source = source_of(message)
        fetched = {"fetched": {fetch.name: default(fetch) for fetch in message.fetches}}
        shapes: dict[str, dict[str, Any]] = {"": {}}
        shapes |= {f".{one.name}": {"variant": one.name} for one in message.variants}
        shapes |= {f".{one}": {"locale": one} for one in message.translations}
        for ending, values in shapes.items():
            mail = render(source, {**person, **fetched, **values}, NOW, LEAVE, SITE)
            made.append(Letter(message.name + ending, message.name, mail))
    return made
