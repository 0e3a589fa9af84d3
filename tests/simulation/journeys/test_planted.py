"""Bugs that we might have made, planted one at a time: one history each, found by trying, must catch it."""

from collections.abc import Callable

import pytest

from tests.simulation.journeys import cases, planted_starts, planted_walking
from tests.simulation.journeys.driving import Play
from tests.simulation.journeys.histories import History
from tests.simulation.journeys.planting import PLANTED, Patch, Planted
from tests.simulation.journeys.scenes import PLAIN, TIED, TIGHT, gated, history, walked

assert planted_starts.__doc__ and planted_walking.__doc__, "they plant by being imported"
PLAYS: dict[str, Callable[[int], Play]] = {
    "plain": lambda seed: walked(seed, PLAIN),
    "tied": lambda seed: walked(seed, TIED),
    "gated": lambda seed: gated(seed, TIGHT),
}


def differs(bug: Planted) -> bool:
    if bug.scene == "cases":
        return any(_differs(case, is_away=is_away) for case in cases.read_cases() for is_away in (False, True))
    try:
        return bool(PLAYS[bug.scene](bug.seed).differences())
    except AssertionError:  # The engine's own, or the oracle's of a log that cannot be.
        return True


def _differs(case: cases.Case, *, is_away: bool) -> bool:
    play = Play(History(0, {}, cases.records(case), cases.when(case.until)), away=is_away).run()
    return bool(cases.differences(case, play.rows()))


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.plant.__name__)
def test_a_planted_bug_is_caught(bug: Planted, monkeypatch: Patch) -> None:
    if bug.scene in ("plain", "tied"):
        history(bug.seed, PLAIN if bug.scene == "plain" else TIED)  # Drawn before anything is wrong.
    bug.plant(monkeypatch)
    assert differs(bug)


@pytest.mark.long
@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.plant.__name__)
def test_nothing_is_caught_where_nothing_is_planted(bug: Planted) -> None:
    assert not differs(bug)
