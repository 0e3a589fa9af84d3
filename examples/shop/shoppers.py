"""Shoppers: a handful of made-up people who visit the demo shop, by the public HTTP API like any client.

They look around as strangers and sign in later, on two devices or on somebody else's, and say in the banner what may be
done with it. The website's events come with the website's key, accounts and orders with the backend's. Ends with the
server, or by Ctrl-C. Everything is drawn from a seed, so every demo begins the same way.
"""

import argparse
import asyncio
import base64
import contextlib
import hmac
import itertools
import json
import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import aiohttp

CATEGORIES = ("Analytics", "Personalization", "Profiling", "Advertising")
"""Of the banner; tactful.toml says which purposes they are."""
USUAL = ("Analytics", "Personalization", "Profiling")
SECRET = b"a-secret-for-the-demo-and-for-nothing-else"
"""The shop's server and Tactful know it: `[identity] secrets`."""


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
    agrees: tuple[str, ...] = USUAL
    """What they accepted in the banner."""
    devices: tuple[str, ...] = ("phone", "laptop")
    has_gpc: bool = False
    """Whether their browsers send Sec-GPC: 1."""


class Browser:
    """One browser of somebody: all that its calls say beside what happened."""

    def __init__(self, device: str, agrees: tuple[str, ...] = USUAL, *, has_gpc: bool = False) -> None:
        self.device = device
        self.user = ""
        """Who is signed in."""
        self.headers = {"Sec-GPC": "1"} if has_gpc else {}
        self._preferences = {name: name in agrees for name in CATEGORIES}

    def said(self) -> dict[str, Any]:
        context: dict[str, Any] = {"consent": {"categoryPreferences": self._preferences}}
        if not self.user:
            return {"anonymousId": self.device, "context": context}
        context["identityToken"] = token(self.user)
        return {"anonymousId": self.device, "userId": self.user, "context": context}


class Product(NamedTuple):
    sku: str
    name: str
    category: str
    price: int


PEOPLE = [
    Person("ines", "Inês", True, "female", "1996-05-02", "Lisbon", ((40, 380), (12, 189)), CATEGORIES),
    # Looks at the same things as Inês, but he and his browsers object to profiles of him.
    Person("oskar", "Oskar", True, "male", "1988-11-20", "Hamburg", ((75, 520),), USUAL[:2], has_gpc=True),
    Person("amelie", "Amélie", True, "female", "1993-02-14", "Lisbon"),
    # Declined everything: nothing is kept of him but that he did.
    Person("tomasz", "Tomasz", False, "male", "1979-07-08", "Gdańsk", agrees=()),
    Person("freya", "Freya", False, "female", "1991-09-30", "Bergen", ((120, 79),), devices=("tablet",)),
    # Bought once and long ago; perhaps a coupon brings her back.
    Person("elin", "Elin", True, "female", "1985-03-14", "Oslo", ((140, 210),), devices=("laptop",)),
    # Signs in at a friend's sometimes: that laptop changes hands.
    Person("luca", "Luca", True, "male", "2000-01-25", "Lisbon", devices=("phone", "phone", "phone", "amelie-laptop")),
]

PRODUCTS = [
    Product("lamp-fjord", "Lamp Fjord", "Lights", 129),
    Product("throw-skerry", "Throw Skerry", "Textiles", 79),
    Product("chair-moss", "Chair Moss", "Chairs", 249),
    Product("mug-tide", "Mug Tide", "Kitchen", 18),
    Product("rug-heath", "Rug Heath", "Textiles", 189),
    Product("candle-dusk", "Candle Dusk", "Lights", 24),
    Product("shoe-strand", "Runner Strand", "Running Shoes", 119),
    Product("parka-hoar", "Parka Hoar", "Winter Apparel", 289),
]
VIDEOS = ["Demo: the chair Moss", "Demo: the lamp Fjord", "How we weave"]
BUYERS = {"ines": 0.6, "oskar": 0.5, "tomasz": 0.4, "luca": 0.3, "elin": 0.1}
"""How often a full cart is bought. The others only look, or have not come back yet."""


class Shop:
    """The shop's side: sends calls, and waits where the server asks it to."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seed: int) -> None:
        self._session = session
        self._url = url
        self._random = random.Random(seed)  # noqa: S311  (a demo, not a secret)
        self._browsers: dict[str, Browser] = {}
        self._numbers = itertools.count(1)
        self._run = self._random.getrandbits(32)

    async def call(self, path: str, key: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """One call; kept trying, with the same messageId, until it is taken."""
        body = {"messageId": f"demo-{self._run:x}-{next(self._numbers)}", **body}
        headers = {"Authorization": aiohttp.encode_basic_auth(key, ""), **(headers or {})}
        while True:
            try:
                async with self._session.post(f"{self._url}/v1/{path}", json=body, headers=headers) as answer:
                    if answer.status not in (429, 503):
                        answer.raise_for_status()
                        return
                    await asyncio.sleep(int(answer.headers.get("Retry-After", "1")))
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(1)

    async def saw(self, browser: Browser, event: str, properties: Mapping[str, Any]) -> None:
        body = {"event": event, "properties": properties, **browser.said()}
        await self.call("track", "demo-website", body, browser.headers)

    async def sign_in(self, browser: Browser, user: str) -> None:
        """From here on the device is theirs, with what was done on it before."""
        browser.user = user
        await self.call("identify", "demo-website", {"traits": {}, **browser.said()}, browser.headers)

    async def order(self, user: str, cart: Mapping[Product, int]) -> None:
        lines = [{**_about(product), "quantity": quantity} for product, quantity in cart.items()]
        total = sum(product.price * quantity for product, quantity in cart.items())
        number = f"N{self._random.randint(10_000, 99_999)}"
        order = {"order_id": number, "total": total, "currency": "EUR", "products": lines}
        await self.call("track", "demo-backend", {"userId": user, "event": "Order Completed", "properties": order})

    def browsers_of(self, person: Person) -> list[Browser]:
        """A device whose name says whose it is may be somebody else's, and is the same browser then."""
        names = [name if "-" in name else f"{person.user}-{name}" for name in person.devices]
        for name in names:
            self._browsers.setdefault(name, Browser(name, person.agrees, has_gpc=person.has_gpc))
        return [self._browsers[name] for name in names]

    async def welcome(self, person: Person) -> None:
        """What the backend tells of an account: what its holder said to the banner, who it is, whether they said yes to
        mail (which begins the welcome, so the address is there first), and what was bought before."""
        banner = {"analytics": "Analytics" in person.agrees}
        told = {"userId": person.user, "text_version": "2025-03"}
        await self.call("consent", "demo-backend", {**told, "consents": banner})
        traits = {
            "email": f"{person.user}@mail.example",
            "firstName": person.name,
            "gender": person.gender,
            "birthday": person.birthday,
            "address": {"city": person.city},
        }
        await self.call("identify", "demo-backend", {"userId": person.user, "traits": traits})
        mail = {"email_marketing": person.is_willing}
        await self.call("consent", "demo-backend", {**told, "consents": mail})
        for days, total in person.orders:
            at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            before = {"order_id": f"B{days}", "total": total, "currency": "EUR"}
            order = {"userId": person.user, "event": "Order Completed", "properties": before, "timestamp": at}
            await self.call("track", "demo-backend", order)

    async def visit(self, person: Person, browser: Browser, cart: dict[Product, int]) -> None:
        """Look around; perhaps search, watch a film, put things into the cart and sign in; perhaps buy them."""
        chance = self._random.random
        if browser.user != person.user:
            browser.user = ""  # Whoever sat here before is signed out.
        product = self._random.choice(PRODUCTS)
        if chance() < 0.3:
            query = {"query": product.name.lower(), "category": product.category}
            await self.saw(browser, "Products Searched", query)
        for _ in range(self._random.randint(1, 4)):
            await self.saw(browser, "Product Viewed", _about(product))
            await asyncio.sleep(self._random.uniform(0.5, 2.5))
            if chance() < 0.4:
                product = self._random.choice(PRODUCTS)
        if chance() < 0.2:
            await self.saw(browser, "Video Playback Completed", {"title": self._random.choice(VIDEOS)})
        if chance() < 0.65:
            quantity = self._random.choice([1, 1, 2])
            cart[product] = cart.get(product, 0) + quantity
            await self.saw(browser, "Product Added", {**_about(product), "quantity": quantity})
            await asyncio.sleep(self._random.uniform(1, 6))
            if not browser.user:
                await self.sign_in(browser, person.user)
            if chance() < 0.15:
                await self.saw(browser, "Product Removed", {**_about(product), "quantity": cart.pop(product)})
        if cart and browser.user and chance() < BUYERS.get(person.user, 0):
            await self.order(person.user, cart)
            cart.clear()
            if chance() < 0.5:
                browser.user = ""  # Signed out. What they do next is still theirs: the device is known.

    async def sign_up(self, browser: Browser, email: str) -> None:
        """Somebody whom nobody knows types an address: it gets a confirmation, and nothing else until that is used."""
        await self.saw(browser, "Product Viewed", _about(self._random.choice(PRODUCTS)))
        await self.call("identify", "demo-website", {"traits": {"email": email}, **browser.said()}, browser.headers)
        await self.saw(browser, "Newsletter Subscribed", {"form": "footer"})

    async def confirm(self, browser: Browser) -> None:
        """Read the mail in the local outbox, and press the button behind its link."""
        with contextlib.suppress(aiohttp.ClientError):
            async with self._session.get(f"{self._url}/v1/outbox?person=a:{browser.device}&status=sent") as answer:
                answer.raise_for_status()
                mails = (await answer.json())["messages"]
            for mail in mails:
                async with self._session.get(f"{self._url}/outbox/{mail['intent']}/html") as answer:
                    link = re.search(r"/v1/confirm/[^\"'<\s]+", await answer.text())
                if link is not None:
                    await self._session.post(self._url + link[0], data={"confirm": "yes"})

    async def stranger(self, number: int) -> None:
        """Every third declines the banner. The others sign up for the newsletter, and some of them confirm, and become
        customers."""
        name = f"visitor-{self._run:x}-{number}"
        browser = Browser(name, USUAL if number % 3 else ())
        if number % 3 == 0:
            await self.saw(browser, "Product Viewed", _about(self._random.choice(PRODUCTS)))
            return
        email = f"visitor{number}@mail.example"
        await self.sign_up(browser, email)
        await asyncio.sleep(self._random.uniform(10, 30))
        if number % 3 == 1:
            await self.confirm(browser)
            await asyncio.sleep(self._random.uniform(5, 15))
            account = {"userId": f"customer-{number}", "anonymousId": browser.device, "traits": {"email": email}}
            await self.call("identify", "demo-backend", account)

    async def strangers(self) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(self._random.uniform(5, 40))
            await self.stranger(number)

    async def live(self, person: Person) -> None:
        await self.welcome(person)
        browsers = self.browsers_of(person)
        cart: dict[Product, int] = {}
        while True:
            await self.visit(person, self._random.choice(browsers), cart)
            await asyncio.sleep(self._random.uniform(4, 25))


def token(user: str) -> str:
    """What a shop's server gives to the page of whoever is signed in; elsewhere a library for JWT does it."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": user, "exp": int(time.time()) + 3600}]
    signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_base64(hmac.digest(SECRET, signed.encode(), 'sha256'))}"


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _about(product: Product) -> dict[str, Any]:
    named = {"product_id": product.sku, "name": product.name, "category": product.category}
    return {**named, "price": product.price, "currency": "EUR"}


async def main(url: str, seed: int) -> None:
    async with aiohttp.ClientSession() as session:
        shop = Shop(session, url, seed)
        await asyncio.gather(shop.strangers(), *(shop.live(person) for person in PEOPLE))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.url, arguments.seed))
