"""Calls: what browsers and the shop's own server say of a doing, in the words of the tracking API.

Pages speak with the public key: device, who is signed in (with the server's token where one is asked for), what was
said in the banner. Accounts, consent and orders are told by the server. Event names are those of Segment's
specification; of a project with a tracking plan only what it plans is said, and what else it plans is made up.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tactful.shoppers.baskets import Order
from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.draws import number
from tactful.shoppers.people import AGENTS, Person
from tactful.shoppers.visits import Doing
from tactful.values import HOUR_US, SECOND_US, format_time

CURRENCY = "EUR"
FILMS = ("Demo: the lamp Fjord", "Demo: the chair Moss", "How we weave")
_JWT_HEAD = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()


class Door(Struct, frozen=True):
    """How a project is spoken to."""

    browser_key: str
    server_key: str
    token_secret: str = ""
    """Signs who is signed in, for pages; "": pages simply say it."""
    categories: Mapping[str, str] = {}
    """Purposes by the name that the banner has for them."""
    required: str = ""
    """The category without which nothing is kept; the last that anybody refuses."""
    mail_purposes: tuple[str, ...] = ("email_marketing",)
    planned: frozenset[str] = frozenset()
    """Event names; empty: all that shoppers know."""
    site: str = "https://shop.example"


class Call(NamedTuple):
    """One call of the tracking API: path behind /v1/, the key, and the body as values."""

    person: int
    path: str
    key: str
    body: dict[str, Any]
    has_gpc: bool
    at: int


class Voice:
    """`run` tells this run's message ids from those of another with the same seed."""

    def __init__(self, door: Door, catalogue: Catalogue, run: str) -> None:
        self._door = door
        self._catalogue = catalogue
        self._run = run
        self._said = 0
        self._signed_in: dict[str, str] = {}
        """User by device."""
        self._contexts: dict[tuple[int, str], dict[str, Any]] = {}

    # ---- pages -------------------------------------------------------------------------------------------------

    def doing(self, person: Person, doing: Doing, taken: Order | int, quantity: int = 1) -> list[Call]:
        """What is said of a doing; `taken` is what came of it."""
        if self._signed_in.get(doing.device, person.user) != person.user:
            del self._signed_in[doing.device]  # Whoever sat here before is signed out.
        if isinstance(taken, Order):
            return self._ordered(person, taken)
        match doing.what:
            case "sign in":
                return self._sign_in(person, doing)
            case "search":
                thing = self._catalogue.products[doing.product]
                said = {"query": thing.name.lower(), "category": thing.category}
                return self._page(person, doing, "Products Searched", said)
            case "view":
                return self._page(person, doing, "Product Viewed", self._about(doing))
            case "film":
                film = FILMS[doing.product % len(FILMS)]
                return self._page(person, doing, "Video Playback Completed", {"title": film})
            case "add" if taken:
                return self._page(person, doing, "Product Added", {**self._about(doing), "quantity": taken})
            case "remove" if taken:
                return self._page(person, doing, "Product Removed", {**self._about(doing), "quantity": taken})
            case "cart" if quantity:
                return self._page(person, doing, "Cart Viewed", {})
            case "subscribe" if "Newsletter Subscribed" in self._door.planned:
                body = {"type": "identify", "traits": {"email": person.email}, **self._who(person, doing)}
                told = self._call(person, "identify", self._door.browser_key, body, doing.at, person.has_gpc)
                return [told, *self._page(person, doing, "Newsletter Subscribed", {"form": "footer"})]
            case _:
                return []

    def _page(self, person: Person, doing: Doing, event: str, properties: Mapping[str, Any]) -> list[Call]:
        if self._door.planned and event not in self._door.planned:
            return []
        body = {"type": "track", "event": event, "properties": properties, **self._who(person, doing)}
        return [self._call(person, "track", self._door.browser_key, body, doing.at, person.has_gpc)]

    def _sign_in(self, person: Person, doing: Doing) -> list[Call]:
        if doing.device in self._signed_in:
            return []
        self._signed_in[doing.device] = person.user
        body = {"type": "identify", "traits": {}, **self._who(person, doing)}
        return [self._call(person, "identify", self._door.browser_key, body, doing.at, person.has_gpc)]

    def _who(self, person: Person, doing: Doing) -> dict[str, Any]:
        context = self._context(person, doing.device)
        if doing.device not in self._signed_in:
            return {"anonymousId": doing.device, "context": context}
        if self._door.token_secret:
            expires_s = (doing.at // HOUR_US + 2) * HOUR_US // SECOND_US
            context = {**context, "identityToken": _token(self._door.token_secret, person.user, expires_s)}
        return {"anonymousId": doing.device, "userId": person.user, "context": context}

    def _context(self, person: Person, device: str) -> dict[str, Any]:
        found = self._contexts.get((person.number, device))
        if found is None:
            kind = device.partition("-")[0]
            found = {
                "locale": person.locale,
                "timezone": person.zone,
                "userAgent": AGENTS[kind],
                "library": {"name": "tactful-shoppers", "version": "1"},
            }
            if self._door.categories:
                found["consent"] = {"categoryPreferences": agreed(self._door, person)}
            if len(self._contexts) > 50_000:
                self._contexts.clear()
            self._contexts[person.number, device] = found
        return found

    def _about(self, doing: Doing) -> dict[str, Any]:
        thing = self._catalogue.products[doing.product]
        return {
            "product_id": thing.id,
            "name": thing.name,
            "category": thing.category,
            "price": self._catalogue.price(doing.product, doing.at),
            "currency": CURRENCY,
        }

    # ---- the shop's server -------------------------------------------------------------------------------------

    def joined(self, person: Person, at: int, past: Sequence[tuple[int, int, int]] = ()) -> list[Call]:
        """An account: what its holder said to the banner, who it is, whether mail may come, what was bought before."""
        door, key = self._door, self._door.server_key
        told = {"userId": person.user, "text_version": "1"}
        calls = []
        purposes = {purpose: agreed(door, person)[name] for name, purpose in door.categories.items()}
        if purposes:
            calls.append(self._call(person, "consent", key, {**told, "consents": purposes}, at))
        traits = {
            "email": person.email,
            "firstName": person.first_name,
            "gender": person.gender,
            "birthday": person.birthday,
            "address": {"city": person.city, "country": person.country},
            "timezone": person.zone,
        }
        calls.append(
            self._call(person, "identify", key, {"type": "identify", "userId": person.user, "traits": traits}, at)
        )
        willing = dict.fromkeys(door.mail_purposes, person.is_willing)
        calls.append(self._call(person, "consent", key, {**told, "consents": willing}, at))
        for before, product, quantity in past:
            price = self._catalogue.price(product, before)
            calls += self._ordered(person, Order(before, round(price * quantity, 2), ((product, quantity, price),)))
        return calls

    def _ordered(self, person: Person, order: Order) -> list[Call]:
        lines = []
        for product, quantity, price in order.lines:
            thing = self._catalogue.products[product]
            named = {"product_id": thing.id, "name": thing.name, "category": thing.category}
            lines.append({**named, "price": price, "quantity": quantity})
        said = {"order_id": order_id(person, order), "total": order.total, "currency": CURRENCY, "products": lines}
        return self._told(person, "Order Completed", said, order.at)

    def returned(self, person: Person, order: Order, at: int) -> list[Call]:
        """An order comes back."""
        said = {"order_id": order_id(person, order), "total": order.total, "currency": CURRENCY}
        return self._told(person, "Order Refunded", said, at)

    def _told(self, person: Person, event: str, properties: Mapping[str, Any], at: int) -> list[Call]:
        if self._door.planned and event not in self._door.planned:
            return []
        body = {"type": "track", "event": event, "userId": person.user, "properties": properties}
        return [self._call(person, "track", self._door.server_key, body, at)]

    def _call(self, person: Person, path: str, key: str, body: dict[str, Any], at: int, has_gpc: bool = False) -> Call:
        self._said += 1
        body["messageId"] = f"{self._run}-{person.number}-{self._said}"
        return Call(person.number, path, key, body, has_gpc, at)


def agreed(door: Door, person: Person) -> dict[str, bool]:
    """What somebody said in the banner, by its categories. Who objects to nothing in particular says yes to most."""
    return {
        name: not person.is_refusing and (name == door.required or number(person.number, name) % 8 != 0)
        for name in door.categories
    }


def order_id(person: Person, order: Order) -> str:
    return f"N{person.number}-{order.at // SECOND_US}"


@lru_cache(maxsize=4096)
def _token(secret: str, user: str, expires_s: int) -> str:
    """What a shop's server gives to the page of whoever is signed in (RFC 7519, HS256)."""
    claims = base64.urlsafe_b64encode(msgspec.json.encode({"sub": user, "exp": expires_s})).rstrip(b"=").decode()
    signed = f"{_JWT_HEAD}.{claims}"
    mac = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def dated(call: Call) -> dict[str, Any]:
    """The body with the instant at which it happened."""
    return {**call.body, "timestamp": format_time(call.at)}
