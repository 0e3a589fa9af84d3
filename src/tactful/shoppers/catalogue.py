"""The catalogue: what there is to buy, at which price and how much of it at an instant.

Price and stock are functions of time and seed alone: a price drops for a week, a delivery sells out until the next one
comes (the shop sells through other doors as well). No shopper's purchase takes a thing away from another one, so each
of them can be asked alone what they would have done without a mail.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from msgspec import Struct

from tactful.shoppers.draws import chance, draw
from tactful.values import DAY_US, WEEK_US

SALES = 0.1
"""Share of weeks in which a thing is cheaper."""
_WINTER = ("winter", "mitten", "parka", "coat", "snow", "ski", "wool", "boot")
_SUMMER = ("summer", "swim", "garden", "beach", "sun", "barbecue", "picnic")
_BY_MONTH = {
    # January first. In August some look at winter things already.
    "winter": (1.0, 0.7, 0.3, 0.1, 0.05, 0.05, 0.1, 0.5, 0.6, 0.9, 1.0, 1.0),
    "summer": (0.05, 0.1, 0.4, 0.7, 1.0, 1.0, 1.0, 0.7, 0.3, 0.1, 0.05, 0.05),
}
_KINDS = {
    "Kitchen": ("Kettle", "Mug", "Teapot", "Bread Knife", "Apron"),
    "Lights": ("Lamp", "Lantern", "Candle", "Reading Light"),
    "Textiles": ("Throw", "Rug", "Cushion", "Curtain", "Towel"),
    "Chairs": ("Armchair", "Stool", "Bench", "Rocking Chair"),
    "Winter Apparel": ("Parka", "Mittens", "Wool Scarf", "Snow Boots"),
    "Summer Garden": ("Hammock", "Sunshade", "Picnic Basket", "Garden Table"),
    "Stationery": ("Notebook", "Fountain Pen", "Desk Pad"),
    "Running Shoes": ("Runner", "Trail Shoe", "Racer"),
}
_NAMES = ("Fjord", "Skerry", "Moss", "Tide", "Heath", "Dusk", "Strand", "Hoar", "Birch", "Gale", "Loch", "Ember")
_PRICES = {"Chairs": 240.0, "Winter Apparel": 140.0, "Running Shoes": 120.0, "Summer Garden": 110.0, "Stationery": 22.0}


class Product(Struct, frozen=True):
    id: str
    name: str
    category: str
    price: float
    """Without a sale."""

    @property
    def season(self) -> str:
        """`winter`, `summer`, or "" for all year."""
        text = f"{self.category} {self.name}".lower()
        return next(("winter" for word in _WINTER if word in text), "") or next(
            ("summer" for word in _SUMMER if word in text), ""
        )


def made_up(seed: int, count: int = 120) -> list[Product]:
    """Things of a shop that there is not."""
    rng, kinds = draw(seed, "catalogue"), list(_KINDS.items())
    found: dict[str, Product] = {}
    while len(found) < count:
        category, words = rng.choice(kinds)
        word, name = rng.choice(words), rng.choice(_NAMES)
        edition = f" {len(found) // 40 + 1}" if f"{word}-{name}".lower() in found else ""
        key = f"{word} {name}{edition}".lower().replace(" ", "-")
        price = _PRICES.get(category, 45.0) * rng.lognormvariate(0, 0.5)
        found.setdefault(key, Product(key, f"{word} {name}{edition}", category, max(4.0, round(price))))
    return list(found.values())


def from_values(rows: Sequence[Mapping[str, Any]]) -> list[Product]:
    """Of the rows of a project's catalogue, those that name an id and a price; spellings of the fields vary."""
    found = []
    for row in rows:
        id = row.get("product_id") or row.get("id") or row.get("sku")
        price = row.get("price")
        if id is None or not isinstance(price, int | float) or price <= 0:
            continue
        found.append(
            Product(str(id), str(row.get("name") or row.get("title") or id), str(row.get("category") or ""), price)
        )
    return found


class Catalogue:
    """Products by number; instants are microseconds."""

    def __init__(self, seed: int, products: Sequence[Product]) -> None:
        assert products, "a catalogue without a thing"
        self._seed = seed
        self.products = tuple(products)
        self.categories = tuple(dict.fromkeys(one.category for one in products))
        self._by_category = {
            category: [number for number, one in enumerate(products) if one.category == category]
            for category in self.categories
        }
        # A few things are looked at by many, most by few (Zipf), within a category and among categories.
        self._weights = {
            category: list(accumulate(1 / rank for rank in range(1, len(numbers) + 1)))
            for category, numbers in self._by_category.items()
        }
        self._category_weights = list(accumulate(1 / rank**0.5 for rank in range(1, len(self.categories) + 1)))
        self._seasons = {category: products[numbers[0]].season for category, numbers in self._by_category.items()}
        self._sales: dict[tuple[int, int], float] = {}
        self._deliveries = [_delivery(seed, one.id) for one in products]

    def price(self, product: int, at: int) -> float:
        """What it costs at that instant."""
        week = at // WEEK_US
        off = self._sales.get((product, week))
        if off is None:
            rng = draw(self._seed, "sale", self.products[product].id, week)
            off = rng.choice((0.15, 0.2, 0.3)) if rng.random() < SALES else 0.0
            if len(self._sales) > 100_000:
                self._sales.clear()
            self._sales[product, week] = off
        price = self.products[product].price
        return round(price * (1 - off), 2) if off else price

    def stock(self, product: int, at: int) -> int:
        """How many there are at that instant; 0: sold out."""
        amount, cycle_us, sold_out, shift_us = self._deliveries[product]
        passed = ((at + shift_us) % cycle_us) / cycle_us
        return max(0, round(amount * (1 - passed / sold_out)))

    def pick(self, rng: Random, tastes: Sequence[str], month: int) -> int:
        """Something to look at, by taste and season."""
        for _ in range(4):
            if tastes and rng.random() < 0.75:
                category = tastes[0] if rng.random() < 0.6 else rng.choice(tastes)
            else:
                category = self.categories[_one_of(rng, self._category_weights)]
            season = self._seasons[category]
            if not season or rng.random() < _BY_MONTH[season][month - 1]:
                break
        return self._by_category[category][_one_of(rng, self._weights[category])]


def _delivery(seed: int, id: str) -> tuple[int, int, float, int]:
    """Amount, microseconds from one delivery to the next, the share of it after which all is sold, and a shift."""
    rng = draw(seed, "delivery", id)
    cycle_us = rng.randint(10, 45) * DAY_US
    return rng.randint(8, 240), cycle_us, rng.uniform(0.85, 1.4), int(chance(seed, "shift", id) * cycle_us)


def _one_of(rng: Random, cumulated: Sequence[float]) -> int:
    return min(bisect_right(cumulated, rng.random() * cumulated[-1]), len(cumulated) - 1)
