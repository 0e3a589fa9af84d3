"""The relations of one query, which grow as expressions ask of them.

`p` says whose each fragment is at T, where identifiers are tied: the newest row of the table `identity`; without one a
fragment is its own identifier's. Every other relation is by person.

`a` is the one pass over the events: a row for everybody who is known at T, with every aggregate that is a FILTER of it.
What needs the rows themselves (values that are alike, sequences, sessions, collections) reads `r`: the few events that
any of it looks at, each with what it matches. All the rest has a row for each person and is joined to `a`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Sql, column
from tactful.language.sql.layout import EVENTS, SCORES, THRESHOLDS, TRAITS, Layout
from tactful.language.sql.seeing import KNOWN, Seeing
from tactful.language.vocabulary import NO_RULES, TraitRules

ORDER = ("timestamp", "received_at", "ref")
RECEIPT = ORDER[1:]
FRAGMENT = ("identifier", "epoch")
Shared = TypeVar("Shared")


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
    """Aggregates over rows, by person or of all, as columns of the relation `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
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

    def select(self, table: str, alias: str, where: Sql, person: Sql | None = None) -> exp.Select:
        """`person` of a row; without it all rows are taken together."""
        by = {} if person is None else {"person": person}
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

    def select(self, person: Sql, where: Sql) -> exp.Select:
        kept = {name: column("e", name) for name in ORDER}
        found = {"person": person, **kept, **dict(self._columns.values())}
        return build.select(found, (EVENTS, "e"), build.both(where, build.either(*self._cheap)))

    def matching(self, inner: exp.Select, read: Collection[str]) -> exp.Select:
        """Of what select() gives, the rows that are meant, with the columns that somebody reads: an engine that holds a
        relation holds all of it."""
        mine = {name: column("r", name) for name in inner.named_selects if name in read}
        return build.select(mine, (inner, "r"), build.either(*self._masks.values()))


class Query:
    """Everything that the expressions of one query ask for. Relations are written when all have asked."""

    def __init__(
        self,
        layout: Layout,
        time_zone: str,
        seeing: Seeing = KNOWN,
        *,
        has_ties: bool = True,
        rules: TraitRules = NO_RULES,
    ) -> None:
        self.own: Mapping[str, Sql] = {path: column("e", "own", path) for path in layout.own}
        self.time_zone = time_zone
        self.events = Gathered("a")
        self.traits = Gathered("t")
        self.scores = Gathered("s")
        self.thresholds = Gathered("h")
        self.rows = Rows()
        self.has_profile = False
        """Whether where= or a value asks for traits, so that the rows of events need them."""
        self.has_ties = has_ties
        self.rules = rules
        """Of traits."""
        self.has_order = False
        """Whether it is asked in which order the fragments of a person came: `p` has `applied` and `place` then."""
        self._seeing = seeing
        self._of_person: dict[str, tuple[str, Callable[[str], exp.Select]]] = {}
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

    def of_person(self, key: str, write: Callable[[str], exp.Select]) -> str:
        """The name of a relation by person that rows of events may ask for, as they may for `t`."""
        name, _ = self._of_person.setdefault(key, (f"u{len(self._of_person)}", write))
        return name

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
        person = self.person("e")
        rows = [self.owned(self.rows.select(person, self.visible("e")), "e")] if self.rows.is_used else []
        events = self.owned(self.events.select(EVENTS, "e", self.visible("e"), person), "e")
        unions = [(name, write(name)) for name, write in self._of_person.values()]
        if self.has_profile:
            traits = ["t"] if self.traits.is_used else []
            for name in (*traits, *(name for name, _ in unions)):
                for query in (events, *rows):
                    build.joined_by(query, name, build.compared("==", person, column(name, "person")))
        small = [
            (one.name, self.owned(one.select(table, "w", self.visible("w", table), self.person("w")), "w"))
            for one, table in ((self.scores, SCORES), (self.traits, TRAITS))
            if one.is_used
        ] + unions
        found = build.select({"person": column("a", "person"), **columns}, "a")
        for name in [name for name, _ in small] + self._joined:
            build.joined_by(found, name, build.compared("==", column("a", "person"), column(name, "person")))
        if self.thresholds.is_used:
            found.join("h", join_type="cross", copy=False)
            small.append(("h", self.thresholds.select(THRESHOLDS, "w", self.visible("w", THRESHOLDS))))
        first = [("p", self._persons())] if self.has_ties else []
        # What several read is worked out once, and what one reads need not be held.
        readers = sum(table.name == "r" for _, query in others for table in query.find_all(exp.Table))
        read = {one.name for _, query in others for one in query.find_all(exp.Column) if one.table == "r"}
        held = {"p", "r"} if readers > 1 else {"p"}
        for name, query in [
            *first,
            *small,
            ("a", events),
            *[("r", self.rows.matching(one, read)) for one in rows],
            *others,
        ]:
            found.with_(name, as_=query, materialized=True if name in held else None, copy=False)
        return found

    # ---- whose ------------------------------------------------------------------------------------------------------

    def person(self, table: str, owner: str = "p", fragment: Sequence[str] = FRAGMENT) -> Sql:
        """Whose a row is at T, in a query that owned() has completed."""
        own = column(table, fragment[0])
        return build.coalesced(column(owner, "person"), own) if self.has_ties else own

    def owned(self, query: exp.Select, table: str, owner: str = "p", fragment: Sequence[str] = FRAGMENT) -> exp.Select:
        """The query, with whose the fragments of this table are."""
        if not self.has_ties:
            return query
        same = [
            build.compared("==", column(table, mine), column(owner, name))
            for mine, name in zip(fragment, FRAGMENT, strict=True)
        ]
        return build.joined_by(query, ("p", owner), build.both(*same))

    def _persons(self) -> exp.Select:
        return self._seeing.whose(("person", "applied", "place") if self.has_order else ("person",))

    def visible(self, alias: str, table: str = EVENTS) -> Sql:
        """Whether a row of a table counts."""
        return self._seeing.visible(alias, table)
