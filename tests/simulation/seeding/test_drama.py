"""Seeds under load: whatever fails, what is new counts as if it had always been there."""

import logging

import pytest

from tests.simulation.seeding.drama import Drama


def play(seed: int, actions: int = 40) -> Drama:
    drama = Drama(seed, actions)
    try:
        drama.play()
    except BaseException as error:
        story = "\n".join(drama.world.story[-200:])
        error.add_note(f"seed {seed}, {drama.faults}\n{story}")
        raise
    return drama


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The world fails a lot here, and every failure is logged."""
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("seed", range(8))
def test_i5_seeds_are_exact_whatever_fails(seed: int) -> None:
    play(seed)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(1000, 1200, 50))
def test_i5_seeds_are_exact_whatever_fails_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 50):
        play(seed)
