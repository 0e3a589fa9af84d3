"""Which rows count at T: what was known then, or what had happened by then (docs/history.md).

*Known at*: what was received up to T, and where positions are given, decided up to them: what the engine itself could
say. *Happened by*: what happened up to T and had, after its source's delay, come in by T, whenever it really came in.
Ties too, so that nothing later says who somebody was (of what has no source the greatest delay counts). What does not
happen but is told (scores, thresholds, entries) counts from its receipt on, and so is whoever is known by it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct
from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.layout import CONSENTS, EVENTS, IDENTITY, THRESHOLDS, TOLD, TRAITS

Sees = Literal["known", "happened"]
PLACE = "applied"
REFS = 1024
"""A ref is position * 1024 + partition (events/derived.py)."""
_TYING = ("tie", "unmerge")
"""Kinds of rows of events that say whose something is, as rows of the table `identity` do."""


class Seeing(Struct, frozen=True):
    sees: Sees = "known"
    partitions: Sequence[int] | None = None
    """Those of which positions will be given; records of others do not count then. None: no positions."""
    delays_us: Mapping[str, int] = {}
    """By source, of what had happened."""
    delay_us: int = 0
    """Of all other sources."""

    among: Sequence[str] | None = None
    """Only rows that entered at these identifiers; None: everybody's."""

    def visible(self, alias: str, table: str = EVENTS) -> Sql:
        """Of a row of one of layout.TABLES."""
        return build.both(self._is_meant(alias, table), self._in_time(alias, table))

    def whose(self, names: Sequence[str] = ("person",)) -> Select:
        """The relation (identifier, epoch, ...) of whose each fragment is that ever went to somebody: columns of the
        table `identity`, of the newest row that counts."""
        order = build.struct({name: column("w", name) for name in ("received_at", "hop", "ref")})
        by = {name: column("w", name) for name in ("identifier", "epoch")}
        if self.sees == "known":
            held = {name: build.at_greatest(column("w", name), order) for name in names}
            return build.select({**by, **held}, (IDENTITY, "w"), self.visible("w", IDENTITY), [*by.values()])
        kept = ("epoch", *dict.fromkeys(("person", "cause", *names)))
        newest = build.struct({name: column("w", name) for name in kept})
        found = build.at_greatest(newest, order, self._in_time("w", IDENTITY))
        each = build.select({**by, "found": found}, (IDENTITY, "w"), self._is_meant("w", IDENTITY), [*by.values()])
        return _begun(each, names)

    def _is_meant(self, alias: str, table: str) -> Sql:
        is_theirs = build.TRUE
        if self.among is not None and table != THRESHOLDS:
            is_theirs = build.one_of(column(alias, "identifier"), self.among)
        return build.both(is_theirs, self._up_to(alias))

    def _in_time(self, alias: str, table: str) -> Sql:
        if self.sees == "known" or table not in (EVENTS, TRAITS, CONSENTS, IDENTITY):
            return build.compared("<=", column(alias, "received_at"), build.T)
        at = column(alias, "timestamp")
        happened = build.compared("<=", at, build.T)
        delays = {name: delay for name, delay in sorted(self.delays_us.items()) if delay != self.delay_us}
        if not delays and not self.delay_us:
            return happened
        longest = build.whole(max(self.delay_us, *delays.values(), 0))
        delay: Sql = longest
        if table != IDENTITY:
            delay = build.whole(self.delay_us)
            for name, us in delays.items():
                is_its = build.compared("==", column(alias, "source"), build.text(name))
                delay = build.when(is_its, build.whole(us), delay)
        if table == EVENTS:
            kind = column(alias, "kind")
            delay = build.when(build.one_of(kind, _TYING), longest, delay)
            delay = build.when(build.one_of(kind, TOLD), build.whole(0), delay)
        return build.both(happened, build.compared("<=", build.calculated("+", at, delay), build.T))

    def _up_to(self, alias: str) -> Sql:
        if self.partitions is None:
            return build.TRUE
        place = column(alias, PLACE)
        return build.either(
            *(
                build.both(
                    build.compared("==", build.calculated("%", place, build.whole(REFS)), build.whole(partition)),
                    build.compared("<=", place, exp.Placeholder(this=f"ref_{partition}")),
                )
                for partition in self.partitions
            )
        )


def _begun(each: Select, names: Sequence[str]) -> Select:
    """By what had happened, a period that has not begun yet is none: what came in late, from before it, is theirs who
    have the period before it. Of a period in which nothing came it is only known to whom the device had moved, who may
    be somebody else's by now."""
    mine = {name: column("q", name) for name in ("identifier", "epoch")}
    so_far = build.over(build.greatest(column("q", "found")), [mine["identifier"]], [mine["epoch"]], "so far")
    begun = build.select({**mine, "found": so_far}, (each, "q"))
    person = build.field(column("q", "found"), "person")
    last = build.at_greatest(person, mine["epoch"], build.is_there(person))
    whose = build.select({"identifier": mine["identifier"], "person": last}, (begun.copy(), "q"))
    whose.set("group", exp.Group(expressions=[mine["identifier"]]))
    is_moved = build.compared("==", build.field(column("q", "found"), "cause"), build.text("moved"))
    held = {name: build.field(column("q", "found"), name) for name in names}
    held["person"] = build.when(is_moved, build.coalesced(column("o", "person"), person), person)
    found = build.select({**mine, **held}, (begun, "q"))
    return build.joined_by(found, (whose, "o"), build.compared("==", person, column("o", "identifier")))


KNOWN = Seeing()
