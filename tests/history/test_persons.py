"""Whose a row is, by the table `identity`: as of an instant and of positions, for everything that SQL asks."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from tactful.consent.permits import ConsentWrite
from tactful.events.derived import ref
from tactful.events.records import Score
from tactful.history.cells import Fragment, IdentityRow, PlanRow, Row, ZoneRow, zone_rows
from tactful.history.table import parquet, sorted_out
from tactful.language.check import check
from tactful.language.sql.engines import write
from tactful.language.sql.layout import SHARED, TABLES
from tactful.language.sql.query import ask
from tactful.language.sql.seeing import Seeing, Sees
from tactful.operations.evaluation.evaluate_lines import read_lines
from tests.history.rows import decided, rows
from tests.history.shop import NOON, call
from tests.queries import QUERIES

MINE = ("u:ada", 1)
ANON = ("a:x", 1)
HOUR_US = 3_600_000_000
BEGIN, MIDDLE = NOON - 4 * HOUR_US, NOON - 2 * HOUR_US


class Tables:
    """Rows by hand, each record at its own place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[Row] = [*zone_rows(["UTC"], 0, NOON)]
        self._position = 0

    def event(self, fragment: Fragment, at: int, number: int, partition: int = 0) -> None:
        """An event "A" with this number, and a trait of the same."""
        line = {**call("01T10:00:00", "A", {"n": number}), "userId": fragment[0]}
        (_, track), (_, identify) = read_lines([line, {**line, "type": "identify", "traits": {"n": number}}])
        for record in (track, identify):
            for row in rows(record, self._place(partition), fragment[1]):
                told = {"identifier": fragment[0], "timestamp": at, "received_at": at}
                for name, value in told.items():
                    setattr(row, name, value)
                self._rows.append(row)

    def score(self, fragment: Fragment, at: int, value: float) -> None:
        score = Score(1, "s", "server", fragment[0], "m", "churn", value, at)
        self._rows += rows(score, self._place(0), fragment[1])

    def decision(self, by: Fragment, covered: Sequence[Fragment], at: int, granted: bool, origin: str = "api") -> None:
        self._rows += decided(by, covered, "mail", ConsentWrite(granted, at, at, self._place(0), origin=origin))

    def came(self, fragment: Fragment, person: str, at: int, partition: int = 0, hop: int = 0) -> None:
        here = self._place(partition)
        row = IdentityRow(*fragment, person, at, here, here, "merge", hop or self._position, at)
        self._rows.append(row)

    def _place(self, partition: int) -> int:
        self._position += 1
        return ref(partition, self._position)

    def ask(self, text: str, at: int = NOON, refs: Mapping[str, int] | None = None, **more: Any) -> dict[str, Any]:
        """The answer for each person."""
        return self.ask_all([text], at, refs, **more)[text]

    def ask_all(
        self, texts: Iterable[str], at: int = NOON, refs: Mapping[str, int] | None = None, **more: Any
    ) -> dict[str, dict[str, Any]]:
        for row in self._rows:
            if not isinstance(row, ZoneRow | PlanRow):
                row.applied = getattr(row, "ref", 0)
        by_table = sorted_out(self._rows)
        for name in TABLES:
            (self._folder / name).write_bytes(parquet(name, by_table[name]))
        asked = ask({text: check(text, "value").tree for text in texts}, layout=SHARED, **more)
        with QUERIES.open({name: [self._folder / name] for name in TABLES}) as session:
            found = session.rows(write(asked.query, "duckdb").given({"t": at, **(refs or {})}))
        return {text: {row[0]: asked.values(row)[text] for row in found} for text in texts}


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


EVERY = {
    'sum("A", n)': ({"a:x": 3, "u:ada": 4}, {"u:ada": 7}),
    'count("A", where=profile.n == 2)': ({"a:x": 2, "u:ada": 0}, {"u:ada": 0}),
    'count("A", same=n)': ({"a:x": 1, "u:ada": 1}, {"u:ada": 1}),
    'distinct("A", n)': ({"a:x": 2, "u:ada": 1}, {"u:ada": 3}),
    'sequence("A", "A", "A")': ({"a:x": False, "u:ada": False}, {"u:ada": True}),
    "sessions()": ({"a:x": 2, "u:ada": 1}, {"u:ada": 3}),
    'active_days("A")': ({"a:x": 1, "u:ada": 1}, {"u:ada": 1}),
    'latest("A", n)': ({"a:x": 2, "u:ada": 4}, {"u:ada": 4}),
    "n": ({"a:x": 2, "u:ada": 4}, {"u:ada": 4}),
    'score("churn")': ({"a:x": 0.5, "u:ada": None}, {"u:ada": 0.5}),
}


def test_everything_goes_where_the_fragment_goes_and_not_before(tables: Tables) -> None:
    tables.event(ANON, BEGIN, 1)
    tables.event(ANON, BEGIN + HOUR_US, 2)
    tables.event(MINE, MIDDLE, 4)
    tables.score(ANON, MIDDLE, 0.5)
    tables.came(ANON, "u:ada", MIDDLE + HOUR_US)
    before, after = ({text: both[place] for text, both in EVERY.items()} for place in (0, 1))
    assert tables.ask_all(EVERY, MIDDLE) == tables.ask_all(EVERY, MIDDLE + HOUR_US - 1) == before
    assert tables.ask_all(EVERY, MIDDLE + HOUR_US) == tables.ask_all(EVERY) == after


def test_the_newest_owner_counts_and_every_period_is_by_itself(tables: Tables) -> None:
    for epoch, person in ((1, "u:ada"), (2, "u:bob")):
        tables.event(("a:x", epoch), BEGIN, epoch)
        tables.came(("a:x", epoch), person, BEGIN)
    tables.came(ANON, "u:amy", MIDDLE)
    tables.came(ANON, "a:x", NOON)
    assert tables.ask('sum("A", n)', BEGIN) == {"u:ada": 1, "u:bob": 2}
    assert tables.ask('sum("A", n)', MIDDLE) == {"u:amy": 1, "u:bob": 2}
    assert tables.ask('sum("A", n)', NOON) == {"a:x": 1, "u:bob": 2}


def test_of_one_instant_the_later_record_counts(tables: Tables) -> None:
    tables.event(ANON, BEGIN, 1)
    tables.came(ANON, "u:ada", MIDDLE)
    tables.came(ANON, "u:amy", MIDDLE)
    assert tables.ask('count("A")') == {"u:amy": 1}


@pytest.mark.parametrize("sees", ["known", "happened"])
def test_of_one_instant_counts_how_often_it_has_gone_over(tables: Tables, sees: Sees) -> None:
    """Places of different partitions say nothing of each other: where it went first may have the longer log."""
    tables.event(ANON, BEGIN, 1)
    tables.came(ANON, "u:amy", MIDDLE, partition=1, hop=2)
    tables.came(ANON, "u:ada", MIDDLE, partition=2, hop=1)
    assert tables.ask('count("A")', seeing=Seeing(sees)) == {"u:amy": 1}


def test_as_of_positions_what_is_not_read_yet_has_not_come(tables: Tables) -> None:
    tables.event(ANON, BEGIN, 1, partition=1)  # The positions 1 and 2.
    tables.came(ANON, "u:ada", BEGIN, partition=2)
    refs = {"ref_1": ref(1, 9), "ref_2": ref(2, 2)}
    assert tables.ask('count("A")', refs=refs, seeing=Seeing(partitions=[1, 2])) == {"a:x": 1}
    assert tables.ask('count("A")', refs=refs | {"ref_2": ref(2, 3)}, seeing=Seeing(partitions=[1, 2])) == {"u:ada": 1}


def test_where_nobody_is_tied_nobody_looks_and_the_answers_are_the_same(tables: Tables) -> None:
    tables.event(ANON, BEGIN, 1)
    tables.event(MINE, MIDDLE, 4)
    tables.decision(MINE, [MINE], MIDDLE, granted=True)
    texts = [*EVERY, 'consents("mail")']
    assert tables.ask_all(texts) == tables.ask_all(texts, has_ties=False)
    query = ask({text: check(text, "value").tree for text in texts}, layout=SHARED, has_ties=False).query
    read = {table.name for table in query.find_all(exp.Table)} & {*TABLES}
    assert read == {"events", "traits", "scores", "consents", "zones"}


# ---- consent ---------------------------------------------------------------------------------------------------------


BOTH, HERS, ITS = [MINE, ANON], [MINE], [ANON]
DECISIONS: Mapping[str, tuple[list[tuple[Any, ...]], bool, bool]] = {
    "nobody decided": ([], False, False),
    "a yes that covers both": ([(MINE, BOTH, True)], True, False),
    "a no that covers both": ([(MINE, BOTH, False)], False, False),
    "her own yes": ([(MINE, HERS, True)], True, False),
    "its own yes": ([(ANON, ITS, True)], True, True),
    "a no of one half before": ([(ANON, ITS, False), (MINE, HERS, True)], False, False),
    "a yes that covers an older no": ([(ANON, ITS, False), (MINE, BOTH, True)], True, False),
    "its own yes under a newer no": ([(ANON, ITS, True), (MINE, BOTH, False)], False, False),
    "its own yes after a no": ([(MINE, BOTH, False), (ANON, ITS, True)], False, True),
    "a no behind a newer yes of the same": ([(MINE, BOTH, False), (MINE, BOTH, True)], True, False),
    "the first by Global Privacy Control": ([(ANON, ITS, False, "gpc"), (ANON, ITS, True)], True, True),
    "one that comes again": (
        [(ANON, ITS, False, "gpc"), (ANON, ITS, True), (ANON, ITS, False, "gpc")],
        True,
        True,
    ),
}
"""What was decided while ada had both fragments (by, covered, granted, origin); whether she permits it with both of
them, and whether the anonymous id does once it is its own again."""


@pytest.mark.parametrize("about", DECISIONS)
def test_a_decision_covers_the_fragments_of_its_moment(tables: Tables, about: str) -> None:
    said, together, apart = DECISIONS[about]
    for fragment in BOTH:
        tables.event(fragment, BEGIN, 1)
    tables.came(ANON, "u:ada", BEGIN)
    for place, (by, covered, granted, *origin) in enumerate(said):
        tables.decision(by, covered, BEGIN + place + 1, granted, *origin)
    tables.came(ANON, "a:x", MIDDLE)
    assert tables.ask('consents("mail")', MIDDLE - 1) == {"u:ada": together}
    assert tables.ask('consents("mail")')["a:x"] is apart
