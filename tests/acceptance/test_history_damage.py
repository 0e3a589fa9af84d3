"""The history on bad days: its lake or a file of it is gone, cut short, or from another time; its disk is full; a folder is
copied while it runs. What log and trail still have is brought into a new lake; what is gone for good is said, with the way
out, and the engine goes on.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tactful.adapters.installation import Installation
from tactful.adapters.sqlite.log import SqliteLog
from tactful.app.clocks import SystemClock
from tactful.events.records import Tick, encode
from tactful.runtime.settings import Settings
from tactful.values import SECOND_US
from tests.acceptance.customers import Crowd
from tests.acceptance.histories import demand_history, lake
from tests.acceptance.installation import Running, project, run, signal_to
from tests.acceptance.receivers import Hooks, Mailbox, hook_server, mail_server
from tests.acceptance.waiting import until

pytestmark = pytest.mark.long
CUSTOMERS = 40


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that had its day, archived what was decided, and stopped in order."""
    folder = tmp_path_factory.mktemp("lived")
    with mail_server(Mailbox(1)) as mailbox, hook_server(Hooks(1)) as hooks:
        running = Running(project(folder / "project", mailbox.port, hooks.port), folder / "data")
        running.start()
        Crowd(21, running.port, CUSTOMERS).start().join()
        running.await_quiet(CUSTOMERS)
        await_archived(running)
        assert running.stop() == 0
        yield running


@pytest.fixture
def copy(lived: Running, tmp_path: Path) -> Iterator[Running]:
    shutil.copytree(lived.data, tmp_path / "data", ignore=shutil.ignore_patterns("run"))
    made = Running(lived.project, tmp_path / "data")
    yield made
    made.kill_all()


def doctor(running: Running) -> str:
    """What it says of the history."""
    said = run("doctor", "--project", str(running.project), "--data", str(running.data)).stdout
    return "\n".join(line for line in said.splitlines() if " history " in line)


def await_archived(running: Running) -> None:
    until(lambda: "has everything" in doctor(running), lambda: f"the lake; {doctor(running)}; {running.said()[-3000:]}")


def files_of(running: Running, table: str = "events") -> list[Path]:
    """Data files of a table, largest first."""
    found = (running.data / "lake" / table).rglob("*.parquet")
    return sorted((path for path in found if "_delta_log" not in path.parts), key=lambda path: -path.stat().st_size)


def goes_on(running: Running, seed: int) -> None:
    """New events come in and end in the lake."""
    Crowd(seed, running.port, 10).start().join()
    await_archived(running)


def test_a_lake_that_is_gone_is_made_anew_from_the_log(copy: Running) -> None:
    shutil.rmtree(copy.data / "lake")
    copy.start()
    await_archived(copy)
    assert copy.stop() == 0
    assert demand_history(copy.project, copy.data) > CUSTOMERS


def test_a_lake_that_goes_while_all_runs_is_made_anew(copy: Running) -> None:
    copy.start()
    shutil.rmtree(copy.data / "lake")
    goes_on(copy, 22)
    assert "Traceback" not in copy.said(), copy.said()
    assert copy.stop() == 0
    assert demand_history(copy.project, copy.data) > CUSTOMERS


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_file_of_the_lake_is_damaged(copy: Running, damage: str) -> None:
    """Which one is said, by whoever asks; what comes is archived all the same; it is mended from the log."""
    path = files_of(copy)[0]
    if damage == "gone":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)
    copy.start()
    goes_on(copy, 23)
    assert "cannot be tidied" not in copy.said(), "there is nothing to tidy yet"
    asked = run("preview", 'any("Order Completed")', "--project", str(copy.project), "--data", str(copy.data))
    assert asked.returncode == 1, asked.stdout
    assert path.name in asked.stderr, asked.stderr
    assert "backup" in asked.stderr, asked.stderr
    assert asked.stderr.count("\n") == 1, asked.stderr
    assert "Traceback" not in copy.said(), copy.said()
    mend = ("lake", "mend", "--project", str(copy.project), "--data", str(copy.data))
    assert "another Tactful is running" in run(*mend).stderr
    assert copy.stop() == 0
    mended = run(*mend)
    assert mended.stdout.endswith("mended 1 file\n"), mended
    assert demand_history(copy.project, copy.data) > CUSTOMERS


def test_a_lake_that_is_gone_after_the_log_was_trimmed_is_said(copy: Running) -> None:
    trim(copy)
    shutil.rmtree(copy.data / "lake")
    copy.start()
    until(lambda: "Bring the lake (or else the log) back from a backup" in copy.said(), copy.said)
    assert "lost to it" in doctor(copy), doctor(copy)
    begun = lake_begins(copy)
    assert (begun.returncode, begun.stdout) == (1, "")
    assert "another Tactful is running" in begun.stderr
    assert copy.stop() == 0
    begun = lake_begins(copy)
    assert "Events of before are in no lake then" in begun.stdout, begun
    copy.start()
    goes_on(copy, 28)
    assert "the lake begins at" in doctor(copy)
    asked = run("preview", 'any("Order Completed")', "--project", str(copy.project), "--data", str(copy.data))
    assert asked.returncode == 0, asked.stderr
    assert copy.stop() == 0


def lake_begins(running: Running) -> subprocess.CompletedProcess[str]:
    return run("lake", "begin", "--yes", "--project", str(running.project), "--data", str(running.data))


def trim(running: Running) -> None:
    """All of the log that the lake has, though it is young."""
    house = Installation(running.data, Settings(), SystemClock(), read_only=True)
    with closing(house):
        held, partitions = lake(running.data, Settings()).snapshot().positions, house.partitions
    log = SqliteLog(running.data / "log", partitions, SystemClock(), slice_us=SECOND_US)
    with closing(log):
        log.append({partition: [encode(Tick(SystemClock().now_us(), 0))] for partition in range(partitions)})
        assert log.trim(SystemClock().now_us(), held) == 1
        assert log.start(0) > 0


def test_states_that_are_gone_after_the_log_was_trimmed(copy: Running) -> None:
    trim(copy)
    (copy.data / "store" / "0.db").unlink()
    done = run("up", "--project", str(copy.project), "--data", str(copy.data), "--port", str(copy.port))
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    assert "the states are missing, or older than the log. Put back a backup" in done.stderr


def test_a_folder_that_is_copied_while_all_runs(copy: Running, tmp_path: Path) -> None:
    """With what a copy of files of several moments has; it starts, or says what does not fit, and is right."""
    copy.start()
    crowd = Crowd(24, copy.port, 60).start()
    crowd.await_sent(60)
    shutil.copytree(copy.data, tmp_path / "second", ignore=shutil.ignore_patterns("run"))
    crowd.join()
    copy.kill_all()
    second = Running(copy.project, tmp_path / "second")
    try:
        second.launch()
        until(lambda: second.supervisor.poll() is not None or second.is_ready(), second.said)
        if second.supervisor.poll() is not None:
            assert "Put back a backup of the whole data folder; nothing was changed" in second.said()
            return
        goes_on(second, 25)
        assert second.stop() == 0
        demand_history(second.project, second.data)
    finally:
        second.kill_all()


def test_a_lake_of_a_later_time_than_the_folder_is_said(copy: Running, tmp_path: Path) -> None:
    """As after a restore: what the lake has was decided by another log, and nothing is put behind it, also when the
    folder has grown again beyond where the lake is."""
    shutil.copytree(copy.data, tmp_path / "before")
    copy.start()
    goes_on(copy, 27)
    assert copy.stop() == 0
    shutil.rmtree(tmp_path / "before" / "lake")
    shutil.copytree(copy.data / "lake", tmp_path / "before" / "lake")
    restored = Running(copy.project, tmp_path / "before")
    restored.start()
    until(lambda: "was brought back from a backup" in restored.said(), restored.said)
    assert "and the log ends at" in doctor(restored), doctor(restored)
    Crowd(29, restored.port, 60).start().join()
    restored.await_quiet(CUSTOMERS + 60)
    until(lambda: "is not the one that the lake has" in restored.said(), restored.said)
    assert "is not the one that the lake has" in doctor(restored), doctor(restored)
    asked = run("segment", "buyers", "--project", str(restored.project), "--data", str(restored.data))
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "tactful lake begin" in asked.stderr
    assert restored.stop() == 0
    begun = lake_begins(restored)
    assert "Nothing is lost" in begun.stdout, begun
    assert (restored.data / "lake-before-1" / "events").exists()
    restored.start()
    await_archived(restored)
    assert restored.stop() == 0
    assert demand_history(restored.project, restored.data) > CUSTOMERS + 60


def test_an_archiver_that_is_killed_at_every_moment(copy: Running) -> None:
    copy.start()
    crowd = Crowd(26, copy.port, 60).start()
    while crowd.is_busy():
        chosen = until(lambda: copy.processes("archive"), "an archiver")
        signal_to(chosen[0].pid, signal.SIGKILL)
    await_archived(copy)
    assert copy.stop() == 0
    demand_history(copy.project, copy.data)
