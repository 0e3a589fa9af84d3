"""A file is taken once, whatever happens while it is taken; what cannot be taken is in the quarantine with its row."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tactful.adapters.installation import Installation
from tactful.adapters.tables.opening import FileTables
from tactful.errors import TransientError, UsageError
from tactful.events.derived import RunEnded, RunStarted, SegmentEntered, SendMessage, decode_groups
from tactful.events.records import Consent, Event, Imported, decode
from tactful.events.sources import Source
from tactful.kernel.state import decode_partition
from tactful.operations import quarantine as quarantine_operations
from tactful.operations.imports import roads
from tactful.operations.imports.preparing import prepare
from tactful.operations.imports.report import Report, lines
from tactful.operations.imports.running import Wanted, run, try_out
from tactful.operations.imports.tables import Batch
from tactful.operations.publish import publish
from tactful.runtime.ports import Clock
from tactful.runtime.settings import EngineSettings, IdentitySettings, Settings, SourceSettings, plan_settings
from tactful.values import DAY_US, parse_time

NOW = parse_time("2024-06-01T12:00:00Z") or 0
FILES = {
    "events/order.yaml": "name: Order Completed\nproperties:\n  total: {type: number, required: true}\n"
    "  state: {type: text, enum: [New, Old]}\n",
    "segments/buyers.yaml": 'when: count("Order Completed") >= 2\n',
    "segments/lately.yaml": 'when: any("Order Completed", last="90d")\n',
    "segments/willing.yaml": 'when: consents("news")\n',
    "journeys/thanks.yaml": "start: {event: Order Completed}\nsend: {webhook: https://x.example/}\n",
    "journeys/welcome.yaml": "start: {segment: buyers}\nsend: {webhook: https://x.example/}\n",
}
MAPPING = """source: server
types: {total: number}
events:
  - {event: Order Completed, user_id: user, timestamp: at, properties: {total: total, state: state}}
"""


class Wall(Clock):
    def __init__(self) -> None:
        self.at = NOW

    def now_us(self) -> int:
        self.at += 1000
        return self.at

    def real_us(self) -> int:
        return self.at


def settings(unplanned: Any = "keep") -> Settings:
    sources = {"server": SourceSettings("k" * 20, "server", unplanned=unplanned)}
    return Settings(engine=EngineSettings(partitions=3), sources=sources)


def sources() -> list[Source]:
    return [Source("server", "k" * 20, "server")]


class Folder:
    """A data folder with a project, a file and its mapping."""

    def __init__(self, tmp_path: Path, unplanned: Any = "keep") -> None:
        self.path = tmp_path
        self.settings = settings(unplanned)
        self.file = tmp_path / "orders.csv"
        self.mapping = MAPPING
        self.is_beside = False
        self.clock = Wall()

    def orders(self, number: int, people: int = 7, first: int = 0) -> None:
        rows = [
            f"{place % people + 1},2024-{place % 5 + 1:02}-{place % 27 + 1:02}T10:00:00Z,{place}.50,New"
            for place in range(first, first + number)
        ]
        self.file.write_text("user,at,total,state\n" + "".join(f"{row}\n" for row in rows))

    def open(self) -> Installation:
        return Installation(self.path / "data", self.settings, self.clock, read_only=False)

    def wanted(self, **more: Any) -> Wanted:
        prepared = prepare(FileTables(), self.file, self.mapping, self.path / "orders.yaml")
        return Wanted(prepared, self.settings, FILES, sources(), b"salt", **more)

    def take(self, house: Installation | None = None, **more: Any) -> tuple[Report, bool]:
        opened = house or self.open()
        try:
            return run(self.wanted(**more), opened, lambda report, share: None, is_beside=False)
        finally:
            opened.close()


def records(folder: Folder) -> list[Any]:
    house = folder.open()
    found = [decode(body) for partition in range(house.partitions) for _, body in house.log.read(partition, 0, 1 << 30)]
    house.close()
    return found


def ids(folder: Folder) -> list[str]:
    return sorted(one.message_id for one in records(folder) if isinstance(one, Event))


def rows_of(folder: Folder) -> Iterator[Any]:
    house = folder.open()
    for partition in range(house.partitions):
        for body in house.trail.between(partition, 1, 1 << 40):
            for group in decode_groups(body):
                yield from group.rows
    house.close()


def test_a_file_is_applied_when_the_command_returns_and_starts_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.orders(5000)
    report, is_new = folder.take()
    assert (is_new, report.rows, report.kept, report.by_name) == (True, 5000, 5000, {"Order Completed": 5000})
    house = folder.open()
    states = [decode_partition(store.checkpoint().partition_state) for store in house.stores()]
    assert (sum(state.events for state in states), sum(state.profiles for state in states)) == (5000, 7)
    assert house.outbox.counts() == {}
    house.close()
    rows = list(rows_of(folder))
    assert {(row.segment, row.cause) for row in rows if isinstance(row, SegmentEntered)} == {
        ("buyers", "import"),
        ("lately", "import"),
    }
    assert not [row for row in rows if isinstance(row, RunStarted | RunEnded | SendMessage)]
    assert all(one.is_import for one in records(folder) if isinstance(one, Event))


def test_a_file_that_was_taken_is_not_taken_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.orders(3000)
    first, _ = folder.take()
    before = ids(folder)
    again, is_new = folder.take()
    assert not is_new
    assert again == first
    assert ids(folder) == before


def test_with_another_mapping_the_same_file_has_to_be_asked_for(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.orders(10)
    folder.take()
    folder.mapping += "# other\n"
    with pytest.raises(UsageError, match="imported before, with another mapping"):
        folder.take()
    assert folder.take(again=True)[0].kept == 10


class Broken(Exception):
    pass


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("when", ["before", "after", "quarantined"])
def test_an_import_that_dies_anywhere_goes_on_where_it_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, when: str
) -> None:
    """Between the quarantine and the log, before an append and behind it: nothing is lost and nothing comes twice."""
    folder = Folder(tmp_path)
    folder.orders(9000)
    content = folder.file.read_text().splitlines()
    content[100], content[4500] = "half a", ",2024-01-01,1,New"
    folder.file.write_text("\n".join(content))
    whole = Folder(tmp_path / "whole")
    whole.file.parent.mkdir()
    whole.file.write_bytes(folder.file.read_bytes())
    expected, _ = whole.take()

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
    assert (expected.rows, expected.kept, expected.refused_count) == (9000, 8998, 2)
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


def test_the_tracking_plan_mends_flags_refuses_and_the_report_says_so(tmp_path: Path) -> None:
    rows = [
        "1,2024-01-01,5,new",
        "2,2024-01-01,abc,New",
        "3,2024-01-01,,New",
        "0,2024-01-01,1,New",
        "5,1999-01-01,1,New",
    ]
    found = {}
    for unplanned in ("keep", "mend", "quarantine", "drop"):
        folder = Folder(tmp_path / unplanned, unplanned)
        folder.path.mkdir()
        folder.file.write_text("user,at,total,state\n" + "\n".join(rows) + "\n")
        tried = try_out(folder.wanted(), None, NOW, lambda report, share: None)
        report, _ = folder.take()
        for one in (tried, report):
            one.is_finished = True
        assert msgspec.to_builtins(tried) == msgspec.to_builtins(report), "a dry run says what an import says"
        found[unplanned] = {
            "kept": report.kept,
            "mended": sorted(report.mended),
            "flagged": sum(one.count for one in report.flagged.values()),
            "refused": {name: one.rows for name, one in report.refused.items()},
            "dropped": sum(one.count for one in report.dropped.values()),
        }
        house = folder.open()
        states = [decode_partition(store.checkpoint().partition_state) for store in house.stores()]
        assert sum(state.events for state in states) == report.kept
        assert len(house.quarantine.rows()) == report.refused_count
        house.close()
    door = {"identifier_blocked (userId)": [5], "timestamp_absurd (timestamp)": [6]}
    assert found["keep"] == {"kept": 3, "mended": [], "flagged": 3, "refused": door, "dropped": 0}
    assert found["mend"]["mended"] == ["Order Completed: state"]
    assert found["quarantine"]["refused"] == {
        **door,
        "choice (state)": [2],
        "type (total)": [3],
        "required (total)": [4],
    }
    assert (found["drop"]["kept"], found["drop"]["dropped"]) == (0, 3)
    assert report.unread["total"].message == "'abc' is no number"
    text = "\n".join(lines(report, is_dry=False))
    for said in (
        "5 rows read",
        "identifier_blocked (userId)",
        "dropped by the tracking plan",
        "(row 2)",
        "'abc' is no number",
    ):
        assert said in text


def test_what_was_refused_is_an_import_still_when_it_is_tried_again(tmp_path: Path) -> None:
    """Both at the door and by the tracking plan."""
    folder = Folder(tmp_path, "quarantine")
    folder.settings = msgspec.structs.replace(folder.settings, identity=IdentitySettings(blocked=["house"]))
    folder.file.write_text("user,at,total,state\n1,2024-05-01,5,Odd\nhouse,2024-05-01,5,New\n2,2024-05-01,5,New\n")
    assert folder.take()[0].kept == 1
    house = folder.open()
    files = {**FILES, "events/order.yaml": "name: Order Completed\n"}
    publish(files, plan_settings(folder.settings), house.log, house.bells, house.clock)
    numbers = [row.id for row in house.quarantine.rows()]
    told = list(quarantine_operations.replay(house.quarantine, house.log, house.bells, sources(), numbers))
    assert [one.refusal for one in told] == [None, None]
    workers = [house.worker(partition, house.clock) for partition in range(3)]
    while any([worker.turn() for worker in workers]):
        pass
    house.close()
    assert len(ids(folder)) == 4, "the one of the tracking plan stands there twice"
    assert not [row for row in rows_of(folder) if isinstance(row, RunStarted)]


def test_a_mapping_that_is_wrong_for_most_rows_stops_before_the_quarantine_is_flooded(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.file.write_text("user,at,total,state\n" + "1,someday,1,New\n" * 5000)
    with pytest.raises(UsageError, match=r"timestamp_unreadable.*--keep-going"):
        folder.take()
    house = folder.open()
    assert house.quarantine.rows() == []
    house.close()
    assert folder.take(goes_on=True)[0].refused_count == 5000


def test_decisions_and_lines_as_they_stand(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.file = tmp_path / "calls.jsonl"
    at = {"timestamp": "2024-05-01T10:00:00Z"}
    said: list[dict[str, object]] = [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "1",
            "messageId": "m1",
            "properties": {"total": 1},
            **at,
        },
        {"type": "consent", "purpose": "news", "granted": True, "userId": "1", **at},
        {"type": "score", "model": "churn", "userId": "1", "value": 0.7, **at},
        {"type": "threshold", "metric": "spend", "percent": 80, "value": 3, **at},
        {"type": "identify", "userId": "1", "traits": {"email": "ada@x.org"}, **at},
    ]
    folder.file.write_text("\n".join(map(json.dumps, said)))
    folder.mapping = "source: server\ncalls: true\n"
    report, _ = folder.take()
    assert report.by_name == {"Order Completed": 1, "consent news": 1, "score churn": 1, "$identify": 1}
    assert list(report.refused) == ["not_for_backfill (type)"]
    assert [one.timestamp for one in records(folder) if isinstance(one, Consent)] == [parse_time(at["timestamp"])]
    entered = [(row.segment, row.cause) for row in rows_of(folder) if isinstance(row, SegmentEntered)]
    assert ("willing", "import") in entered


def test_a_source_that_the_settings_do_not_know_is_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.orders(1)
    folder.mapping = MAPPING.replace("source: server", "source: till")
    with pytest.raises(UsageError, match=r"source: till.*it has server"):
        folder.take()


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
