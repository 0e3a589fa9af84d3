"""Identity under drawn faults, in the production loops."""

import pytest

from tests.simulation.identity.drama import Drama, Scene
from tests.simulation.stage import played


def play(seed: int, scene: Scene | None = None) -> Drama:
    return played(Drama(seed, scene))


KEPT = (31, 51, 61)
"""Seeds that once found a bug."""


@pytest.mark.parametrize("seed", sorted({*range(8), *KEPT}))
def test_who_is_who_whatever_fails(seed: int) -> None:
    play(seed)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(1000, 1400, 40))
def test_who_is_who_whatever_fails_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 40):
        play(seed, Scene(rounds=3 + seed % 5, actions=4 + seed % 7))


def test_the_same_seed_is_the_same_story() -> None:
    assert play(7).world.story == play(7).world.story
