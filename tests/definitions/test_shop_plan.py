"""What the demo shop's simulator sends is what its tracking plan says, and only the backend speaks of orders."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from examples.shop import shoppers
from examples.shop.run import copy_in_a_hurry

from tactful.events.tracking import fit
from tactful.kernel.definitions import read_project
from tactful.language.declarations import tracking_rule
from tactful.operations.project import load
from tactful.runtime.settings import read_settings
from tactful.runtime.tokens import Tokens
from tactful.values import SECOND_US

SHOP = Path("examples/shop")


class Listening(shoppers.Shop):
    """Keeps the calls instead of sending them."""

    def __init__(self) -> None:
        super().__init__(None, "", 7)  # type: ignore[arg-type]  # nothing is sent
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    async def call(self, path: str, key: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.calls.append((path, key, body))


async def shopping(shop: Listening, visits: int) -> None:
    await shop.sign_up(shoppers.Browser("visitor"), "visitor@mail.example")
    for person in shoppers.PEOPLE:
        await shop.welcome(person)
        cart: dict[shoppers.Product, int] = {}
        for browser in shop.browsers_of(person):
            for _ in range(visits):
                await shop.visit(person, browser, cart)


def test_the_simulator_fits_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(seconds: float) -> None:
        assert seconds >= 0

    monkeypatch.setattr(asyncio, "sleep", at_once)
    shop = Listening()
    asyncio.run(shopping(shop, visits=10))
    files = {f"events/{path.name}": path.read_text(encoding="utf-8") for path in (SHOP / "events").glob("*.yaml")}
    rules = {name: tracking_rule(event) for name, event in read_project(files).events.items()}
    sent: Counter[str] = Counter()
    for path, key, body in shop.calls:
        if path == "consent":
            assert key == "demo-backend"
            continue
        name = body.get("event", f"${path}")
        sent[name] += 1
        assert fit(rules[name], body.get("properties") or body["traits"], mends=False)[1] == ()
        assert key == "demo-backend" or not rules[name].is_server_only
    assert set(sent) == set(rules), "the plan has what nobody sends, or the other way round"


def test_the_simulator_goes_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tokens are believed for an hour, and its banner asks for what the settings know."""
    settings = read_settings((SHOP / "tactful.toml").read_text(encoding="utf-8"), {})
    monkeypatch.setattr("time.time", lambda: 1_741_000_000.0)
    tokens, token = Tokens(settings.identity.secrets), shoppers.token("ines")
    assert getattr(tokens.prove(token, 1_741_003_500 * SECOND_US), "user", None) == "u:ines"
    assert getattr(tokens.prove(token, 1_741_009_000 * SECOND_US), "user", None) is None
    categories = {name for purpose in settings.consent.purposes.values() for name in purpose.categories}
    assert categories == set(shoppers.CATEGORIES)


def test_every_pool_that_a_letter_names_has_codes() -> None:
    named = {message.coupon for message in read_project(load(SHOP)).messages.values() if message.coupon}
    assert named == {file.stem for file in (SHOP / "coupons").glob("*.txt")}


def test_the_demo_is_the_same_shop_in_a_hurry(tmp_path: Path) -> None:
    """The copy that `make run` starts: the same definitions, no wait longer than a few minutes, and no hour at which
    nothing leaves."""
    copy_in_a_hurry(tmp_path)
    here, there = read_project(load(SHOP)), read_project(load(tmp_path))
    assert (set(there.journeys), set(there.messages)) == (set(here.journeys), set(here.messages))
    sending = read_settings((tmp_path / "tactful.toml").read_text(encoding="utf-8"), {}).sending
    assert (sending.cap, sending.quiet) == ([], "")
    waits = [
        line
        for name, text in load(tmp_path).items()
        for line in re.findall(r"^ *(?:- )?wait: (.*?)(?: *#.*)?$", text, re.MULTILINE)
    ]
    assert len(waits) > 10
    slow = [wait for wait in waits if not re.fullmatch(r"\d+s|[1-5]m", wait)]
    assert slow == ['{until: "10:00"}'], "of the campaign alone, which somebody launches"


def test_what_sells_is_measured() -> None:
    """Each journey that wants an order counts those that come, and what they were worth; those that write to many hold
    some of them out."""
    journeys = read_project(load(SHOP)).journeys
    goals = {name: journey.goal for name, journey in journeys.items() if journey.goal is not None}
    assert set(journeys) - set(goals) == {"confirm_newsletter", "third_order", "early_winter"}
    assert all(goal.wanted.events == ("Order Completed",) and goal.value is not None for goal in goals.values())
    held_out = {name for name, journey in journeys.items() if journey.holdout == 1_000}
    assert held_out == {"cart_reminder", "browse_without_buying", "welcome", "win_back", "winter_arrivals"}
