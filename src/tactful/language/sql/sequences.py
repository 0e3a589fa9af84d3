"""Sequences in SQL (LANGUAGE.md 7): one look at the rows in event order for each positive step, no joins.

Every row that can be step i carries the time of the first step of the best chain that ends there: the latest that
allows it, since within= is measured from there, and a later first step bars nothing that an earlier one allows. The
first steps that come into question for last= and for a `not` at the end are known before. A chain may be taken up by a
row only where no absent event stands strictly between; so chains carry how many such events stood up to their end, and
must be found with as many before the row.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Several

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Sql, column
from tactful.language.sql.events import match
from tactful.language.sql.relations import ORDER, Query
from tactful.language.sql.values import Scalar, Value
from tactful.language.tree import Sequence, Window
from tactful.language.types import BOOLEAN

_KEPT = ("person", *ORDER)


def sequence(query: Query, node: Sequence) -> Value:
    window = None if node.last_us is None else Window(node.last_us)
    masks = [query.rows.mask(match(query, step.events, step.where, window)) for step in node.steps]
    steps = [(step.is_absent, mask.sql()) for step, mask in zip(node.steps, masks, strict=True)]
    chain = query.shared(f"sequence {steps} {node.within_us}", lambda: _Chain(query, node, masks))
    return Scalar(BOOLEAN, build.surely(column(chain.name, "holds")), is_sure=True)


class _Chain:
    """Relations, each the one before with a few columns more; `name` is that of the answer, by person."""

    def __init__(self, query: Query, node: Sequence, masks: Several[Sql]) -> None:
        self._query = query
        self._within_us = node.within_us
        positives: list[Sql] = []
        absents: list[Sql] = []
        """Of each positive step what must not come behind it, before the next."""
        for step, mask in zip(node.steps, masks, strict=True):
            if step.is_absent:
                absents[-1] = build.either(absents[-1], mask)
            else:
                positives.append(mask)
                absents.append(build.FALSE)
        self._last = "r"
        self._columns: list[str] = list(_KEPT)
        self._is_chosen = build.either(*masks)
        self._write(positives, absents)

    def _write(self, positives: Several[Sql], absents: Several[Sql]) -> None:
        count = len(positives)
        self._add({f"p{place}": mask for place, mask in enumerate(positives)} | _named("n", absents))
        self._is_chosen = build.TRUE
        begins = self._mine("p0")
        if "n" + str(count - 1) in self._columns and self._within_us is not None:
            waited = build.calculated("-", build.T, build.whole(self._within_us))
            begins = build.both(begins, build.compared("<=", self._mine("timestamp"), waited))
        every = range(count - 1)
        seen = {
            f"s{place}": self._over(build.total(self._one(place)), "so far") for place in every if self._bars(place)
        }
        later = {"later": self._over(build.total(self._one(count - 1)), "after")} if self._bars(count - 1) else {}
        self._add({**seen, **later, "b0": build.when(begins, self._mine("timestamp"))})
        best = self._mine("b0")
        for place in range(1, count):
            best = self._step(place, best)
        ends = build.is_there(best)
        if later:
            none = build.compared("==", build.coalesced(self._mine("later"), build.whole(0)), build.whole(0))
            ends = build.both(ends, none)
        person, last = self._mine("person"), self._last
        found = {"person": person, "holds": exp.LogicalOr(this=ends)}
        self.name = self._query.relation(f"{last} holds {ends.sql()}", lambda _: build.select(found, last, by=[person]))

    def _step(self, place: int, best: Sql) -> Sql:
        """The best chain that each row can end as this step, given those that end as the step before."""
        name = f"b{place}"
        if not self._bars(place - 1):
            self._add({name: self._over(build.greatest(best), "before")})
            begun = self._mine(name)
        else:
            carried = build.struct({"seen": self._mine(f"s{place - 1}"), "begun": best})
            self._add({name: self._over(build.greatest(build.when(build.is_there(best), carried)), "before")})
            newest, before = self._mine(name), build.calculated("-", self._mine(f"s{place - 1}"), self._one(place - 1))
            is_free = build.compared("==", build.field(newest, "seen"), before)
            begun = build.when(is_free, build.field(newest, "begun"))
        is_step = build.both(self._mine(f"p{place}"), build.is_there(begun))
        if self._within_us is not None:
            end = build.calculated("+", begun, build.whole(self._within_us))
            is_step = build.both(is_step, build.compared("<", self._mine("timestamp"), end))
        return build.when(is_step, begun)

    def _bars(self, place: int) -> bool:
        """Whether something must not come behind this step."""
        return f"n{place}" in self._columns

    def _mine(self, name: str) -> Sql:
        return column(self._last, name)

    def _one(self, place: int) -> Sql:
        return build.when(self._mine(f"n{place}"), build.whole(1), build.whole(0))

    def _over(self, aggregate: Sql, frame: build.Frame) -> Sql:
        return build.over(aggregate, [self._mine("person")], [self._mine(name) for name in ORDER], frame)

    def _add(self, more: Mapping[str, Sql]) -> None:
        """A relation with these columns more."""
        before, last, where = {name: self._mine(name) for name in self._columns}, self._last, self._is_chosen
        key = f"{last} with {[(name, value.sql()) for name, value in more.items()]} where {where.sql()}"
        self._last = self._query.relation(key, lambda _: build.select({**before, **more}, last, where), is_joined=False)
        self._columns += more


def _named(letter: str, absents: Several[Sql]) -> dict[str, Sql]:
    return {f"{letter}{place}": mask for place, mask in enumerate(absents) if mask != build.FALSE}
