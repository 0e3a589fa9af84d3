"""Sequences in SQL (LANGUAGE.md 7): one look at the rows in event order for each positive step, no joins.

Every row that can be step i carries the time of the first step of the best chain that ends there: the latest that
allows it, since within= is measured from there, and a later first step bars nothing that an earlier one allows. The
first steps that come into question for last= and for a `not` at the end are known before. A chain may be taken up by a
row only where no absent event stands strictly between; so chains carry how many such events stood up to their end, and
must be found with as many before the row.
"""

from collections.abc import Sequence as Several
from itertools import count

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.events import match
from tactful.language.sql.relations import ORDER, Query
from tactful.language.sql.values import Scalar, Value
from tactful.language.tree import Sequence, Step, Window
from tactful.language.types import BOOLEAN

_KEPT = ("person", *ORDER)


def sequence(query: Query, node: Sequence) -> Value:
    window = None if node.last_us is None else Window(node.last_us)
    masks = [query.rows.mask(match(query, step.events, step.where, window)) for step in node.steps]
    steps = [(step.is_absent, mask.sql()) for step, mask in zip(node.steps, masks, strict=True)]
    key = f"sequence {steps} {node.within_us}"
    name = query.relation(key, lambda _: _Chain(node, masks).select())
    return Scalar(BOOLEAN, build.surely(column(name, "holds")), is_sure=True)


class _Chain:
    """Subqueries, each over the one before with some columns more."""

    def __init__(self, node: Sequence, masks: Several[Sql]) -> None:
        self._within_us = node.within_us
        self._positives: list[Sql] = []
        self._between: list[Sql] = []
        """Absent events before each positive step but the first, and behind the last."""
        for step, mask in zip(node.steps, masks, strict=True):
            self._take(step, mask)
        every = build.either(*masks)
        self._columns: list[str] = list(_KEPT)
        self._select = build.select({name: column("r", name) for name in _KEPT}, "r", every)
        self._numbers = count()
        self._masks = [self._bring(mask) for mask in (*self._positives, *self._between)]

    def _take(self, step: Step, mask: Sql) -> None:
        if not step.is_absent:
            self._positives.append(mask)
            self._between.append(build.FALSE)
        else:
            self._between[-1] = build.either(self._between[-1], mask)

    def _bring(self, mask: Sql) -> Sql:
        """A column of `r`, as a column of the first subquery."""
        name = f"m{next(self._numbers)}"
        self._select.select(exp.alias_(mask, name, quoted=True, copy=False), copy=False)
        self._columns.append(name)
        return column("q", name)

    def _add(self, value: Sql) -> Sql:
        """A column, computed over the subquery so far."""
        name = f"m{next(self._numbers)}"
        before = {kept: column("q", kept) for kept in self._columns}
        self._select = build.select({**before, name: value}, (self._select, "q"))
        self._columns.append(name)
        return column("q", name)

    def select(self) -> Select:
        positives, absents = self._masks[: len(self._positives)], self._masks[len(self._positives) :]
        at = column("q", "timestamp")
        is_first = positives[0]
        has_end = self._between[-1] != build.FALSE
        if has_end and self._within_us is not None:
            waited = build.compared("<=", at, build.calculated("-", build.T, build.whole(self._within_us)))
            is_first = build.both(is_first, waited)
        best = self._add(build.when(is_first, at))
        for place in range(1, len(positives)):
            best = self._step(best, positives[place], absents[place - 1], self._between[place - 1] != build.FALSE)
        ends = build.is_there(best)
        if has_end:
            later = self._add(_over(build.total(_one(absents[-1])), "after"))
            ends = build.both(ends, build.compared("==", build.coalesced(later, build.whole(0)), build.whole(0)))
        person = column("q", "person")
        holds = exp.LogicalOr(this=ends)
        return build.select({"person": person, "holds": holds}, (self._select, "q"), by=[person])

    def _step(self, best: Sql, is_step: Sql, is_absent: Sql, has_absent: bool) -> Sql:
        """The best chain that this row continues as the next step."""
        if not has_absent:
            begun = self._add(_over(build.greatest(best), "before"))
        else:
            seen = self._add(_over(build.total(_one(is_absent)), "so far"))
            carried = build.when(build.is_there(best), build.struct({"seen": seen, "begun": best}))
            newest = self._add(_over(build.greatest(carried), "before"))
            is_free = build.compared("==", build.field(newest, "seen"), build.calculated("-", seen, _one(is_absent)))
            begun = self._add(build.when(is_free, build.field(newest, "begun")))
        is_next = build.both(is_step, build.is_there(begun))
        if self._within_us is not None:
            end = build.calculated("+", begun, build.whole(self._within_us))
            is_next = build.both(is_next, build.compared("<", column("q", "timestamp"), end))
        return self._add(build.when(is_next, begun))


def _one(mask: Sql) -> Sql:
    return build.when(mask, build.whole(1), build.whole(0))


def _over(aggregate: Sql, frame: build.Frame) -> Sql:
    return build.over(aggregate, [column("q", "person")], [column("q", name) for name in ORDER], frame)
