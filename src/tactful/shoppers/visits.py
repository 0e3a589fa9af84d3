"""Visits: when somebody comes to the shop and what they do there, whatever mails they got.

A visit is drawn from seed, person and its number. What they want stands in it (to put this into the cart, to buy what
is in there); what becomes of it depends on the cart (baskets.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.draws import draw
from tactful.shoppers.people import Person, Town
from tactful.values import DAY_US, HOUR_US, SECOND_US, WEEK_US

_HOURS = (
    0.25, 0.12, 0.05, 0.03, 0.03, 0.05, 0.15, 0.35, 0.5, 0.6, 0.65, 0.7,
    0.75, 0.7, 0.65, 0.65, 0.7, 0.75, 0.85, 0.95, 1.0, 1.0, 0.8, 0.5,
)  # fmt: skip
"""How much goes on at an hour of somebody's own day."""
_MONTHS = (0.75, 0.7, 0.7, 0.72, 0.75, 0.7, 0.65, 0.65, 0.75, 0.8, 1.0, 1.0)
_MEAN_HOUR = sum(_HOURS) / len(_HOURS)

What = Literal["search", "view", "film", "add", "remove", "cart", "want", "buy", "sign in", "join", "subscribe"]


class Doing(NamedTuple):
    """Something that somebody does at an instant. `buy` is an order because of a mail, `want` an order if there is
    something in the cart."""

    at: int
    what: What
    product: int = -1
    quantity: int = 1
    device: str = ""
    mail: str = ""
    """What they follow: "journey/step/nth"; "" of a visit."""


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(zone: str, at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND_US, UTC).astimezone(_zone(zone))


def liveliness(zone: str, at: int) -> float:
    """How much goes on, from 0 to 1: hour, weekend and season of where somebody lives."""
    there = local(zone, at)
    return _HOURS[there.hour] * _MONTHS[there.month - 1] * (1.0 if there.weekday() >= 5 else 0.85)


def next_visit(town: Town, person: Person, nth: int, after: int) -> int:
    """When they come for the nth time, after the last."""
    rng, at = draw(town.seed, person.number, "comes", nth), after
    mean_us = WEEK_US * _MEAN_HOUR / person.visits_per_week
    while True:
        at += max(1, int(rng.expovariate(1 / mean_us)))
        if person.is_bot or rng.random() < liveliness(person.zone, at):
            return at


def visit(town: Town, catalogue: Catalogue, person: Person, nth: int, at: int) -> list[Doing]:
    """What they do when they come, in order of time."""
    rng = draw(town.seed, person.number, "visit", nth)
    device = rng.choice(person.devices)
    return list(_visit(town, catalogue, person, nth, at, device))


def _visit(town: Town, catalogue: Catalogue, person: Person, nth: int, at: int, device: str) -> Iterator[Doing]:
    rng = draw(town.seed, person.number, "does", nth)
    month = local(person.zone, at).month
    is_member = 0 <= person.joins < nth
    product = catalogue.pick(rng, person.tastes, month)

    def later(least_s: float, most_s: float) -> int:
        return at + int((1 if person.is_bot else rng.uniform(least_s, most_s)) * SECOND_US)

    if is_member and rng.random() < 0.35:
        yield Doing(at, "sign in", device=device)
        at = later(2, 10)
    if not person.is_bot and rng.random() < 0.3:
        yield Doing(at, "search", product, device=device)
        at = later(3, 20)
    for _ in range(1 + min(40, int(rng.expovariate(1 / person.views)))):
        yield Doing(at, "view", product, device=device)
        at = later(5, 150)
        if rng.random() < 0.65:
            product = catalogue.pick(rng, person.tastes, month)
    if not person.is_bot and rng.random() < 0.06:
        yield Doing(at, "film", product, device=device)
        at = later(30, 200)
    if nth == person.joins or (person.joins > nth and rng.random() < 0.03):
        yield Doing(at, "subscribe", device=device)
        at = later(5, 30)
    # Drawn whatever comes of it, so that the rest does not depend on stock.
    is_adding, is_removing, is_wanting = rng.random() < person.adds, rng.random() < 0.12, rng.random() < person.buys
    quantity = rng.choice((1, 1, 1, 1, 2, 3))
    if is_adding and catalogue.stock(product, at) >= quantity:
        yield Doing(at, "add", product, quantity, device)
        at = later(10, 120)
        if nth == person.joins:
            yield Doing(at, "join", device=device)
            at = later(20, 90)
        elif is_member:
            yield Doing(at, "sign in", device=device)
            at = later(2, 10)
        if is_removing:
            yield Doing(at, "remove", product, quantity, device)
            at = later(10, 60)
    elif nth == person.joins:
        yield Doing(at, "join", device=device)
        at = later(20, 90)
    if (is_member or nth == person.joins) and is_wanting:
        yield Doing(at, "cart", device=device)
        yield Doing(later(30, 300), "want", device=device)


def past_orders(town: Town, catalogue: Catalogue, person: Person, now: int) -> list[tuple[int, int, int]]:
    """What somebody bought before the first day: instants, products and quantities, oldest first."""
    if person.joins != 0:
        return []
    rng = draw(town.seed, person.number, "before")
    count = int(rng.expovariate(1 / (6 * person.buys)))
    days = sorted((rng.uniform(1, 220) for _ in range(min(count, 12))), reverse=True)
    found = []
    for day in days:
        at = now - int(day * DAY_US) // HOUR_US * HOUR_US
        product = catalogue.pick(rng, person.tastes, local(person.zone, at).month)
        found.append((at, product, rng.choice((1, 1, 2))))
    return found
