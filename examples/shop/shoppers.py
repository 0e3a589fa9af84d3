"""Shoppers: a handful of made-up people who visit the demo shop, by the public HTTP API like any client.

The website's events come with the website's key, orders and consent with the backend's. Ends with the server, or by
Ctrl-C. Everything is drawn from a seed, so every demo begins the same way.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import aiohttp


class Person(NamedTuple):
    user: str
    name: str
    is_willing: bool
    """Whether they said yes to mail."""
    gender: str
    birthday: str
    city: str
    orders: tuple[tuple[int, float], ...] = ()
    """What they bought before the demo: how many days ago, for how much."""


class Product(NamedTuple):
    sku: str
    name: str
    category: str
    price: int


PEOPLE = [
    Person("ines", "Inês", True, "female", "1996-05-02", "Lisbon", ((40, 260), (12, 189))),
    Person("oskar", "Oskar", True, "male", "1988-11-20", "Hamburg", ((75, 520),)),
    Person("amelie", "Amélie", True, "female", "1993-02-14", "Lisbon"),
    Person("tomasz", "Tomasz", False, "male", "1979-07-08", "Gdańsk"),
    Person("freya", "Freya", True, "female", "1991-09-30", "Bergen", ((120, 79),)),
    Person("luca", "Luca", True, "male", "2000-01-25", "Lisbon"),
]

PRODUCTS = [
    Product("lamp-fjord", "Lamp Fjord", "Lights", 129),
    Product("throw-skerry", "Throw Skerry", "Textiles", 79),
    Product("chair-moss", "Chair Moss", "Chairs", 249),
    Product("mug-tide", "Mug Tide", "Kitchen", 18),
    Product("rug-heath", "Rug Heath", "Textiles", 189),
    Product("candle-dusk", "Candle Dusk", "Lights", 24),
    Product("shoe-strand", "Runner Strand", "Running Shoes", 119),
]
VIDEOS = ["Demo: the chair Moss", "Demo: the lamp Fjord", "How we weave"]
BUYERS = {"ines": 0.6, "oskar": 0.5, "tomasz": 0.4, "luca": 0.3}
"""How often a full cart is bought. The others only look, or have not come back yet."""


class Shop:
    """The shop's side: sends calls, and waits where the server asks it to."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seed: int) -> None:
        self._session = session
        self._url = url
        self._random = random.Random(seed)  # noqa: S311  (a demo, not a secret)
        self._numbers = itertools.count(1)
        self._run = self._random.getrandbits(32)

    async def call(self, path: str, key: str, body: dict[str, Any]) -> None:
        """One call; kept trying, with the same messageId, until it is taken."""
        body = {"messageId": f"demo-{self._run:x}-{next(self._numbers)}", **body}
        while True:
            try:
                async with self._session.post(
                    f"{self._url}/v1/{path}", json=body, headers={"Authorization": aiohttp.encode_basic_auth(key, "")}
                ) as answer:
                    if answer.status not in (429, 503):
                        answer.raise_for_status()
                        return
                    await asyncio.sleep(int(answer.headers.get("Retry-After", "1")))
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(1)

    async def track(self, user: str, event: str, properties: Mapping[str, Any], **more: Any) -> None:
        key = "demo-backend" if event == "Order Completed" else "demo-website"
        await self.call("track", key, {"userId": user, "event": event, "properties": properties, **more})

    async def order(self, user: str, cart: Mapping[Product, int], **more: Any) -> None:
        lines = [{**_about(product), "quantity": quantity} for product, quantity in cart.items()]
        total = sum(product.price * quantity for product, quantity in cart.items())
        number = f"N{self._random.randint(10_000, 99_999)}"
        order = {"order_id": number, "total": total, "currency": "EUR", "products": lines}
        await self.track(user, "Order Completed", order, **more)

    async def welcome(self, person: Person) -> None:
        traits = {
            "email": f"{person.user}@mail.example",
            "firstName": person.name,
            "gender": person.gender,
            "birthday": person.birthday,
            "address": {"city": person.city},
        }
        await self.call("identify", "demo-backend", {"userId": person.user, "traits": traits})
        consent = {"purpose": "email_marketing", "granted": person.is_willing, "text_version": "2025-03"}
        await self.call("consent", "demo-backend", {"userId": person.user, **consent})
        for days, total in person.orders:
            at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            before = {"order_id": f"B{days}", "total": total, "currency": "EUR"}
            await self.track(person.user, "Order Completed", before, timestamp=at)

    async def visit(self, person: Person, cart: dict[Product, int]) -> None:
        """Look around; perhaps search, watch a film, put things into the cart; perhaps buy them."""
        user, chance = person.user, self._random.random
        product = self._random.choice(PRODUCTS)
        if chance() < 0.3:
            query = {"query": product.name.lower(), "category": product.category}
            await self.track(user, "Products Searched", query)
        for _ in range(self._random.randint(1, 4)):
            await self.track(user, "Product Viewed", _about(product))
            await asyncio.sleep(self._random.uniform(0.5, 2.5))
            if chance() < 0.4:
                product = self._random.choice(PRODUCTS)
        if chance() < 0.2:
            await self.track(user, "Video Playback Completed", {"title": self._random.choice(VIDEOS)})
        if chance() < 0.65:
            quantity = self._random.choice([1, 1, 2])
            cart[product] = cart.get(product, 0) + quantity
            await self.track(user, "Product Added", {**_about(product), "quantity": quantity})
            await asyncio.sleep(self._random.uniform(1, 6))
            if chance() < 0.15:
                await self.track(user, "Product Removed", {**_about(product), "quantity": cart.pop(product)})
        if cart and chance() < BUYERS.get(user, 0):
            await self.order(user, cart)
            cart.clear()

    async def sign_up(self, number: int) -> None:
        """Somebody whom nobody knows types an address: it gets a confirmation, and nothing else until that is used."""
        visitor = {"anonymousId": f"visitor-{self._run:x}-{number}"}
        address = {"email": f"visitor{number}@mail.example"}
        await self.call("identify", "demo-website", {**visitor, "traits": address})
        form = {"event": "Newsletter Subscribed", "properties": {"form": "footer"}}
        await self.call("track", "demo-website", {**visitor, **form})

    async def visitors(self) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(self._random.uniform(15, 90))
            await self.sign_up(number)

    async def live(self, person: Person) -> None:
        await self.welcome(person)
        cart: dict[Product, int] = {}
        while True:
            await self.visit(person, cart)
            await asyncio.sleep(self._random.uniform(4, 25))


def _about(product: Product) -> dict[str, Any]:
    named = {"product_id": product.sku, "name": product.name, "category": product.category}
    return {**named, "price": product.price, "currency": "EUR"}


async def main(url: str, seed: int) -> None:
    async with aiohttp.ClientSession() as session:
        shop = Shop(session, url, seed)
        await asyncio.gather(shop.visitors(), *(shop.live(person) for person in PEOPLE))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.url, arguments.seed))
