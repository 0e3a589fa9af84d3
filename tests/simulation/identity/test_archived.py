"""States and history say the same (I5) whatever fails: workers, the archiver, the power, the world."""

import logging

import pytest

from tests.simulation.identity.archived import Archived
from tests.simulation.identity.drama import Scene


def play(seed: int, scene: Scene | None = None) -> Archived:
    drama = Archived(seed, scene)
    try:
        drama.play()
    except BaseException as error:
        story = "\n".join(drama.world.story[-60:])
        error.add_note(f"seed {seed}, {drama.faults}\n{story}")
        raise
    return drama


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The world fails a lot here, and every failure is logged."""
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("seed", [1, 4])
def test_what_states_say_is_what_the_history_says(seed: int) -> None:
    play(seed, Scene(rounds=2))


@pytest.mark.long
@pytest.mark.parametrize("begin", range(2000, 2200, 20))
def test_what_states_say_is_what_the_history_says_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 20):
        play(seed, Scene(rounds=3 + seed % 5, actions=4 + seed % 7, imported=0.1 * (seed % 3)))
