"""A file of seeds is gone or cut short before everybody has had theirs: it is said which, nobody's state is made of half of
it, and it is counted again; when it is back everybody is in the segments that the history says.
"""

import os
import signal
from pathlib import Path

import pytest

from tactful.adapters.installation import Installation
from tactful.app.clocks import SystemClock
from tactful.runtime.settings import Settings
from tests.acceptance.customers import Crowd
from tests.acceptance.histories import demand_history
from tests.acceptance.installation import Running, run, signal_to
from tests.acceptance.test_disk import probe
from tests.acceptance.test_history_damage import await_archived
from tests.acceptance.waiting import until

pytestmark = pytest.mark.long
CUSTOMERS = 40


def halt(running: Running, name: str) -> None:
    for one in until(lambda: running.processes(name), f"a {name} process"):
        signal_to(one.pid, signal.SIGSTOP)


def go_on(running: Running, name: str) -> None:
    for one in running.processes(name):
        signal_to(one.pid, signal.SIGCONT)


def plans(running: Running) -> set[int]:
    """Versions that are in force in the partitions."""
    house = Installation(running.data, Settings(), SystemClock(), read_only=True)
    try:
        found = [house.plan(partition) for partition in range(house.partitions)]
        return {one.plan.version for one in found if one is not None}
    finally:
        house.close()


def seeded_while_nobody_decides(running: Running) -> Path:
    """A new segment asks about the past, and is counted; but the workers are halted before they can have it."""
    (running.project / "segments/browsers.yaml").write_text('when: count("Product Viewed", last="30d") >= 1\n')
    halt(running, "survey")
    done = run("publish", "--project", str(running.project), "--data", str(running.data))
    assert done.returncode == 0, done.stderr
    until(lambda: plans(running) == {2}, "the plan in force everywhere")
    halt(running, "work")
    go_on(running, "survey")
    found = until(lambda: list((running.data / "seeds").glob("*.db")), running.said)
    return found[0]


def goes_on_as_if_nothing_had_been(running: Running, crowd: int) -> None:
    """As many people again, and what is live is what the history says."""
    Crowd(crowd, running.port, CUSTOMERS).start().join()
    running.await_quiet(2 * CUSTOMERS)
    await_archived(running)
    assert "Traceback" not in running.said(), running.said()
    assert running.stop() == 0
    assert demand_history(running.project, running.data) > 2 * CUSTOMERS


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_seed_that_is_gone_or_cut_short_is_counted_again(running: Running, damage: str) -> None:
    running.start()
    Crowd(53, running.port, CUSTOMERS).start().join()
    running.await_quiet(CUSTOMERS)
    seed = seeded_while_nobody_decides(running)
    if damage == "gone":
        seed.unlink()
    else:
        os.truncate(seed, seed.stat().st_size // 2)
    go_on(running, "work")
    until(lambda: f"the seed {seed.stem} was lost, and is counted again from" in running.said(), running.said)
    goes_on_as_if_nothing_had_been(running, 54)


def test_a_seed_that_is_gone_or_cut_short_and_comes_back(running: Running) -> None:
    """While nobody counts."""
    running.start()
    Crowd(51, running.port, CUSTOMERS).start().join()
    running.await_quiet(CUSTOMERS)
    seed = seeded_while_nobody_decides(running)
    halt(running, "survey")
    body = seed.read_bytes()
    seed.unlink()
    go_on(running, "work")
    until(lambda: f"{seed} is not there, and the log names it" in running.said(), running.said)
    seed.write_bytes(body[: len(body) // 2])
    until(lambda: running.said().count(str(seed)) > running.said().count("is not there"), running.said)
    assert probe(running.port)[0] == 200
    # Into the very file that was half, as by `cp`.
    with seed.open("r+b") as file:
        file.write(body)
        os.fsync(file.fileno())
    go_on(running, "survey")
    goes_on_as_if_nothing_had_been(running, 52)
