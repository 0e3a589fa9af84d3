"""The example shop is whole: what its shoppers say is what its tracking plan says, and only the backend speaks of orders."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tactful.cli.simulating import door_of, products_of
from tactful.events.tracking import fit
from tactful.kernel.definitions import read_project
from tactful.language.declarations import tracking_rule
from tactful.operations.definitions.project import load
from tactful.runtime.settings import Settings, read_settings
from tactful.runtime.tokens import Tokens
from tactful.shoppers.calls import Call, Door
from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.people import Town
from tactful.values import DAY_US, MINUTE_US, parse_time

SHOP = Path("examples/shop")
BEGIN = parse_time("2025-08-11T08:00:00Z") or 0


@pytest.fixture(scope="module")
def settings() -> Settings:
    return read_settings((SHOP / "tactful.toml").read_text(encoding="utf-8"), {})


@pytest.fixture(scope="module")
def door(settings: Settings) -> Door:
    return door_of(settings, SHOP)


@pytest.fixture(scope="module")
def calls(door: Door) -> list[Call]:
    """Three weeks of a few people."""
    town = Town(people=60, visits_per_week=6)
    crowd = Crowd(
        town, Catalogue(town.seed, products_of(SHOP, town.seed)), door, BEGIN, range(town.people), keeps=False
    )
    return [*crowd.joining(), *crowd.due(BEGIN + 21 * DAY_US)[0]]


def test_what_shoppers_say_fits_the_plan(calls: list[Call]) -> None:
    files = {f"events/{path.name}": path.read_text(encoding="utf-8") for path in (SHOP / "events").glob("*.yaml")}
    rules = {name: tracking_rule(event) for name, event in read_project(files).events.items()}
    sent: Counter[str] = Counter()
    for call in calls:
        if call.path == "consent":
            assert call.key == "demo-backend"
            continue
        name = call.body.get("event", f"${call.path}")
        sent[name] += 1
        assert fit(rules[name], call.body.get("properties") or call.body.get("traits", {}), mends=False)[1] == ()
        assert call.key == "demo-backend" or not rules[name].is_server_only
    assert set(sent) == set(rules), "the plan has what nobody sends, or the other way round"


def test_what_shoppers_buy_stands_in_the_catalogue(calls: list[Call]) -> None:
    lines = (SHOP / "catalogue" / "products.jsonl").read_text(encoding="utf-8").splitlines()
    products = {product["product_id"]: product for product in map(json.loads, lines)}
    assert len(products) == len(lines) >= 30
    for product in products.values():
        assert set(product) == {"product_id", "name", "category", "price", "currency", "stock"}
        assert product["price"] > 0 <= product["stock"]
    assert {picture.stem for picture in (SHOP / "pictures").glob("*.svg")} - {"winter"} <= set(products)
    looked_at = {call.body["properties"]["product_id"] for call in calls if call.body.get("event") == "Product Viewed"}
    assert looked_at <= set(products)
    assert len(looked_at) > 15


def test_shoppers_go_by_the_settings(settings: Settings, door: Door, calls: list[Call]) -> None:
    """Their tokens are believed when they come, and their banner asks for what the settings know."""
    tokens = Tokens(settings.identity.secrets)
    signed = [(call, token) for call in calls if (token := call.body.get("context", {}).get("identityToken"))]
    assert len(signed) > 50
    for call, token in signed:
        assert getattr(tokens.prove(token, call.at + MINUTE_US), "user", None) == f"u:{call.body['userId']}"
    categories = {name for purpose in settings.consent.purposes.values() for name in purpose.categories}
    assert set(door.categories) == categories


def test_every_pool_that_a_letter_names_has_codes() -> None:
    named = {message.coupon for message in read_project(load(SHOP)).messages.values() if message.coupon}
    assert named == {file.stem for file in (SHOP / "coupons").glob("*.txt")}


def test_what_sells_is_measured() -> None:
    """Each journey that wants an order counts those that come, and what they were worth; those that write to many hold
    some of them out."""
    journeys = read_project(load(SHOP)).journeys
    goals = {name: journey.goal for name, journey in journeys.items() if journey.goal is not None}
    assert set(journeys) - set(goals) == {"confirm_newsletter", "third_order", "early_winter"}
    assert all(goal.wanted.events == ("Order Completed",) and goal.value is not None for goal in goals.values())
    held_out = {name for name, journey in journeys.items() if journey.holdout == 1_000}
    assert held_out == {"cart_reminder", "browse_without_buying", "welcome", "win_back", "winter_arrivals"}
