"""The facade over lake and tail: the same tables whatever stands where, known at or happened by, plans, batches."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tactful.history.buckets import Buckets
from tactful.history.lake import Broken, Loss, Maintained
from tactful.history.tail import Rest
from tactful.language.sql.layout import SHARED, Layout
from tactful.operations.history.opened import HAPPENED, History
from tactful.operations.history.terms import Terms
from tactful.values import DAY_US, parse_time
from tests.history.shop import call
from tests.history.test_queries import trees, written
from tests.queries import QUERIES

CALLS = [
    {
        **call(f"0{day}T10:00:00", "A", {"n": day}),
        "timestamp": f"2025-03-0{day}T10:00:00Z",
        "receivedAt": f"2025-03-0{day + late}T10:00:01Z",
    }
    for day, late in ((1, 0), (2, 3), (3, 0), (4, 0))
]


class Standing:
    """A lake of files that stand; and, as a tail, rows in memory."""

    def __init__(self, files: Mapping[str, Sequence[Path]], positions: Mapping[int, int]) -> None:
        self._files = files
        self.positions = positions
        self.layout: Layout = SHARED
        self.since_us: int | None = None
        self.losses: Sequence[Loss] = ()

    def snapshot(self) -> "Standing":
        return self

    def buckets(self, table: str) -> Buckets:
        return Buckets(1, 1)

    def source(self, table: str) -> Sequence[Path]:
        return self._files[table]

    def append(self, *_: object) -> None:
        raise AssertionError("what stands is not written to")

    wish = begin = mend = append

    def others(self, table: str, paths: Collection[str]) -> Sequence[Path]:
        raise AssertionError("nothing is broken")

    def damaged(self) -> Sequence[str]:
        return ()

    def broken(self) -> Sequence[Broken]:
        return ()

    def maintain(self, *_: object) -> Maintained:
        raise AssertionError("nor kept")

    def erase(self, identifiers: Sequence[str]) -> int:
        raise AssertionError("nor erased")

    def seals(self) -> Mapping[int, int]:
        return {}

    def demand(self, lake: object) -> None:
        """It is of nobody else."""

    def since(self, positions: Mapping[int, int], layout: Layout) -> Rest:
        assert (positions, layout) == ({1: 9}, self.layout)
        return Rest({name: pq.read_table(path) for name, (path,) in self._files.items()}, self.positions)


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    files = written(tmp_path, CALLS, 1)
    return Standing(files, {1: 9})


def asked(history: History, text: str, at: str, *more: Any) -> dict[str, Any]:
    at_us = parse_time(at)
    assert at_us is not None
    with history.open() as opened:
        return {person: values[text] for person, values in opened.ask(trees(text), at_us, *more)}


def test_known_at_looks_at_receipts_and_happened_by_at_what_happened(standing: Standing) -> None:
    history = History(standing, QUERIES)
    assert asked(history, 'sum("A", n)', "2025-03-03T12:00:00Z") == {"u:ada": 1 + 3}
    assert asked(history, 'sum("A", n)', "2025-03-05T12:00:00Z") == {"u:ada": 1 + 2 + 3 + 4}
    assert asked(history, 'sum("A", n)', "2025-03-03T12:00:00Z", HAPPENED) == {"u:ada": 1 + 2 + 3}
    assert asked(history, 'sum("A", n)', "2025-03-01T09:00:00Z", HAPPENED) == {}


def test_happened_by_waits_for_slow_sources(standing: Standing) -> None:
    slow = Terms(delays_us={"import": DAY_US})
    history = History(standing, QUERIES, terms=slow)
    assert asked(history, 'sum("A", n)', "2025-03-04T09:59:59Z", HAPPENED) == {"u:ada": 1 + 2}
    assert asked(history, 'sum("A", n)', "2025-03-04T10:00:00Z", HAPPENED) == {"u:ada": 1 + 2 + 3}
    others = History(standing, QUERIES, terms=Terms(delays_us={"other": DAY_US}))
    assert asked(others, 'sum("A", n)', "2025-03-04T10:00:00Z", HAPPENED) == {"u:ada": 1 + 2 + 3 + 4}


def test_positions_say_what_had_been_decided(standing: Standing) -> None:
    history = History(standing, QUERIES)
    assert asked(history, 'count("A")', "2025-03-09T00:00:00Z", "known", {1: 2}) == {"u:ada": 2}
    assert asked(history, 'count("A")', "2025-03-09T00:00:00Z", "known", {0: 9}) == {}


def test_the_tail_belongs_to_it(standing: Standing, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    more = [{**line, "userId": "bob"} for line in CALLS[:2]]
    tail = Standing(written(tmp_path / "more", more, 2), {1: 9, 2: 4})
    history = History(standing, QUERIES, tail)
    assert asked(history, 'count("A")', "2025-03-09T00:00:00Z") == {"u:ada": 4, "u:bob": 2}
    with history.open() as opened:
        assert opened.positions == {1: 9, 2: 4}
        assert not opened.has_ties
        assert opened.session.rows("SELECT count(*) FROM events")[0][0] == 6
