"""Whatever happens while a file is taken: nothing is lost, and nothing comes twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tactful.errors import TransientError, UsageError
from tactful.events.records import Imported, decode
from tactful.kernel.state import decode_partition
from tactful.operations.definitions.publish import publish
from tactful.operations.imports import roads
from tactful.operations.imports.report import Report
from tactful.operations.imports.running import run
from tactful.operations.imports.tables import Batch
from tactful.runtime.settings import plan_settings
from tactful.values import DAY_US
from tests.imports.folders import FILES, Folder, ids


class Broken(Exception):
    pass


def put_orders(folder: Folder) -> None:
    """Two of them refused."""
    folder.orders(9000)
    content = folder.file.read_text().splitlines()
    content[100], content[4500] = "half a", ",2024-01-01,1,New"
    folder.file.write_text("\n".join(content))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Where nothing died."""
    folder = Folder(tmp_path_factory.mktemp("whole"))
    put_orders(folder)
    expected, _ = folder.take()
    assert (expected.rows, expected.kept, expected.refused_count) == (9000, 8998, 2)
    return folder


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_import_that_dies_anywhere_goes_on_where_it_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Folder, at: int, when: str
) -> None:
    """Between the quarantine and the log, and behind an append: nothing is lost and nothing comes twice."""
    folder = Folder(tmp_path)
    put_orders(folder)
    house = folder.open()
    append, appends = house.log.append, 0

    def dying(records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        nonlocal appends
        is_ours = any(isinstance(decode(bodies[-1]), Imported) for bodies in records.values())
        appends += is_ours
        if is_ours and appends == at + 1:
            if when != "before":
                append(records)
            raise Broken
        return append(records)

    monkeypatch.setattr(house.log, "append", dying)
    with pytest.raises(Broken):
        folder.take(house)
    _, is_new = folder.take()
    assert is_new is (at < 5 or when == "before")
    assert ids(folder) == ids(whole)
    house = folder.open()
    assert sorted((row.code, row.message) for row in house.quarantine.rows()) == [
        ("no_identifier", house.quarantine.rows()[0].message),
        ("row_short", "orders.csv, row 101: the row has 1 values, and not 4"),
    ]
    assert "orders.csv, row 4,501" in house.quarantine.rows()[0].message
    states = [decode_partition(store.checkpoint().partition_state) for store in house.stores()]
    assert sum(state.events for state in states) == 8998
    house.close()


def test_a_full_disk_stops_the_import_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.orders(6000)
    house = folder.open()
    append, appends = house.log.append, 0

    def full(records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        nonlocal appends
        appends += 1
        if appends > 3:
            raise TransientError("log: no space left on the device")
        return append(records)

    monkeypatch.setattr(house.log, "append", full)
    with pytest.raises(TransientError, match="no space left"):
        folder.take(house)
    assert folder.take()[0].rows == 6000
    assert len(set(ids(folder))) == len(ids(folder)) == 6000


def test_the_import_does_not_run_ahead_of_the_workers_without_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a server: what waits for its workers is bounded after every append, and all is applied at the end."""
    folder = Folder(tmp_path)
    folder.orders(40_000, people=50)
    house = folder.open()
    publish(FILES, plan_settings(folder.settings), house.log, house.bells, house.clock)
    workers = [house.worker(partition, house.clock) for partition in range(3)]
    while any([worker.turn() for worker in workers]):
        pass

    class Bell:
        waits = 0

        def wait(self, timeout_s: float | None) -> None:
            self.waits += 1
            for worker in workers:
                worker.turn()

    bell = Bell()
    monkeypatch.setattr(house.bells, "bell", lambda *names: bell)
    monkeypatch.setattr(roads, "MOST_BEHIND", 3000)
    most = 0

    def look(report: Report, share: float) -> None:
        nonlocal most
        behind = [house.log.end(partition) - house.store(partition).checkpoint().position for partition in range(3)]
        most = max(most, *behind)

    report, _ = run(folder.wanted(), house, look, is_beside=True)
    assert report.kept == 40_000
    assert most <= 3000
    assert bell.waits > 3
    assert all(worker.position == house.log.end(worker.partition) for worker in workers)
    house.close()


def test_a_server_that_applies_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.orders(10)
    folder.take()
    folder.orders(20, first=10)
    house = folder.open()

    class Bell:
        def wait(self, timeout_s: float | None) -> None:
            folder.clock.at += DAY_US

    monkeypatch.setattr(house.bells, "bell", lambda *names: Bell())
    with pytest.raises(TransientError, match="does the server still run"):
        run(folder.wanted(), house, lambda report, share: None, is_beside=True)
    house.close()


def test_one_import_at_a_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.orders(3000)
    house = folder.open()

    def second(report: Report, share: float) -> None:
        with pytest.raises(UsageError, match="another import runs"):
            folder.take()

    run(folder.wanted(), house, second, is_beside=False)
    house.close()


def test_a_file_that_is_read_to_its_middle_and_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken stays taken, and the report says so far."""
    folder = Folder(tmp_path)
    folder.orders(9000)
    wanted = folder.wanted()
    batches: Callable[[Any], Iterator[Batch]] = wanted.prepared.table.batches

    def vanishing(columns: Any) -> Iterator[Batch]:
        for number, batch in enumerate(batches(columns)):
            if number == 2:
                raise TransientError("orders.csv could not be read to its end")
            yield batch

    monkeypatch.setattr(wanted.prepared.table, "batches", vanishing)
    house = folder.open()
    with pytest.raises(TransientError):
        run(wanted, house, lambda report, share: None, is_beside=False)
    house.close()
    assert len(ids(folder)) == 4000
    assert folder.take()[0].kept == 9000
    assert len(set(ids(folder))) == len(ids(folder)) == 9000
