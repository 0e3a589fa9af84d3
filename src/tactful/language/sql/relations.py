"""The relations of one query, which grow as expressions ask of them.

`a` is the one pass over the events: a row for everybody who is known at T, with every aggregate that is a FILTER of it.
What needs the rows themselves (values that are alike, sequences, sessions, collections) reads `r`: the few events that
any of it looks at, each with what it matches. All the rest has a row for each person and is joined to `a`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Sql, column
from tactful.language.sql.layout import CONSENTS, EVENTS, SCORES, THRESHOLDS, TRAITS, Layout

ORDER = ("timestamp", "received_at", "ref")
RECEIPT = ORDER[1:]
Shared = TypeVar("Shared")
REFS = 1024
"""A ref is position * 1024 + partition (events/derived.py)."""


class Match(Struct, frozen=True):
    """Which events are meant. `cheap` (names and windows) is looked at first, since `where` may be dear."""

    cheap: Sql
    where: Sql = build.TRUE

    @property
    def whole(self) -> Sql:
        return build.when(self.cheap, self.where, build.FALSE) if self.where != build.TRUE else self.cheap

    def then(self, value: Sql) -> Sql:
        """The value of events that match."""
        return build.when(self.whole, value)


class Gathered:
    """Aggregates over one table, by person (or of all: `by` is empty), as columns of the relation `name`."""

    def __init__(self, name: str, *by: str) -> None:
        self.name = name
        self.by = by
        self._columns: dict[str, tuple[str, Callable[[], Sql]]] = {}
        self._rows: dict[str, Callable[[Sql], Sql]] = {}

    @property
    def is_used(self) -> bool:
        return bool(self._columns)

    def add(self, aggregate: Sql) -> Sql:
        """A column; the same one for the same aggregate."""
        return self._named(aggregate.sql(), lambda: aggregate)

    def row(self, order: Sequence[Sql], condition: Sql, *, is_first: bool = False) -> Callable[[Sql], Sql]:
        """The last (or first) row in an order that meets the condition: what gives its values, null without one."""
        key = f"{is_first} {condition.sql()} {[one.sql() for one in order]}"
        if key not in self._rows:
            fields: dict[str, tuple[str, Sql]] = {}
            pick = build.at_least if is_first else build.at_greatest
            rank = build.struct({f"o{place}": one for place, one in enumerate(order)})
            found = self._named(key, lambda: pick(build.struct(dict(fields.values())), rank, condition))

            def carry(value: Sql) -> Sql:
                name, _ = fields.setdefault(value.sql(), (f"f{len(fields)}", value))
                return build.field(found, name)

            carry(build.TRUE)
            self._rows[key] = carry
        return self._rows[key]

    def _named(self, key: str, write: Callable[[], Sql]) -> Sql:
        name, _ = self._columns.setdefault(key, (f"{self.name}{len(self._columns)}", write))
        return column(self.name, name)

    def select(self, table: str, alias: str, where: Sql) -> exp.Select:
        by = {name: column(alias, name) for name in self.by}
        found = {name: write() for name, write in self._columns.values()}
        return build.select({**by, **found}, (table, alias), where, list(by.values()))


class Rows:
    """The relation `r`: the events that any of the masks matches."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[str, Sql]] = {}
        self._masks: dict[str, Sql] = {}
        self._cheap: list[Sql] = []

    @property
    def is_used(self) -> bool:
        return bool(self._masks)

    def add(self, value: Sql) -> Sql:
        name, _ = self._columns.setdefault(value.sql(), (f"r{len(self._columns)}", value))
        return column("r", name)

    def mask(self, match: Match) -> Sql:
        """Whether the row is one of these events; it is in `r` for that."""
        found = self.add(match.whole)
        self._masks.setdefault(found.sql(), found)
        self._cheap.append(match.cheap)
        return found

    def select(self, where: Sql) -> exp.Select:
        kept = {name: column("e", name) for name in ("person", *ORDER)}
        found = {**kept, **dict(self._columns.values())}
        return build.select(found, (EVENTS, "e"), build.both(where, build.either(*self._cheap)))

    def matching(self, inner: exp.Select) -> exp.Select:
        """Of what select() gives, the rows that are meant."""
        mine = {name: column("r", name) for name in inner.named_selects}
        return build.select(mine, (inner, "r"), build.either(*self._masks.values()))


class Query:
    """Everything that the expressions of one query ask for. Relations are written when all have asked."""

    def __init__(self, layout: Layout, time_zone: str, partitions: Sequence[int] | None = None) -> None:
        self.own: Mapping[str, Sql] = {path: column("e", "own", path) for path in layout.own}
        self.time_zone = time_zone
        self.events = Gathered("a", "person")
        self.traits = Gathered("t", "person")
        self.scores = Gathered("s", "person")
        self.consents = Gathered("c", "person")
        self.thresholds = Gathered("h")
        self.rows = Rows()
        self.has_profile = False
        """Whether where= or a value asks for traits, so that the rows of events need them."""
        self._partitions = partitions
        self._others: dict[str, tuple[str, Callable[[], exp.Select]]] = {}
        self._joined: list[str] = []
        self._shared: dict[str, Any] = {}

    def relation(self, key: str, write: Callable[[str], exp.Select], *, is_joined: bool = True) -> str:
        """The name of a relation beside these, the same for the same key; `write` is given it. What it reads must have
        been asked for before. `is_joined`: by person, to be read at the end."""
        if key not in self._others:
            name = f"x{len(self._others)}"
            self._others[key] = (name, lambda: write(name))
            if is_joined:
                self._joined.append(name)
        return self._others[key][0]

    def shared(self, key: str, make: Callable[[], Shared]) -> Shared:
        """Made once for the same key."""
        if key not in self._shared:
            self._shared[key] = make()
        found: Shared = self._shared[key]
        return found

    def select(self, columns: Mapping[str, Sql]) -> exp.Select:
        """The whole query: a row for everybody who is known, with `person` and these columns."""
        # From the end to the beginning, since writing one relation may ask for columns of those before.
        others = [(name, write()) for name, write in reversed(self._others.values())][::-1]
        tables = [
            (self.scores, SCORES),
            (self.consents, CONSENTS),
            (self.thresholds, THRESHOLDS),
            (self.traits, TRAITS),
        ]
        rows = self.rows.select(self._visible("e")) if self.rows.is_used else None
        events = self.events.select(EVENTS, "e", self._visible("e"))
        small = [(one.name, one.select(table, "w", self._visible("w"))) for one, table in tables if one.is_used]
        if self.has_profile:
            for query in (events, rows):
                if query is not None:
                    build.joined_by(query, "t", _same_person("e", "t"))
        held = [*small, ("a", events), *([("r", self.rows.matching(rows))] if rows is not None else []), *others]
        found = build.select({"person": column("a", "person"), **columns}, "a")
        for name in [one.name for one, _ in tables if one.is_used and one.by] + self._joined:
            build.joined_by(found, name, _same_person("a", name))
        if self.thresholds.is_used:
            found.join("h", join_type="cross", copy=False)
        for name, query in held:
            found.with_(name, as_=query, materialized=True if name == "r" else None, copy=False)
        return found

    def _visible(self, table: str) -> Sql:
        """What was received up to T, and stands in the logs up to a position where positions are given."""
        received = build.compared("<=", column(table, "received_at"), build.T)
        if self._partitions is None:
            return received
        ref = column(table, "ref")
        places = [
            build.both(
                build.compared("==", build.calculated("%", ref, build.whole(REFS)), build.whole(partition)),
                build.compared("<=", ref, exp.Placeholder(this=f"ref_{partition}")),
            )
            for partition in self._partitions
        ]
        return build.both(received, build.either(*places))


def _same_person(one: str, other: str) -> Sql:
    return build.compared("==", column(one, "person"), column(other, "person"))
