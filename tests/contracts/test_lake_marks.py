"""Up to where a table goes stands in the info of its last commit, and is what Delta's own transactions say."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from tactful.adapters.delta import marks
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.marks import Marks, marks_of
from tactful.language.sql.layout import EVENTS, IDENTITY, Layout
from tests.contracts.lakes import event, tables


def said(place: Folder, table: str) -> tuple[Marks, Marks]:
    """By the commit, and by the log."""
    then = DeltaTable(place.uri(table))
    return marks_of(place, table, then), marks._asked(place, table, then)


def test_the_last_commit_says_what_the_log_says(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    lake = DeltaLake(place, 3)
    for n in range(1, 4):
        DeltaLake(place, 3).append({0: n, 2: n}, tables(event(0, n), event(2, n)), {0: n * 7, 2: n * 9})
        for name in (EVENTS, IDENTITY):
            by_commit, by_log = said(place, name)
            assert by_commit == by_log
    by_commit, _ = said(place, EVENTS)
    assert by_commit == Marks({0: 3, 1: 0, 2: 3}, {0: 21, 2: 27}, by_commit.pen)
    assert by_commit.pen >= 3
    lake.wish(Layout(("sku",)))
    lake.maintain(1, {})
    assert said(place, EVENTS)[0] == said(place, EVENTS)[1]


def test_the_log_is_asked_only_where_no_commit_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path)
    lake = DeltaLake(place, 3)
    lake.append({0: 5}, tables(event(0, 5)), {0: 3})
    lake.wish(Layout(("sku",)))  # Commits that say nothing of it.
    asked: list[str] = []
    ask = DeltaTable.transaction_version

    def watched(then: DeltaTable, name: str) -> int | None:
        asked.append(name)
        return ask(then, name)

    monkeypatch.setattr(DeltaTable, "transaction_version", watched)
    snapshot = DeltaLake(place, 3).snapshot()
    assert (snapshot.positions, snapshot.seals(), asked) == ({0: 5}, {0: 3}, [])
    then = DeltaTable(place.uri(EVENTS))
    then.create_checkpoint()
    for path in (tmp_path / EVENTS / "_delta_log").glob("*.json"):
        path.unlink()  # As by a log that was shortened.
    snapshot = DeltaLake(place, 3).snapshot()
    assert (snapshot.positions, snapshot.seals()) == ({0: 5}, {0: 3})
    assert asked
