"""`tactful import` as somebody meets it: a guess that is shown and kept, a trial, the import, and the same again."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from tactful.app import archiving
from tactful.app.application import Application
from tactful.app.lakes import lake_of
from tactful.language.sql.layout import EVENTS
from tests.cli.conftest import Run

ORDERS = "Order No,Customer,Order Date,SKU,Qty,Unit Price\n" + "".join(
    f"A{number // 2},{number // 2 % 9 + 1},2024-0{number % 6 + 1}-15 10:00,k-{number},2,{number}.50\n"
    for number in range(60)
)


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    return path


def test_a_guess_is_kept_and_nothing_is_imported_unseen(run: Run, project: Path, orders: Path, tmp_path: Path) -> None:
    where = ("--project", project, "--data", tmp_path / "data")
    first = run("import", orders, *where)
    mapping = project / "imports/orders.yaml"
    assert first.exit_code == 1
    assert f"look at {mapping}, then give the same command again" in first.output
    assert "rows: Order No" in mapping.read_text()
    assert not (tmp_path / "data").exists()

    tried = run("import", orders, *where, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "30 would be taken, from 2024-" in tried.output
    assert "row 2 becomes" in tried.output
    assert not (tmp_path / "data").exists()

    done = run("import", orders, *where)
    assert done.exit_code == 0, done.output
    assert "60 rows read, 30 events made of them" in done.output
    again = run("import", orders, *where)
    assert again.exit_code == 0
    assert "imported before, with this mapping; nothing to do" in again.output
    told = json.loads(run("import", orders, *where, "--json").stdout.splitlines()[-1])
    assert (told["kept"], told["is_new"], told["is_finished"]) == (30, False, True)
    listed = run("events", "--data", tmp_path / "data", "--json").stdout.splitlines()
    assert len(listed) == 30


def test_a_mapped_file_is_replayed(run: Run, project: Path, orders: Path, tmp_path: Path) -> None:
    where = ("--project", project, "--data", tmp_path / "data")
    done = run("import", orders, *where, "--replay", "--yes")
    assert done.exit_code == 0, done.output
    assert "30 of 30 events taken" in done.output
    assert "this file was replayed before" in run("import", orders, *where, "--replay").output
    assert "a replay is no trial" in run("import", orders, *where, "--replay", "--dry-run").output


def test_a_mistake_in_the_mapping_is_told_with_its_place(run: Run, project: Path, orders: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("events:\n  - {event: X, user_id: Custmer, timestamp: Order Date}\n")
    refused = run("import", orders, "--project", project, "--data", tmp_path / "data", "--mapping", mapping)
    assert refused.exit_code == 1
    assert 'm.yaml:2:25: the file has no column "Custmer"' in refused.output
    assert 'did you mean "Customer"?' in refused.output


def test_an_import_that_is_killed_goes_on(run: Run, project: Path, tmp_path: Path) -> None:
    """The process itself, by SIGKILL, in the middle of a file."""
    path = tmp_path / "clicks.csv"
    path.write_text(
        "user_id,timestamp,event\n"
        + "".join(f"{n % 500 + 1},2024-05-01T10:00:{n % 60:02}Z,Seen\n" for n in range(60_000))
    )
    where = ["--project", str(project), "--data", str(tmp_path / "data")]
    assert run("import", path, *where, "--dry-run").exit_code == 0
    command = [sys.executable, "-m", "tactful", "import", str(path), *where, "--json"]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reports = tmp_path / "data/imports"
    while not [one for one in reports.glob("clicks.csv-*.json") if json.loads(one.read_bytes())["rows"] >= 6000]:
        assert killed.poll() is None, killed.communicate()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    done = run("import", path, *where, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["rows"] == 60_000
    listed = run("events", "--data", tmp_path / "data", "--json").stdout.splitlines()
    assert len(listed) == len({json.loads(line)["messageId"] for line in listed}) == 60_000


def test_what_is_no_table_is_refused_with_what_is_one(run: Run, project: Path, tmp_path: Path) -> None:
    done = run("import", project / "tactful.toml", "--project", project, "--data", tmp_path / "data")
    assert done.exit_code == 1
    assert "tactful.toml is no table by its name; what is read is CSV (.csv, .tsv, .txt), JSON Lines" in done.output
    assert not (project / "imports").exists()


def test_where_nothing_can_be_written_it_is_said(run: Run, project: Path, orders: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/imports").touch()
    found = run("import", orders, "--yes", "--project", project, "--data", tmp_path / "data")
    assert found.exit_code == 1
    assert f"tactful: {tmp_path / 'data/imports'} cannot be written: " in found.output


def test_an_import_stands_in_the_audit_log(run: Run, project: Path, orders: Path, tmp_path: Path) -> None:
    where = ("--project", project, "--data", tmp_path / "data")
    assert run("import", orders, *where, "--yes").exit_code == 0
    assert run("import", orders, *where).exit_code == 0
    acts = [json.loads(line) for line in run("audit", "--data", tmp_path / "data", "--json").stdout.splitlines()]
    assert [(one["act"], one["about"], one["detail"]) for one in acts] == [("import", "orders.csv", "tactful import")]


def test_doctor_says_how_a_half_done_import_goes_on(run: Run, project: Path, orders: Path, tmp_path: Path) -> None:
    where = ("--project", project, "--data", tmp_path / "data")
    assert run("import", orders, *where, "--yes").exit_code == 0
    assert "goes on there" not in run("doctor", *where).output
    (report,) = (tmp_path / "data/imports").glob("*.json")
    told = json.loads(report.read_text())
    report.write_text(json.dumps(told | {"is_finished": False, "rows": 20}))
    assert (
        "orders.csv was imported to row 20 and not to its end; `tactful import` with the same file"
        in run("doctor", *where).output
    )


def test_what_was_imported_is_in_the_lake_where_it_is_much(
    run: Run, project: Path, orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    bring = ("import", orders, "--project", project, "--data", data, "--yes")
    assert run(*bring).exit_code == 0
    assert not (data / "lake").exists()  # Whoever asks reads it from log and trail.
    monkeypatch.setattr(archiving, "MANY", 1)
    (data / "lake").write_text("in the way")
    done = run(*bring)
    assert done.exit_code == 0
    assert "not in the lake yet" in done.stderr
    (data / "lake").unlink()
    assert run(*bring).exit_code == 0
    house = Application().house(data, project, read_only=True)
    lake = lake_of(data, house.settings.history)
    assert dict(lake.snapshot().positions) == {one: house.trail.end(one) for one in range(house.partitions)}
    rows = ds.dataset(lake.snapshot().source(EVENTS)).to_table(columns=["is_import"])
    house.close()
    assert rows.column("is_import").to_pylist() == [True] * len(rows)
    assert len(rows) == 30
