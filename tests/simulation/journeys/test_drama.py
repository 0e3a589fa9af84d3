"""Random journeys in the production loops, under drawn faults."""

import pytest

from tests.simulation.journeys.drama import Drama
from tests.simulation.journeys.scenes import TIGHT, section
from tests.simulation.stage import played


def play(seed: int, *, ties: bool = False) -> None:
    played(Drama(seed, ties=ties, sending=TIGHT, settings=section(TIGHT)))


@pytest.mark.parametrize("seed", range(8))
def test_runs_go_as_the_page_says_whatever_fails(seed: int) -> None:
    play(seed)


@pytest.mark.parametrize("seed", range(500, 504))
def test_people_become_one_and_part_whatever_fails(seed: int) -> None:
    play(seed, ties=True)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(2000, 2400, 20))
def test_whatever_fails_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 20):
        play(seed, ties=seed % 2 == 0)
