"""The history, to be asked: the lake and what it has not yet, as one set of tables, as of any instant.

    with history.open() as opened:
        for person, values in opened.ask({"many": tree}, at_us):
            ...

Everything is asked of one moment's snapshot, however long it stays open. Beside the expressions of the language, plain
SQL may be asked of the tables of docs/history.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct
from sqlglot import exp

from tactful.errors import UsageError
from tactful.events.derived import ref
from tactful.events.records import Publish
from tactful.history.lake import Lake, Loss
from tactful.history.queries import Queries, Session
from tactful.history.tail import Rest, Tail
from tactful.history.timezones import zone_table
from tactful.language.sql.engines import write
from tactful.language.sql.layout import EVENTS, IDENTITY, TABLES, ZONES, Engine, Layout
from tactful.language.sql.query import Asked, ask
from tactful.language.sql.seeing import Seeing, Sees
from tactful.language.tree import Node
from tactful.operations.history.terms import Terms
from tactful.values import format_time

KNOWN: Sees = "known"
"""What was received by then (DESIGN 5)."""
HAPPENED: Sees = "happened"
"""What happened by then, and had come in after its source's delay."""
Answered = tuple[str, dict[str, Any]]
"""A person, and by the expression's name the value: of the language, None for missing."""
_json = msgspec.json.Decoder(dict[str, str])


class PlanThen(Struct, frozen=True):
    """A plan that was in force."""

    version: int
    published_at: int
    publish: Publish


class History:
    """`terms` of the plan in force now; a question may have others."""

    def __init__(self, lake: Lake, queries: Queries, tail: Tail | None = None, terms: Terms | None = None) -> None:
        self._lake = lake
        self._queries = queries
        self._tail = tail
        self._terms = terms or Terms()
        self._sessions: list[Session] = []
        self._is_broken_off = False

    def break_off(self) -> None:
        """From any thread: who asks it gets TransientError soon, now and later."""
        self._is_broken_off = True
        for session in tuple(self._sessions):
            session.break_off()

    @contextmanager
    def open(self, *, with_tail: bool = True) -> Iterator["Opened"]:
        """Raises TransientError, as all that is asked then, where memory or a disk does not suffice."""
        snapshot = self._lake.snapshot()
        tail = self._tail if with_tail else None
        if tail is not None:
            tail.demand(snapshot)
        rest = tail.since(snapshot.positions, snapshot.layout) if tail is not None else Rest()
        sources = {name: snapshot.source(name) for name in TABLES}
        with self._queries.open(sources, rest.tables) as session:
            positions = {**snapshot.positions, **rest.positions}
            self._sessions.append(session)
            if self._is_broken_off:
                session.break_off()
            held = snapshot.layout, positions, self._terms, snapshot.since_us, snapshot.losses
            try:
                yield Opened(session, self._queries, *held)
            finally:
                self._sessions.remove(session)


class Opened:
    """The history up to `positions` of the partitions."""

    def __init__(
        self,
        session: Session,
        queries: Queries,
        layout: Layout,
        positions: Mapping[int, int],
        terms: Terms,
        since_us: int | None = None,
        losses: Sequence[Loss] = (),
    ) -> None:
        self.session = session
        """For SQL by hand over all tables."""
        self.layout = layout
        self.positions = positions
        self.terms = terms
        self.has_ties = session.rows(f"SELECT 1 FROM {IDENTITY} LIMIT 1") != []
        """Whether anybody was ever tied to anybody."""
        self._queries = queries
        self.since_us = since_us
        """From when on it has everything; None: from the start."""
        self.losses = losses
        """What is missing all the same."""
        self._knows_zones = False

    @property
    def engine(self) -> Engine:
        """Whose SQL the session takes."""
        return self._queries.engine

    def ask(
        self,
        expressions: Mapping[str, Node],
        at_us: int,
        sees: Sees = KNOWN,
        positions: Mapping[int, int] | None = None,
        terms: Terms | None = None,
        among: Sequence[str] | None = None,
    ) -> Iterator[Answered]:
        """Everybody who is known at the instant, in no order, with what the expressions are for them. With `positions`
        only what the partitions had decided up to there; partitions that are not named had decided nothing. With
        `among` only what entered at these identifiers: right for whom they are all that there is of a person."""
        query, asked = self.written(expressions, at_us, sees, positions, terms, among=among)
        for row in self.session.rows(query):
            yield row[0], asked.values(row)

    def written(
        self,
        expressions: Mapping[str, Node],
        at_us: int,
        sees: Sees = KNOWN,
        positions: Mapping[int, int] | None = None,
        terms: Terms | None = None,
        kinds: Mapping[str, str] | None = None,
        among: Sequence[str] | None = None,
    ) -> tuple[str, Asked]:
        """What ask() asks: the SQL, and what its columns mean; to be put into other SQL (`SELECT .. FROM (..)`). Its
        first column is `person`, those of `asked.columns` are called v0, v1, ..., by their place less one. `kinds`: of
        these expressions one column of this kind (language/types.py), times and durations as microseconds."""
        mine = terms or self.terms
        partitions = None if positions is None else sorted(positions)
        asked = ask(
            expressions,
            layout=self.layout,
            time_zone=mine.time_zone,
            seeing=Seeing(sees, partitions, mine.delays_us, mine.delay_us, among),
            has_ties=self.has_ties,
            defaults=mine.defaults,
            rules=mine.rules,
            kinds=kinds,
        )
        self._know_zones(asked.query)
        refs = {f"ref_{one}": ref(one, position) for one, position in (positions or {}).items()}
        return write(asked.query, self._queries.engine).given({"t": at_us, **refs}), asked

    def visible(self, table: str, at_us: int, sees: Sees = KNOWN, terms: Terms | None = None, alias: str = "w") -> str:
        """SQL: whether a row of a table, which the query calls `alias`, counts at an instant."""
        mine = terms or self.terms
        seeing = Seeing(sees, None, mine.delays_us, mine.delay_us)
        return write(seeing.visible(alias, table), self._queries.engine).given({"t": at_us})

    def whose(self, at_us: int, sees: Sees = KNOWN, terms: Terms | None = None) -> str:
        """SQL: the relation (identifier, epoch, person) of fragments that ever went to somebody, as of an instant."""
        mine = terms or self.terms
        seeing = Seeing(sees, None, mine.delays_us, mine.delay_us)
        return write(seeing.whose(), self._queries.engine).given({"t": at_us})

    def _know_zones(self, query: exp.Expression) -> None:
        """Where local time is asked for, it is by the tzdata of this program, as live: laid out when it is needed."""
        if not self._knows_zones and any(table.name == ZONES for table in query.find_all(exp.Table)):
            self.session.lay(ZONES, zone_table())
            self._knows_zones = True

    def first_us(self, sees: Sees = KNOWN) -> int | None:
        """When the first of anybody was received, or happened; None: nothing is known of anybody."""
        ((first_us,),) = self.session.rows(
            f"SELECT min({'received_at' if sees == KNOWN else 'timestamp'}) FROM {EVENTS}"
        )
        found: int | None = first_us
        return found

    def plan_at(self, at_us: int) -> PlanThen | None:
        """The plan that was in force at an instant; None before the first. Raises UsageError of an instant before the
        lake began anew, of which it knows too little."""
        if self.since_us is not None and at_us < self.since_us:
            raise UsageError(
                f"the lake begins at {format_time(self.since_us)}, anew: what was before, at {format_time(at_us)} for "
                "instance, is in no lake any more (docs/lake.md)"
            )
        rows = self.session.rows(
            "SELECT version, published_at, received_at, author, files, settings FROM plans"
            f" WHERE files IS NOT NULL AND published_at <= {at_us} ORDER BY published_at DESC, version DESC LIMIT 1"
        )
        for version, published_at, received_at, author, files, settings in rows:
            publish = Publish(received_at, _json.decode(files), _json.decode(settings), author)
            return PlanThen(version, published_at, publish)
        return None
