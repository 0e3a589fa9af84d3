"""The production loops under drawn faults, against the oracle; then the faults end, and everything must come to rest."""

import pytest

from tests.simulation.drama import Drama

KEPT: tuple[int, ...] = ()
"""Seeds that once found a bug."""


def play(seed: int) -> None:
    drama = Drama(seed)
    try:
        drama.play()
    except BaseException as error:
        story = "\n".join(drama.world.story[-400:])
        error.add_note(f"seed {seed}, {drama.faults}\n{story}")
        raise


@pytest.mark.parametrize("seed", [*KEPT, *range(40)])
def test_i1_i2_i3_i4_i6_i7_whatever_fails_the_log_is_told_once(seed: int) -> None:
    play(seed)
