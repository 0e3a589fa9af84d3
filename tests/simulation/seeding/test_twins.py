"""Definitions that come late, seeded from the history, say what they would have said had they been there from the
start: under merges and un-merges in flight, plans and seeds on their way, in any order."""

import pytest

from tests.simulation.seeding.twins import Twins


def play(seed: int, actions: int = 60) -> Twins:
    twins = Twins(seed, 1 + seed % 3)
    try:
        for _ in range(actions):
            twins.act()
            if twins.rng.random() < 0.05:
                twins.check_at_rest()
        twins.end()
        twins.check_replay(1 + seed % 7)
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return twins


@pytest.mark.parametrize("seed", range(9))
def test_i5_late_definitions_say_what_early_ones_say(seed: int) -> None:
    play(seed)
