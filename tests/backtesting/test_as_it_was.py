"""A backtest over the simulator's history finds what the live engine had sent, message by message."""

import pytest

from tactful.adapters.crew import Processes
from tactful.operations.backtesting import dealing, report
from tactful.values import format_time
from tests.backtesting.shop_life import MIDDLE, backtested, lived_shop, sent


@pytest.fixture(autouse=True)
def _small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are several, and several pieces."""
    monkeypatch.setattr(dealing, "UNIT_ROWS", 400)
    monkeypatch.setattr(dealing, "PIECE_ROWS", 700)


@pytest.mark.parametrize("journey", ["cart_reminder", "second_look", "welcome", "third_order"])
def test_what_was_sent_is_found_again(journey: str) -> None:
    life = lived_shop()
    _, (messages, _) = backtested(life, journey)
    assert {one.intent: one.at for one in messages} == sent(life, journey)
    assert messages, "the simulator's history has none of it"


@pytest.mark.parametrize("journey", ["second_look", pytest.param("cart_reminder", marks=pytest.mark.long)])
def test_it_begins_as_if_it_had_been_published_then(journey: str) -> None:
    """Whoever is in its segment by then is not sent anything, and what it counts is exact from the first day on."""
    life = lived_shop(before=journey)
    _, (messages, _) = backtested(life, journey, first=format_time(MIDDLE))
    assert {one.intent: one.at for one in messages} == sent(life, journey)
    _, (more, _) = backtested(life, journey)
    assert len(more) > len(messages) > 0


def test_a_campaign_is_launched_when_the_period_begins() -> None:
    life = lived_shop(told_late="winter_arrivals")
    _, (messages, _) = backtested(life, "winter_arrivals", first=format_time(MIDDLE))
    assert {one.intent: one.at for one in messages} == sent(life, "winter_arrivals")
    assert messages


def test_caps_and_quiet_hours_held_some_back() -> None:
    """Else the test above would say little of them."""
    found, _ = backtested(lived_shop(), "cart_reminder")
    values = report.as_values(found)["versions"][0]
    reasons = {one["reason"] for one in values["reasons"]}
    assert {"Order Completed came first", "no e-mail address"} <= reasons
    assert any(one.startswith("holdout") for one in reasons)
    assert "quiet hours" in values["heldBack"] or "quiet hours" in reasons
    assert any(one.startswith("cap:") for one in reasons)
    assert values["sentInFact"] == values["messages"]


def test_it_does_not_depend_on_processes_or_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, lists = backtested(lived_shop(), "cart_reminder", against="without")
    several, same = backtested(lived_shop(), "cart_reminder", against="without", crew=Processes(4))
    assert (several, same) == (alone, lists)
    monkeypatch.setattr(dealing, "UNIT_ROWS", 1 << 40)
    whole, once = backtested(lived_shop(), "cart_reminder", against="without")
    assert (whole, once) == (alone, lists)


def test_whoever_is_split_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: people dealt out by their identifiers alone."""
    monkeypatch.setattr(dealing.Circles, "join", lambda *_: None)
    life = lived_shop()
    _, (messages, _) = backtested(life, "cart_reminder")
    assert {one.intent: one.at for one in messages} != sent(life, "cart_reminder")
