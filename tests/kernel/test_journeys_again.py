"""I2 for journeys of every kind: the same log gives the same bytes, wherever the commits were cut."""

import pytest

from tests.kernel.driver import Driver
from tests.simulation.journeys.scenes import PLAIN, TIED, walked


@pytest.mark.parametrize("seed", range(16))
def test_i2_where_commits_are_cut_changes_no_run(seed: int) -> None:
    told = walked(seed, TIED if seed % 2 else PLAIN).driver
    for cut_after in (3, 50):
        again = Driver(reads_again=True)
        again.log = told.log
        again.read(cut_after)
        assert again.bytes() == told.bytes()


@pytest.mark.parametrize("seed", range(4))
def test_i2_a_crash_in_mid_journey_forgets_only_what_the_log_says_again(seed: int) -> None:
    told = walked(seed, TIED).driver
    log, end = told.log, len(told.log)
    for stop in (end // 3, end // 2):
        again = Driver(reads_again=True)
        for until in (stop, end):
            again.log = log[:until]
            again.read(2)
        assert again.bytes() == told.bytes()
