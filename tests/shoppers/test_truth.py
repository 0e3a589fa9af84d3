"""The truth is true: it says the same whatever was held out, and it is what a world without holdout, and one in which
everybody is held out, come to by the engine's own count."""

import pytest

from tactful.shoppers.crowd import Crowd
from tactful.shoppers.mails import Reaction
from tactful.shoppers.people import Town
from tests.shoppers.projects import FILES
from tests.shoppers.worlds import World, agreement, held_out, live

TOWN = Town(seed=3, people=250, effect=1.0)
DAYS = 7.0


def shares(world: World) -> tuple[float, float]:
    told = world.truth["conversion"]
    people = world.truth["people"]
    return round(told["withMails"] * people), round(told["without"] * people)


@pytest.mark.parametrize("journey", ["reminder", "browser"])
def test_the_truth_is_what_the_worlds_with_and_without_mails_come_to(journey: str) -> None:
    files = {name: text for name, text in FILES.items() if journey in name}
    without_holdout, half, nobody = (
        live(held_out(files, share), TOWN, DAYS)[journey] for share in ("0%", "50%", "100%")
    )
    happened, reference = without_holdout.groups[""], nobody.groups["holdout"]
    assert happened.reached_goal > reference.reached_goal + 10  # There is something to be known.
    for world in (without_holdout, half, nobody):
        with_mails, without = shares(world)
        # Merges of people on one device come a moment earlier or later.
        assert abs(with_mails - happened.reached_goal) <= 2
        assert abs(without - reference.reached_goal) <= 2
        people = world.truth["people"]
        assert world.truth["revenue"]["withMails"] * people == pytest.approx(happened.revenue, rel=0.1)
        assert world.truth["revenue"]["without"] * people == pytest.approx(reference.revenue, rel=0.02)
    assert half.truth["heldOut"] == pytest.approx(half.truth["people"] / 2, rel=0.2)


def test_what_happened_is_what_the_report_counts() -> None:
    for world in live(FILES, TOWN, DAYS).values():
        group, told = world.groups[""], world.truth
        sent_to = told["people"] - told["heldOut"]
        assert sent_to == pytest.approx(group.people, abs=2)
        assert told["conversionSentTo"]["withMails"] * sent_to == pytest.approx(group.reached_goal, abs=2)
        assert told["revenueSentTo"]["withMails"] * sent_to == pytest.approx(group.revenue, rel=0.02)


def test_reports_are_not_far_off_and_a_wrong_effect_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two worlds are few, so mails are made to do much; then shoppers do not do what the truth believes of them."""
    towns = [Town(seed=seed, people=300, effect=1.0, opens=1.0, clicks=1.0, willing=1.0) for seed in range(2)]
    files = held_out(FILES, "50%")

    def off() -> float:
        worlds = [world for town in towns for world in live(files, town, 5).values()]
        return agreement((world.conversion, world.truth["conversionAssigned"]["effect"]) for world in worlds).off

    assert abs(off()) < 3.5

    got = Crowd.got

    def unmoved(self: Crowd, number: int, journey: str, step: str, at: int, intent: str = "") -> Reaction:
        reaction = got(self, number, journey, step, at, intent)
        self._calendar = [one for one in self._calendar if getattr(one[4], "what", "") != "buy"]
        return reaction

    monkeypatch.setattr(Crowd, "got", unmoved)
    assert off() < -4
