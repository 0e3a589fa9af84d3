"""`tactful seed`: what a lost file of seeds says, and how it comes back."""

from contextlib import closing
from pathlib import Path

import pytest

from tactful.adapters.installation import Installation
from tactful.app.application import Application
from tactful.app.lakes import lake_of
from tactful.errors import TransientError
from tests.cli.conftest import Run
from tests.cli.test_commands import calls, order
from tests.cli.test_lake import archive


def work(data: Path, project: Path) -> list[str]:
    """Workers until they rest; what they say that cannot go on."""
    said = []
    with closing(Application().house(data, project, read_only=False)) as house:
        assert isinstance(house, Installation)
        workers = [house.worker(partition, house.clock) for partition in range(house.partitions)]
        for _ in range(3):  # They tell each other.
            for worker in workers:
                try:
                    while worker.turn():
                        pass
                except TransientError as error:
                    said.append(str(error))
    return said


@pytest.fixture
def robbed(tmp_path: Path, project: Path, run: Run) -> Path:
    """A folder of three people, in which the file of a new segment's seed is gone."""
    data = tmp_path / "data"
    file = calls(tmp_path / "orders.jsonl", [order("ann", 1), order("bob", 2), order("ann", 3)])
    assert run("import", file, "--replay", "--project", project, "--data", data).exit_code == 0
    (project / "segments/ever.yaml").write_text('when: count("Order Completed") >= 2\n')
    assert run("publish", "--project", project, "--data", data).exit_code == 0
    assert work(data, project) == []
    done = run("seed", "--data", data)
    assert done.output == "seeded 1 aggregate from 3 events\n"
    for path in (data / "seeds").glob("*.db"):
        path.unlink()
    said = work(data, project)
    assert said and "`tactful seed` counts it again" in said[0]
    return data


def seeds(run: Run, data: Path, project: Path) -> str:
    said = run("doctor", "--project", project, "--data", data).output
    return "\n".join(line for line in said.splitlines() if " seeds " in line)


def test_a_lost_seed_is_counted_again(robbed: Path, project: Path, run: Run) -> None:
    assert "is gone or damaged; people's states may wait for it" in seeds(run, robbed, project)
    done = run("seed", "--data", robbed)
    assert "was lost: counted again from 3 events" in done.output
    assert seeds(run, robbed, project) == ""
    assert work(robbed, project) == []
    assert run("segment", "ever", "--project", project, "--data", robbed).output.startswith("1 person")
    assert run("seed", "--data", robbed).output == "there is nothing to seed\n"


def test_what_is_missing_is_said_and_asked(robbed: Path, project: Path, run: Run) -> None:
    archive(robbed, project)
    with closing(Application().house(robbed, project, read_only=True)) as house:
        lake = lake_of(robbed, house.settings.history)
        lake.begin(lake.snapshot().positions, {}, house.clock.now_us())
    done = run("seed", "--data", robbed, text="n\n")
    assert done.exit_code == 1
    assert "in it is counted what was before for segment ever" in done.output
    assert "events of before" in done.output and "nothing was changed" in done.output
    done = run("seed", "--data", robbed, "--yes")
    assert "counted again from 3 events" in done.output
    assert work(robbed, project) == []
