"""A shop's segments, fifty of them, and what its visitors do: for measuring what conditions cost."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec

from tactful.events.intake import Arrival, accept
from tactful.events.records import Event
from tactful.events.sources import Source
from tactful.values import SECOND_US, format_time

START = 1_735_689_600 * SECOND_US
"""2025-01-01."""
STEP = 2 * SECOND_US
"""Between one event of the shop and the next."""
CATEGORIES = ("shoes", "running shoes", "hats", "coats", "kettles", "lamps", "books", "toys", "tea", "garden")
NAMES = (
    *("Product Viewed", "$page", "Product Added", "Products Searched", "Cart Viewed", "Product Removed"),
    *("Checkout Started", "Order Completed", "Video Playback Completed", "$identify"),
)
WEIGHTS = (45, 25, 9, 7, 5, 2, 2, 2, 2, 1)

CART = """
add: Product Added
remove: Product Removed
clear: Order Completed
key: product_id
fields: [name, price]
"""

SEGMENTS = {
    "buyers": 'any("Order Completed", last="30d")',
    "regulars": 'count("Order Completed", last="90d") >= 3',
    "first_order": 'count("Order Completed") == 1',
    "lapsed": 'any("Order Completed") and not any("Order Completed", last="90d")',
    "never_bought": 'not any("Order Completed") and count("Product Viewed", last="30d") >= 10',
    "viewed_again": 'count("Product Viewed", same=product_id, last="10m") > 2',
    "category_fans": (
        'count("Product Viewed", same=category, last="30d") > 3 and not any("Order Completed", last="30d")'
    ),
    "searched_again": 'count("Products Searched", same=category, last="7d") >= 3',
    "demo_watchers": 'count("Video Playback Completed", where=contains(lower(title), "demo"), last="30d") >= 2',
    "premium_lookers": 'count("Product Viewed", where=price >= 150, last="7d") >= 2',
    "premium_prospects": (
        'sum("Order Completed", total) >= 500 and any("Product Viewed", where=price >= 150, last="7d")'
    ),
    "spenders": 'any("Order Completed", last="30d") and sum("Order Completed", total) > 300',
    "spent_90d": 'sum("Order Completed", total, last="90d") >= 200',
    "big_basket": 'max("Order Completed", total, last="365d") >= 250',
    "small_baskets": 'avg("Order Completed", total, last="180d") < 40 and any("Order Completed", last="180d")',
    "left_cart": 'sequence("Product Added", not ["Product Added", "Order Completed"], within="30m", last="2d")',
    "browsed_only": 'sequence("Product Viewed", not "Product Added", within="1h", last="1d")',
    "checkout_left": 'sequence("Checkout Started", not "Order Completed", within="1h", last="2d")',
    "view_then_add": 'sequence("Product Viewed", "Product Added", within="10m", last="7d")',
    "full_cart": 'cart.quantity >= 3 and cart.changed_at > now() - "48h"',
    "cart_value": "cart.value > 100",
    "long_visits": 'avg_session_length(last="30d") > "10m"',
    "often_here": 'sessions(last="7d") >= 4',
    "active_week": 'active_days("*", last="7d") >= 3',
    "wide_interest": 'distinct("Product Viewed", category, last="30d") >= 4',
    "many_products": 'distinct("Product Viewed", product_id, last="7d") >= 8',
    "running_shoes": 'any("Product Viewed", where=category == "running shoes", last="7d")',
    "shoes_not_hats": (
        'any("Product Viewed", where=category == "shoes", last="14d")'
        ' and not any("Product Viewed", where=category == "hats", last="14d")'
    ),
    "city_runners": (
        'gender == "female" and address.city == "Lisbon"'
        ' and any("Product Viewed", where=category == "running shoes", last="7d")'
    ),
    "adults": 'time(birthday) + "6574d" <= now()',
    "germans": 'country in ("DE", "AT", "CH") and any("*", last="90d")',
    "newsletter": "newsletter == True and email is not None",
    "newcomers": 'first("*") > now() - "7d"',
    "away": 'time_since("*") > "14d"',
    "recent_search": 'any("Products Searched", last="1h")',
    "searched_not_bought": 'any("Products Searched", last="7d") and not any("Order Completed", last="7d")',
    "cheap_lookers": 'count("Product Viewed", where=price < 20, last="7d") >= 5',
    "kettles": 'count("Product Viewed", where=category == "kettles" and price > 30, last="30d") >= 3',
    "gift_season": (
        'any("Product Viewed", where=category == "toys", last="60d")'
        ' and not any("Order Completed", where="toys" in products.category, last="60d")'
    ),
    "last_was_tea": 'latest("Product Viewed", category) == "tea"',
    "first_was_books": 'first("Product Viewed", category) == "books"',
    "mobile": 'latest("$page", context.device) == "mobile"',
    "cart_viewers": 'count("Cart Viewed", last="3d") >= 2',
    "before_last_month": 'any("Order Completed", between=("60d", "30d")) and not any("Order Completed", last="30d")',
    "viewed_yesterday": 'any("Product Viewed", between=("2d", "1d"))',
    "busy_hour": 'count("*", last="1h") >= 20',
    "good_and_active": 'segment("regulars") and segment("often_here")',
    "at_risk": 'segment("spenders") and not any("*", last="30d")',
    "search_then_view": 'sequence("Products Searched", "Product Viewed", "Product Added", within="1h", last="30d")',
    "removed_things": 'count("Product Removed", last="7d") >= 2',
}


def files(segments: dict[str, str]) -> dict[str, str]:
    """A project of these segments."""
    texts = {f"segments/{name}.yaml": f"when: |\n  {text}\n" for name, text in segments.items()}
    return {"collections/cart.yaml": CART, **texts}


def events(seed: int, number: int, people: int) -> Iterator[Event]:
    """What happens in the shop, one event after another; of 5,000 people the most active one comes 200 times a day."""
    draw = random.Random(seed)
    for index in range(number):
        at = START + index * STEP + draw.randrange(STEP)
        call = _call(draw, f"user-{int(people * draw.random() ** 1.5)}", at)
        taken = accept(msgspec.json.encode(call), Arrival(Source("bench", "k", "server"), at + 40_000))
        assert isinstance(taken, Event), taken
        yield taken


def _call(draw: random.Random, who: str, at: int) -> dict[str, Any]:
    name = draw.choices(NAMES, WEIGHTS)[0]
    head: dict[str, Any] = {"type": name[1:]} if name.startswith("$") else {"type": "track", "event": name}
    context = {"ip": "203.0.113.7", "timezone": "Europe/Lisbon", "device": "mobile", "page": {"path": "/p"}}
    body = {"messageId": f"{draw.getrandbits(128):032x}", "userId": who, "timestamp": format_time(at)}
    if name == "$identify":
        traits = {
            "country": draw.choice(("DE", "PT", "FR")),
            "gender": draw.choice(("female", "male")),
            "birthday": "1994-05-17",
            "address": {"city": draw.choice(("Lisbon", "Porto"))},
        }
        return {**head, **body, "traits": traits, "context": context}
    return {**head, **body, "properties": _properties(draw, name), "context": context}


def _properties(draw: random.Random, name: str) -> dict[str, Any]:
    if name == "Order Completed":
        products = [_product(draw) for _ in range(draw.randrange(1, 4))]
        return {"total": round(draw.uniform(10, 300), 2), "products": products}
    if name == "Video Playback Completed":
        return {"title": draw.choice(("Demo: the kettle", "Our story"))}
    if name == "Products Searched":
        return {"query": "warm shoes", "category": draw.choice(CATEGORIES)}
    return _product(draw)


def _product(draw: random.Random) -> dict[str, Any]:
    number = draw.randrange(2_000)
    return {
        "product_id": f"SKU-{number}",
        "name": f"Product No. {number}",
        "price": round(1 + number / 10, 2),
        "quantity": 1,
        "category": CATEGORIES[number % len(CATEGORIES)],
        "url": f"https://shop.example.test/products/{number}",
    }
