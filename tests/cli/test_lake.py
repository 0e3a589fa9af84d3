"""`tactful lake begin`: a lake that is lost when the log does not go back to the start any more."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tactful.adapters.installation import Installation
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.supervisor import Lock
from tactful.app.application import Application
from tactful.app.archiving import archiver
from tactful.app.clocks import SystemClock
from tactful.app.lakes import lake_of
from tactful.events.records import Tick, encode
from tactful.history import table
from tactful.language.sql.layout import CONSENTS
from tactful.testing.clock import SimClock
from tactful.values import DAY_US
from tests.cli.conftest import Run
from tests.cli.test_commands import calls, order


def house_of(data: Path, project: Path) -> Installation:
    return Application().house(data, project, read_only=True)


def archive(data: Path, project: Path) -> None:
    with closing(house_of(data, project)) as house:
        archiver(house, trims=False).archive()


def trim(data: Path, project: Path) -> None:
    """All of the log that the lake has, though it is young."""
    with closing(house_of(data, project)) as house:
        partitions = house.partitions
        held = {one: house.log.end(one) for one in range(partitions)}
        lake_of(data, house.settings.history).append(held, {})  # Where an import ends there are no rows.
    now = SystemClock().now_us()
    with closing(SqliteLog(data / "log", partitions, SimClock(now + 2 * DAY_US))) as log:
        log.append({partition: [encode(Tick(now, 0))] for partition in range(partitions)})
        assert log.trim(now * 2, held) == 1


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    """Three people, archived; the log has nothing of them any more."""
    folder = tmp_path / "data"
    file = calls(tmp_path / "orders.jsonl", [order("ann", 1), order("bob", 2), order("cat", 3)])
    assert run("import", file, "--replay", "--project", project, "--data", folder).exit_code == 0
    archive(folder, project)
    trim(folder, project)
    return folder


def doctor(run: Run, data: Path, project: Path) -> str:
    said = run("doctor", "--project", project, "--data", data).output
    return "\n".join(line for line in said.splitlines() if " history " in line)


def test_a_lake_that_is_sound_is_left_alone(data: Path, project: Path, run: Run) -> None:
    done = run("lake", "begin", "--yes", "--project", project, "--data", data)
    assert done.exit_code == 1
    assert "is as it should be" in done.stderr
    assert "everything" in doctor(run, data, project)


def test_nobody_begins_one_under_a_server(data: Path, project: Path, run: Run) -> None:
    shutil.rmtree(data / "lake")
    lock = Lock(data)
    done = run("lake", "begin", "--yes", "--project", project, "--data", data)
    lock.release()
    assert done.exit_code == 1
    assert "another Tactful is running" in done.stderr


def test_it_is_said_what_is_lost_and_asked(data: Path, project: Path, run: Run) -> None:
    shutil.rmtree(data / "lake")
    assert "the log no longer goes back to the start" in doctor(run, data, project)
    where = ("--project", project, "--data", data)
    done = run("lake", "begin", *where, text="n\n")
    assert done.exit_code == 1
    assert "there is no lake in" in done.output
    assert "If there is a backup of the lake, bring that back instead." in done.output
    assert "Events of before are in no lake then" in done.output
    assert "nothing was changed" in done.stderr
    assert not (data / "lake").exists()
    done = run("lake", "begin", *where, text="y\n")
    assert done.exit_code == 0, done.output
    said = doctor(run, data, project)
    assert "the lake begins at" in said
    assert " bad " not in said
    archive(data, project)
    assert "has everything" in doctor(run, data, project)
    audited = json.loads(run("audit", "--data", data, "--json").output.splitlines()[0])
    assert audited["act"] == "lake_begin"


@pytest.mark.parametrize("damage", ["a file", "the log"])
def test_a_damaged_lake_is_put_aside(data: Path, project: Path, run: Run, damage: str) -> None:
    files = [path for path in (data / "lake/events").rglob("*.parquet") if path.stat().st_size > 5_000]
    if damage == "a file":
        files[0].write_bytes(files[0].read_bytes()[:1_000])
        assert f"{files[0].name}: missing, or not as it was written" in doctor(run, data, project)
    else:
        for path in (data / "lake/events/_delta_log").iterdir():
            path.write_bytes(b"?" * 100)
    done = run("lake", "begin", "--yes", "--project", project, "--data", data)
    assert done.exit_code == 0, done.output
    assert "The old lake is kept as" in done.output
    assert files[0].name in [path.name for path in (data / "lake-before-1").rglob("*.parquet")]
    archive(data, project)
    assert "has everything" in doctor(run, data, project)


def test_a_lake_of_an_earlier_version_is_said_and_put_aside(
    tmp_path: Path, project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose decisions did not say yet which address was confirmed."""
    folder = tmp_path / "data"
    file = calls(tmp_path / "orders.jsonl", [order("ann", 1), order("bob", 2)])
    assert run("import", file, "--replay", "--project", project, "--data", folder).exit_code == 0
    with monkeypatch.context() as earlier:
        columns = [one for one in table._COLUMNS[CONSENTS] if one[0] != "address"]
        earlier.setitem(table._COLUMNS, CONSENTS, columns)
        archive(folder, project)
    where = ("--project", project, "--data", folder)
    assert "consents was made by an earlier version of Tactful and has no address" in doctor(run, folder, project)
    asked = run("segment", "--when", 'consents("ads")', *where)
    assert asked.exit_code == 1
    assert "`tactful lake begin` makes a new lake" in asked.stderr
    assert run("lake", "begin", "--yes", *where).exit_code == 0
    archive(folder, project)
    assert run("segment", "--when", 'not consents("ads")', *where).output.startswith("2 people")


def test_a_log_that_has_everything_loses_nothing(tmp_path: Path, project: Path, run: Run) -> None:
    folder = tmp_path / "data"
    file = calls(tmp_path / "orders.jsonl", [order("ann", 1), order("bob", 2)])
    assert run("import", file, "--replay", "--project", project, "--data", folder).exit_code == 0
    archive(folder, project)
    next(path for path in (folder / "lake/events").rglob("*.parquet") if path.stat().st_size > 5_000).unlink()
    done = run("lake", "begin", "--yes", "--project", project, "--data", folder)
    assert done.exit_code == 0, done.output
    assert "Nothing is lost" in done.output
    archive(folder, project)
    said = run("segment", "--when", 'any("Order Completed")', "--project", project, "--data", folder).output
    assert said.startswith("2 people")
    assert "begins at" not in doctor(run, folder, project)


def test_the_log_is_trimmed_once_the_lake_has_it(tmp_path: Path, project: Path, run: Run) -> None:
    """By the process that archives, as it keeps house."""
    folder = tmp_path / "data"
    file = calls(tmp_path / "orders.jsonl", [order("ann", 1), order("bob", 2), order("cat", 3)])
    assert run("import", file, "--replay", "--project", project, "--data", folder).exit_code == 0
    later = SimClock(SystemClock().now_us() + 30 * DAY_US)
    with (
        closing(house_of(folder, project)) as house,
        closing(SqliteLog(folder / "log", house.partitions, later)) as log,
    ):
        log.append({partition: [encode(Tick(later.now_us(), 0))] for partition in range(house.partitions)})
        later.advance(30 * DAY_US)
        house.clock, house.log = later, log
        mine = archiver(house)
        mine.keep_house()
        assert not any(map(log.start, range(house.partitions)))
        mine.archive()
        mine.keep_house()
        assert any(map(log.start, range(house.partitions)))


def largest(data: Path) -> Path:
    return max((data / "lake/events").glob("bucket*/*.parquet"), key=lambda path: path.stat().st_size)


def test_a_damaged_file_is_mended_from_the_log(tmp_path: Path, project: Path, run: Run) -> None:
    folder, where = tmp_path / "data", ("--project", project, "--data", tmp_path / "data")
    file = calls(tmp_path / "orders.jsonl", [order("ann", 1), order("bob", 2)])
    assert run("import", file, "--replay", *where).exit_code == 0
    archive(folder, project)
    assert "nothing to mend" in run("lake", "mend", *where).stderr
    path = largest(folder)
    path.write_bytes(path.read_bytes()[:1_000])
    assert "`tactful lake mend`" in doctor(run, folder, project)
    done = run("lake", "mend", *where)
    assert done.exit_code == 0, done.output
    assert f"{path.name} (2 rows): " in done.output
    assert done.output.endswith("The log still has 2 rows of them.\nmended 1 file\n")
    assert " bad " not in doctor(run, folder, project)
    said = run("segment", "--when", 'any("Order Completed")', *where)
    assert said.output.startswith("2 people")
    assert said.stderr == ""


def test_what_cannot_be_mended_is_asked_and_said_with_every_answer(data: Path, project: Path, run: Run) -> None:
    where = ("--project", project, "--data", data)
    largest(data).unlink()
    done = run("lake", "mend", *where, text="n\n")
    assert done.exit_code == 1
    assert "it is missing" in done.output and "If there is a backup of the lake" in done.output
    assert "up to 3 rows of events, from 2025-03-01T10:00:00.000Z to 2025-03-03T10:00:00.000Z" in done.output
    assert "nothing was changed" in done.stderr
    assert run("lake", "mend", "--yes", *where).exit_code == 0
    said = run("segment", "--when", 'any("Order Completed")', *where)
    assert said.stdout.startswith("nobody") or said.stdout.startswith("0 people"), said.stdout
    assert "note: the lake has lost up to 3 rows of events" in said.stderr
    assert "the lake has lost up to 3 rows" in doctor(run, data, project)


def test_a_folder_that_cannot_be_written_is_said(run: Run, project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = run("up", "--project", project, "--data", tmp_path / "file" / "data", "--port", 0)
    assert found.exit_code == 1
    assert f"tactful: {tmp_path / 'file' / 'data'} cannot be written: Not a directory" in found.output
