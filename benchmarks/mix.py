"""Calls of every kind that a shop sends: pages and products seen, carts and orders with up to five products in a list,
people who say who they are, and to what they agree. Users come as in the plain load (`load.py`)."""

import random
from collections.abc import Iterator

from benchmarks.load import Call, now, user

NAMES = (
    *("Product Viewed", "$page", "Product Added", "Products Searched"),
    *("Cart Viewed", "Checkout Started", "Order Completed"),
    *("$identify", "$consent"),
)
WEIGHTS = (45, 27, 8, 7, 4, 2, 2, 4, 1)
"""Per cent: 8 have a list, 4 have traits."""
LINES = 5
"""Of a cart, at most."""
PAGES = ("", "sale", "cart", "search", "account")
_CITIES = ("Lisboa", "Porto", "Braga", "Faro")


def calls(seed: int, number: int, profiles: int) -> Iterator[Call]:
    """Of `type` "consent" are those for /v1/consent."""
    draw = random.Random(seed)
    at = now().isoformat()
    for _ in range(number):
        who, name = user(draw, profiles), draw.choices(NAMES, WEIGHTS)[0]
        yield {
            "messageId": f"{draw.getrandbits(128):032x}",
            "userId": who,
            "timestamp": at,
            **_said(draw, who, name),
        }


def _said(draw: random.Random, who: str, name: str) -> Call:
    if name == "$consent":
        return {"type": "consent", "purpose": "email_marketing", "granted": draw.random() < 0.8}
    context = {
        "ip": "203.0.113.7",
        "locale": "pt-PT",
        "timezone": "Europe/Lisbon",
        "page": {"path": f"/products/{draw.randrange(10_000)}", "title": "Kettles"},
        "library": {"name": "analytics-python", "version": "2.4.0"},
    }
    if name == "$identify":
        return {"type": "identify", "traits": _traits(draw, who), "context": context}
    if name == "$page":
        return {"type": "page", "name": "Shop", "properties": _page(draw), "context": context}
    return {"type": "track", "event": name, "properties": _properties(draw, name), "context": context}


def _traits(draw: random.Random, who: str) -> Call:
    """The longer half tells an address as well."""
    traits = {
        "email": f"{who}@mail.example.test",
        "firstName": "Maria",
        "lastName": f"Silva {draw.randrange(1_000)}",
        "birthday": f"{draw.randrange(1950, 2005)}-05-17",
        "newsletter": draw.random() < 0.5,
        "points": draw.randrange(10_000),
    }
    return traits if draw.random() < 0.5 else traits | {"address": {"city": draw.choice(_CITIES), "country": "PT"}}


def _page(draw: random.Random) -> Call:
    path = draw.choice(PAGES)
    page = {"url": f"https://shop.example.test/{path}", "path": f"/{path}", "title": f"Shop: {path}", "search": ""}
    return page if draw.random() < 0.7 else page | {"referrer": "https://search.example.test/"}


def _properties(draw: random.Random, name: str) -> Call:
    if name == "Products Searched":
        return {"query": draw.choice(("kettle", "warm shoes", "tea pot")), "results": draw.randrange(90)}
    if name in ("Product Viewed", "Product Added"):
        product = _product(draw)
        return product | {"currency": "EUR"} if draw.random() < 0.7 else product | {"currency": "EUR", "brand": "Fine"}
    products = [_product(draw) for _ in range(draw.randint(1, LINES))]
    value = round(sum(one["price"] * one["quantity"] for one in products), 2)
    if name == "Cart Viewed":
        return {"cart_id": f"c-{draw.randrange(10**6)}", "products": products}
    order = {"order_id": f"o-{draw.randrange(10**9)}", "total": value, "shipping": 4.9, "currency": "EUR"}
    return {**order, "coupon": "SPRING" if draw.random() < 0.2 else None, "products": products}


def _product(draw: random.Random) -> Call:
    number = draw.randrange(10_000)
    return {
        "product_id": f"SKU-{number}",
        "name": f"Kettle No. {number}",
        "price": round(draw.uniform(1, 200), 2),
        "quantity": draw.randrange(1, 5),
        "category": "kettles",
        "url": f"https://shop.example.test/products/{number}",
    }
