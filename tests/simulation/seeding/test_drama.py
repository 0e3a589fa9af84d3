"""Seeds under load: whatever fails, what is new counts as if it had always been there."""

import pytest

from tests.simulation.seeding.drama import Drama
from tests.simulation.stage import played


def play(seed: int) -> None:
    played(Drama(seed))


@pytest.mark.parametrize("seed", range(5))
def test_i5_seeds_are_exact_whatever_fails(seed: int) -> None:
    play(seed)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(1000, 1200, 50))
def test_i5_seeds_are_exact_whatever_fails_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 50):
        play(seed)
