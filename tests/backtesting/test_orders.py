"""Campaigns that were launched, and journeys that were paused and stopped, in the history that a backtest plays."""

from typing import Literal

import pytest

from tactful.events.records import Launch, Publish, Steer
from tactful.language.compiled import View
from tactful.operations.backtesting.counting import Counting
from tactful.runtime.ports import Claimed
from tactful.runtime.settings import Settings, plan_settings
from tactful.runtime.settings_sending import SendingSettings
from tactful.values import DAY_US, MINUTE_US
from tests.backtesting.shop_life import backtested, sent
from tests.backtesting.test_small_histories import BEGIN, HELLO, event, known, together
from tests.histories import Life

SETTINGS = Settings(sending=SendingSettings(cap=["1 per day"]))
HOUR_US = 60 * MINUTE_US
FILES = {
    "journeys/remind.yaml": "start: {event: Product Added}\nwait: 30m\nsend: {email: hello}\n",
    "journeys/views.yaml": "start: {event: Product Viewed}\nagain: 1h\nwait: 20m\nsend: {email: hello}\n",
    "journeys/sale.yaml": "start: {campaign: adders}\nagain: 1h\nwait: 10m\nsend: {email: hello}\n",
    "segments/adders.yaml": 'when: any("Product Added")\n',
    "messages/hello.yaml": HELLO,
}


def begun() -> Life:
    life = Life(SETTINGS, 3, BEGIN)
    life.take(Publish(BEGIN, FILES, plan_settings(SETTINGS)))
    for number in range(12):
        together(life, known(f"u:{number}", BEGIN + number + 1))
    return life


def say(name: str, at: int, *numbers: int) -> list[tuple[int, str, int]]:
    return [(at + number, name, number) for number in numbers]


def live(life: Life, told: list[tuple[int, str, int]]) -> None:
    for at, name, number in sorted(told):
        together(life, [event(name, [f"u:{number}"], at)])


def launch(life: Life, at: int, journey: str = "sale") -> None:
    life.until(at)
    life.take(Launch(at, journey, life.workers[0].plan.journeys[journey].version, "ann", "bob"))


def steer(life: Life, at: int, journey: str, order: Literal["resume", "pause", "drain", "stop"]) -> None:
    life.until(at)
    life.take(Steer(at, journey, order, "ann", "prices are wrong"))


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the next backtest sends of all journeys: by intent, when."""
    found: dict[str, int] = {}
    claimed = Counting.claimed

    def listening(counting: Counting, claim: Claimed, view: View) -> None:
        found[claim.intent.intent] = claim.claimed_at
        claimed(counting, claim, view)

    monkeypatch.setattr(Counting, "claimed", listening)
    return found


def agree(life: Life, claims: dict[str, int], *others: str) -> int:
    """All messages of all journeys are as they were; how many of `remind`."""
    life.until(life.clock.now_us() + DAY_US)
    _, (messages, _) = backtested(life, "remind", files=FILES)
    assert {one.intent: one.at for one in messages} == sent(life, "remind")
    assert claims == {intent: at for one in ("remind", *others) for intent, at in sent(life, one).items()}
    assert all(sent(life, one) for one in others)
    return len(messages)


def test_campaigns_are_launched_when_they_were(claims: dict[str, int]) -> None:
    """Whoever got its mail gets no other one on that day."""
    life = begun()
    live(life, say("Product Added", BEGIN + HOUR_US, *range(8)))
    launch(life, BEGIN + 3 * DAY_US)
    live(life, say("Product Added", BEGIN + 3 * DAY_US + HOUR_US, 1, 2, 9))
    life.archive()
    launch(life, BEGIN + 4 * DAY_US)
    assert len(sent(life, "sale")) == 8
    assert agree(life, claims, "sale") == 8 + 1


def test_a_changed_campaign_is_launched_again(claims: dict[str, int]) -> None:
    life = begun()
    live(life, say("Product Added", BEGIN + HOUR_US, *range(8)))
    launch(life, BEGIN + 3 * DAY_US)
    life.until(BEGIN + 5 * DAY_US)
    changed = FILES["journeys/sale.yaml"].replace("wait: 10m", "wait: 11m")
    life.take(Publish(BEGIN + 5 * DAY_US, {**FILES, "journeys/sale.yaml": changed}, plan_settings(SETTINGS)))
    launch(life, BEGIN + 6 * DAY_US)
    life.until(BEGIN + 7 * DAY_US)
    backtested(life, "remind", files=FILES)
    assert len(claims) == 8 + 16 == 8 + len(sent(life, "sale"))


@pytest.mark.parametrize("order", ["pause", "drain", "stop"])
def test_other_journeys_are_steered_when_they_were(
    claims: dict[str, int], order: Literal["pause", "drain", "stop"]
) -> None:
    life = begun()
    live(life, say("Product Viewed", BEGIN + HOUR_US, *range(6)))
    steer(life, BEGIN + HOUR_US + 10 * MINUTE_US, "views", order)
    live(life, say("Product Viewed", BEGIN + 2 * HOUR_US, *range(4, 9)))
    live(life, say("Product Added", BEGIN + 3 * HOUR_US, *range(3, 10)))
    steer(life, BEGIN + 5 * HOUR_US, "views", "resume")
    live(life, say("Product Viewed", BEGIN + 2 * DAY_US, *range(4)))
    live(life, say("Product Added", BEGIN + 2 * DAY_US + HOUR_US, *range(2, 7)))
    assert agree(life, claims, "views") >= 7


def test_what_waited_for_a_paused_journey_leaves_when_it_goes_on(claims: dict[str, int]) -> None:
    """It was before the gate when the journey was paused, held back by the night."""
    life = Life(Settings(sending=SendingSettings(quiet="00:00-06:00")), 3, BEGIN)
    life.take(Publish(BEGIN, FILES, plan_settings(life.house.settings)))
    for number in range(6):
        together(life, known(f"u:{number}", BEGIN + number + 1))
    live(life, say("Product Viewed", BEGIN + HOUR_US, *range(6)))
    steer(life, BEGIN + 5 * HOUR_US, "views", "pause")
    steer(life, BEGIN + 9 * HOUR_US, "views", "resume")
    live(life, say("Product Added", BEGIN + 10 * HOUR_US, 1))
    assert set(sent(life, "views").values()) == {BEGIN + 9 * HOUR_US}
    agree(life, claims, "views")


def test_orders_to_the_journey_itself_are_not_played() -> None:
    """It is asked what it would have sent."""
    life = begun()
    steer(life, BEGIN + MINUTE_US, "remind", "stop")
    steer(life, BEGIN + 2 * MINUTE_US, "", "pause")
    live(life, say("Product Added", BEGIN + HOUR_US, *range(8)))
    life.until(BEGIN + DAY_US)
    assert sent(life, "remind") == {}
    for against in ("", "without"):
        _, (messages, _) = backtested(life, "remind", files=FILES, against=against)
        assert len(messages) == 8


@pytest.mark.parametrize("order", ["pause", "drain", "stop"])
@pytest.mark.parametrize("journey", ["remind", ""])
def test_with_its_orders_it_is_as_it_was(
    claims: dict[str, int], order: Literal["pause", "drain", "stop"], journey: str
) -> None:
    """The journey itself, or all sending, was steered."""
    if journey == "" and order != "pause":
        return  # All sending is switched off and on.
    life = begun()
    live(life, say("Product Added", BEGIN + HOUR_US, *range(6)))
    live(life, say("Product Viewed", BEGIN + HOUR_US, *range(8, 12)))
    steer(life, BEGIN + HOUR_US + 10 * MINUTE_US, journey, order)
    live(life, say("Product Added", BEGIN + 2 * HOUR_US, *range(4, 9)))
    steer(life, BEGIN + 5 * HOUR_US, journey, "resume")
    live(life, say("Product Added", BEGIN + 2 * DAY_US, *range(3, 7)))
    life.until(life.clock.now_us() + DAY_US)
    _, (messages, _) = backtested(life, "remind", files=FILES, orders=True)
    assert {one.intent: one.at for one in messages} == sent(life, "remind")
    assert claims == {intent: at for one in ("remind", "views") for intent, at in sent(life, one).items()}
    _, (without, _) = backtested(life, "remind", files=FILES)
    assert {one.intent: one.at for one in without} != sent(life, "remind")


def test_with_its_orders_a_campaign_is_launched_when_it_was(claims: dict[str, int]) -> None:
    life = begun()
    live(life, say("Product Added", BEGIN + HOUR_US, *range(8)))
    launch(life, BEGIN + 3 * DAY_US)
    life.until(life.clock.now_us() + DAY_US)
    _, (messages, _) = backtested(life, "sale", files=FILES, orders=True)
    assert {one.intent: one.at for one in messages} == sent(life, "sale")
    assert len(messages) == 8
    assert backtested(life, "sale", files=FILES)[1][0] == []  # At the beginning nobody is in its segment.
