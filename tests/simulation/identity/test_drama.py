"""Identity under drawn faults, in the production loops."""

import logging

import pytest

from tests.simulation.identity.drama import Drama, Scene


def play(seed: int, scene: Scene | None = None) -> Drama:
    drama = Drama(seed, scene)
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


@pytest.mark.parametrize("seed", range(12))
def test_who_is_who_whatever_fails(seed: int) -> None:
    play(seed)
