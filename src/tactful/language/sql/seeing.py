"""Which rows count at T: what was known then, or what had happened by then (docs/history.md).

*Known at*: what was received up to T, and where positions are given, decided up to them: what the engine itself could
say. *Happened by*: what happened up to T and had, after its source's delay, come in by T, whenever it really came in.
Ties too, so that nothing later says who somebody was (of what has no source the greatest delay counts). What does not
happen but is told (scores, thresholds) counts from its receipt on.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct
from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Sql, column
from tactful.language.sql.layout import CONSENTS, EVENTS, IDENTITY, THRESHOLDS, TRAITS

Sees = Literal["known", "happened"]
PLACE = "applied"
REFS = 1024
"""A ref is position * 1024 + partition (events/derived.py)."""


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
        is_theirs = build.TRUE
        if self.among is not None and table != THRESHOLDS:
            is_theirs = build.one_of(column(alias, "identifier"), self.among)
        return build.both(is_theirs, self._in_time(alias, table), self._up_to(alias))

    def _in_time(self, alias: str, table: str) -> Sql:
        if self.sees == "known" or table not in (EVENTS, TRAITS, CONSENTS, IDENTITY):
            return build.compared("<=", column(alias, "received_at"), build.T)
        at = column(alias, "timestamp")
        happened = build.compared("<=", at, build.T)
        delays = {name: delay for name, delay in sorted(self.delays_us.items()) if delay != self.delay_us}
        if not delays and not self.delay_us:
            return happened
        delay = build.whole(max(self.delay_us, *delays.values(), 0))
        if table != IDENTITY:
            delay = build.whole(self.delay_us)
            for name, us in delays.items():
                is_its = build.compared("==", column(alias, "source"), build.text(name))
                delay = build.when(is_its, build.whole(us), delay)
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


KNOWN = Seeing()
