"""The power goes under load: processes end at one instant, and what was not synced is gone (see power.py)."""

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.customers import Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.power import cut_power
from tests.acceptance.stage import stage
from tests.acceptance.waiting import moment


def survive_power_cuts(folder: Path, seed: int, customers: int, cuts: int) -> int:
    """Returns how many bytes the cuts took in all."""
    draw = Random(seed)
    lost = 0
    with stage(folder, seed) as (running, mailbox, hooks):
        running.start()
        crowd = Crowd(seed, running.port, customers).start()
        total = len(crowd.events())
        for number in range(cuts):
            crowd.await_sent(int(total * (number + 0.3 + 0.7 * draw.random()) / (cuts + 0.5)))
            moment(draw.random() * 0.1)
            running.kill_all()
            # After the last one, too: what was lost is in the log, and read again.
            lost += sum(cut_power(running.data, draw).values())
            shutil.rmtree(running.data / "copies", ignore_errors=True)
            running.start()
        crowd.join()
        running.await_quiet(len(crowd.customers))
        running.kill_all()
        lost += sum(cut_power(running.data, draw).values())
        shutil.rmtree(running.data / "copies", ignore_errors=True)
        running.start()
        running.await_quiet(len(crowd.customers))
        demand_all(running, [crowd], mailbox, hooks)
        assert running.stop() == 0
    return lost


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_or_doubled_by_power_cuts(tmp_path: Path, seed: int) -> None:
    assert survive_power_cuts(tmp_path, seed, customers=250, cuts=2) > 0, "nothing was cut"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200, 220))
def test_nothing_is_lost_or_doubled_by_many_power_cuts(tmp_path: Path, seed: int) -> None:
    survive_power_cuts(tmp_path, seed, customers=600, cuts=4)
