"""Random journeys in the production loops, under drawn faults."""

import logging

import pytest

from tests.simulation.journeys.drama import Drama
from tests.simulation.journeys.scenes import TIGHT, section


def play(seed: int, *, ties: bool = False) -> Drama:
    drama = Drama(seed, ties=ties, sending=TIGHT, settings=section(TIGHT))
    try:
        return drama.play()
    except BaseException as error:
        story = "\n".join(drama.world.story[-100:])
        texts = "\n".join(f"--- {name}\n{text}" for name, text in drama.history.texts.items())
        error.add_note(f"seed {seed}, {drama.faults}\n{texts}\n{story}")
        raise


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The world fails a lot here, and every failure is logged."""
    caplog.set_level(logging.CRITICAL)


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
