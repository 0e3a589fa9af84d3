"""What shoppers do is drawn from the seed: the same whoever drives them and however often, and like people otherwise."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tactful.shoppers.baskets import Basket, Order, orders
from tactful.shoppers.calls import Call, Door
from tactful.shoppers.catalogue import Catalogue, Product, from_values, made_up
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.mails import Mail, react
from tactful.shoppers.people import Town, person
from tactful.shoppers.racing import households
from tactful.shoppers.visits import Doing, liveliness, visit
from tactful.values import DAY_US, HOUR_US, WEEK_US, parse_time

START = parse_time("2025-03-03T06:00:00Z") or 0
DOOR = Door("website", "backend", "s" * 32, {"Analytics": "analytics", "Ads": "sharing"}, "Analytics")
GOODS = Catalogue(7, made_up(7))


def crowd(town: Town, numbers: Sequence[int] | None = None, door: Door = DOOR) -> Crowd:
    return Crowd(town, GOODS, door, START, numbers or range(town.people), keeps=True)


def said(calls: Sequence[Call]) -> list[tuple[Any, ...]]:
    """Without the number that tells calls apart."""
    return [
        (call.person, call.at, call.path, call.body.get("event"), str(call.body.get("properties"))) for call in calls
    ]


def test_the_same_seed_does_the_same_in_whatever_steps() -> None:
    town = Town(people=60)
    at_once, _ = crowd(town).due(START + 5 * DAY_US)
    steps = crowd(town)
    little = [call for hour in range(1, 121) for call in steps.due(START + hour * HOUR_US)[0]]
    assert len(at_once) > 300
    assert said(at_once) == said(little)
    assert said(at_once) != said(crowd(Town(people=60, seed=8)).due(START + 5 * DAY_US)[0])


def test_people_do_the_same_in_several_processes() -> None:
    town = Town(people=60)
    together = said(crowd(town).due(START + 3 * DAY_US)[0])
    apart = [
        one for process in range(3) for one in said(crowd(town, households(60, process, 3)).due(START + 3 * DAY_US)[0])
    ]
    assert sorted(together) == sorted(apart)


def test_no_two_calls_have_one_id() -> None:
    town = crowd(Town(people=40))
    calls = [*town.joining(), *town.due(START + 3 * DAY_US)[0]]
    assert len({call.body["messageId"] for call in calls}) == len(calls)


def test_a_town_is_like_a_town() -> None:
    people = [person(Town(), GOODS, number) for number in range(4000)]
    share = Counter[str]()
    for one in people:
        share["bot"] += one.is_bot
        share["refusing"] += one.is_refusing
        share["gpc"] += one.has_gpc
        share["willing"] += one.is_willing
        share["shared"] += any(not device.endswith(one.user) for device in one.devices)
        share["member"] += one.joins == 0
    assert 20 < share["bot"] < 70
    assert 400 < share["refusing"] < 640
    assert 300 < share["gpc"] < 500
    assert 2800 < share["willing"] < 3200
    assert 80 < share["shared"] < 240
    assert 2600 < share["member"] < 2950
    assert len({one.zone for one in people}) == 12


def test_who_refuses_says_no_to_everything_and_gpc_is_a_header() -> None:
    town = crowd(Town(people=200))
    calls, _ = town.due(START + 4 * DAY_US)
    pages = [call for call in calls if "anonymousId" in call.body]
    for call in pages:
        one = town.people[call.person]
        preferences = call.body["context"]["consent"]["categoryPreferences"]
        assert not (one.is_refusing and any(preferences.values()))
        assert call.has_gpc == one.has_gpc
    assert any(town.people[call.person].is_refusing for call in pages)
    assert any(town.people[call.person].is_bot for call in pages)


def test_who_is_signed_in_says_so_with_a_token_and_is_signed_out_by_the_next_person() -> None:
    town = Town(people=400, shared=1.0)
    living = crowd(town)
    last: dict[str, int] = {}
    moved = 0
    for call in living.due(START + 10 * DAY_US)[0]:
        device = call.body.get("anonymousId")
        if device is None:
            continue
        user = call.body.get("userId")
        assert user in (None, living.people[call.person].user)
        assert ("identityToken" in call.body["context"]) == (user is not None)
        if last.get(device, call.person) != call.person and call.path == "track":
            moved += 1
            assert user is None
        last[device] = call.person
    assert moved > 10


def test_nights_are_quiet_and_winter_is_not_summer() -> None:
    assert liveliness("Europe/Lisbon", START + 21 * HOUR_US) < 0.1 < liveliness("Europe/Lisbon", START + 14 * HOUR_US)
    at = {month: parse_time(f"2025-{month:02}-10T12:00:00Z") or 0 for month in (1, 7)}
    looked: dict[int, Counter[str]] = {month: Counter() for month in at}
    for month, instant in at.items():
        for number in range(300):
            for doing in visit(Town(), GOODS, person(Town(), GOODS, number), 1, instant):
                if doing.what == "view":
                    looked[month][GOODS.products[doing.product].season] += 1
    assert looked[1]["winter"] > 3 * looked[7]["winter"]
    assert looked[7]["summer"] > 3 * looked[1]["summer"]


def test_prices_drop_for_a_week_and_things_run_out() -> None:
    prices = {GOODS.price(0, START + week * WEEK_US) for week in range(100)}
    assert 2 <= len(prices) <= 4
    assert max(prices) == GOODS.products[0].price
    stocks = [GOODS.stock(product, START + day * DAY_US) for product in range(20) for day in range(60)]
    assert 0 in stocks
    assert max(stocks) > 100
    sold_out = [
        (number, START + day * DAY_US)
        for number in range(len(GOODS.products))
        for day in range(60)
        if GOODS.stock(number, START + day * DAY_US) == 0
    ]
    assert sold_out
    for doing in [
        one for number in range(300) for one in visit(Town(), GOODS, person(Town(), GOODS, number), 2, START)
    ]:
        assert doing.what != "add" or GOODS.stock(doing.product, doing.at) > 0


def test_a_mail_takes_from_the_cart_what_would_have_been_bought_anyway() -> None:
    organic = [Doing(START, "add", 3), Doing(START + 2 * DAY_US, "want")]
    mail = Doing(START + DAY_US, "buy", 5, mail="reminder/send/1")
    assert [(one.at, one.mail) for one in orders(GOODS, organic, [])] == [(START + 2 * DAY_US, "")]
    # Bought because of the mail, there is nothing left to buy.
    assert [(one.at, one.mail) for one in orders(GOODS, organic, [mail])] == [(mail.at, mail.mail)]
    assert orders(GOODS, [], [mail])[0].lines == ((5, 1, GOODS.price(5, mail.at)),)


def test_baskets() -> None:
    basket = Basket(GOODS)
    assert basket.take(Doing(START, "want")) == 0
    assert basket.take(Doing(START, "remove", 1)) == 0
    assert basket.take(Doing(START, "add", 1, 2)) == 2
    assert basket.take(Doing(START, "add", 2)) == 1
    assert basket.take(Doing(START, "remove", 1)) == 2
    order = basket.take(Doing(START, "want"))
    assert isinstance(order, Order)
    assert order.total == GOODS.price(2, START)
    assert basket.things == {}


def test_what_a_mail_does_is_known_before_it_is_sent_and_more_with_more_effect() -> None:
    bought = Counter[float]()
    for number in range(2000):
        one = person(Town(), GOODS, number)
        mail = Mail("reminder", "send", 1, START)
        assert react(Town(), GOODS, one, mail) == react(Town(), GOODS, one, Mail("reminder", "send", 1, START, "x"))
        for effect in (0.0, 0.4, 1.0):
            bought[effect] += react(Town(effect=effect), GOODS, one, mail).buys is not None
    assert bought[0.0] == 0
    assert bought[0.4] / 2000 == pytest.approx(0.6 * 0.5 * 0.4, rel=0.2)
    assert bought[1.0] / 2000 == pytest.approx(0.6 * 0.5, rel=0.15)


def test_only_what_is_planned_is_said() -> None:
    door = Door("website", "backend", planned=frozenset({"Product Viewed", "Order Completed"}))
    calls, _ = crowd(Town(people=80), door=door).due(START + 5 * DAY_US)
    assert {call.body["event"] for call in calls if call.path == "track"} == {"Product Viewed", "Order Completed"}


def test_catalogues_are_read_in_several_spellings() -> None:
    rows = [
        {"product_id": "a", "name": "A", "category": "X", "price": 3},
        {"sku": "b", "title": "B", "price": 4.5},
        {"id": "c", "price": 0},
        {"name": "no id", "price": 1},
    ]
    assert from_values(rows) == [Product("a", "A", "X", 3), Product("b", "B", "", 4.5)]
