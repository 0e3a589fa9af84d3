"""Shoppers: a handful of made-up people who visit the demo shop, by the public HTTP API like any client.

The website's events come with the website's key, orders and consent with the backend's. Ends with the server, or by
Ctrl-C. Everything is drawn from a seed, so every demo begins the same way.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
from typing import Any

import aiohttp

PEOPLE = [
    ("ines", "Inês", "ines@mail.example", True),
    ("oskar", "Oskar", "oskar@mail.example", True),
    ("amelie", "Amélie", "amelie@mail.example", True),
    ("tomasz", "Tomasz", "tomasz@mail.example", False),
    ("freya", "Freya", "freya@mail.example", True),
    ("luca", "Luca", "luca@mail.example", True),
]
"""User id, first name, address, and whether they said yes to mail."""

PRODUCTS = [
    ("lamp-fjord", "Lamp Fjord", "Lights", 129),
    ("throw-skerry", "Throw Skerry", "Textiles", 79),
    ("chair-moss", "Chair Moss", "Chairs", 249),
    ("mug-tide", "Mug Tide", "Kitchen", 18),
    ("rug-heath", "Rug Heath", "Textiles", 189),
    ("candle-dusk", "Candle Dusk", "Lights", 24),
]


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

    async def track(self, user: str, event: str, product: tuple[str, str, str, int], key: str) -> None:
        sku, name, category, price = product
        properties = {"product_id": sku, "name": name, "category": category, "price": price, "currency": "EUR"}
        await self.call("track", key, {"userId": user, "event": event, "properties": properties})

    async def welcome(self, person: tuple[str, str, str, bool]) -> None:
        user, name, email, is_willing = person
        traits = {"email": email, "firstName": name}
        await self.call("identify", "demo-backend", {"userId": user, "traits": traits})
        consent = {"userId": user, "purpose": "email_marketing", "granted": is_willing, "text_version": "2025-03"}
        await self.call("consent", "demo-backend", consent)

    async def visit(self, person: tuple[str, str, str, bool]) -> None:
        """Look around; perhaps put something into the cart; perhaps buy it."""
        user = person[0]
        product = self._random.choice(PRODUCTS)
        for _ in range(self._random.randint(1, 4)):
            await self.track(user, "Product Viewed", product, "demo-website")
            await asyncio.sleep(self._random.uniform(0.5, 2.5))
            if self._random.random() < 0.5:
                product = self._random.choice(PRODUCTS)
        if self._random.random() < 0.65:
            await self.track(user, "Product Added", product, "demo-website")
            await asyncio.sleep(self._random.uniform(1, 6))
            if self._random.random() < 0.45:
                await self.track(user, "Order Completed", product, "demo-backend")

    async def live(self, person: tuple[str, str, str, bool]) -> None:
        await self.welcome(person)
        while True:
            await self.visit(person)
            await asyncio.sleep(self._random.uniform(4, 25))


async def main(url: str, seed: int) -> None:
    async with aiohttp.ClientSession() as session:
        shop = Shop(session, url, seed)
        await asyncio.gather(*(shop.live(person) for person in PEOPLE))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.url, arguments.seed))
