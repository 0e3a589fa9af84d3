"""A file is taken once, and starts nothing; what cannot be taken is in the quarantine with its row."""

import json
from pathlib import Path

import msgspec
import pytest

from tactful.errors import UsageError
from tactful.events.derived import RunEnded, RunStarted, SegmentEntered, SendMessage
from tactful.events.records import Consent, Event
from tactful.kernel.state import decode_partition
from tactful.operations.definitions.publish import publish
from tactful.operations.imports.report import lines
from tactful.operations.imports.running import try_out
from tactful.operations.upkeep import quarantine as quarantine_operations
from tactful.runtime.settings import IdentitySettings, plan_settings
from tactful.values import parse_time
from tests.imports.folders import FILES, MAPPING, NOW, Folder, ids, records, rows_of, sources


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
