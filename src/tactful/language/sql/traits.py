"""Traits as of T: of each the write that its rule chooses, else the last in event order (LANGUAGE.md 4); or a union.

A union is a relation of its own: every scalar that was ever written (of lists each element), grouped by value, with the
place of its first write; a person's as parallel lists, as cells have them. Rows of events may ask for traits too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from tactful.language.sql import build, cells
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.engines import own
from tactful.language.sql.layout import TRAITS
from tactful.language.sql.relations import ORDER, Query
from tactful.language.sql.values import Carried, Elements, Nth, Shown, Value
from tactful.language.tree import Path
from tactful.language.types import LIST
from tactful.language.vocabulary import TraitRule

MOST, LONGEST = 1000, 255
"""Elements of a union, and bytes of a text in it (people/traits.py)."""
_KINDS: Mapping[str, build.Type] = {"num": "number", "text": "text", "flag": "flag", "time": "whole"}
_SOURCE = cells.Source(column("w", "traits"))
_ORDER = [column("w", name) for name in ORDER]


def trait(query: Query, path: Path) -> Value:
    """Of the person; in a row of events too, where `has_profile` says so."""
    name, *rest = path
    rule = query.rules.get(str(name))
    if rule is not None and rule.merge == "union":
        return _united(query, str(name), tuple(rest))
    order, counts, is_first = ranked(query, str(name))
    return Carried(cells.read(_SOURCE, path), query.traits.row(order, counts, is_first=is_first))


def ranked(query: Query, name: str) -> tuple[Sequence[Sql], Sql, bool]:
    """Of the rows of a trait, which is one value: an order, which of them are any, and whether the first in the order
    counts, or the last."""
    rule = query.rules.get(name)
    if rule is None:
        return _ORDER, _is_named(name), False
    order, counts, is_first = _chosen(rule, cells.read(_SOURCE, (name,)))
    return order, build.both(_is_named(name), counts), is_first


def _is_named(name: str) -> Sql:
    return build.compared("==", column("w", "name"), build.text(name))


def _chosen(rule: TraitRule, written: Value) -> tuple[Sequence[Sql], Sql, bool]:
    """An order of the writes, which of them are any, and whether the first in the order counts, or the last."""
    if rule.merge == "sources":
        place: Sql = build.whole(0)
        for nth, source in enumerate(reversed(rule.sources), 1):
            is_its = build.compared("==", column("w", "source"), build.text(source))
            place = build.when(is_its, build.whole(nth), place)
        return [place, *_ORDER], build.TRUE, False
    if rule.merge == "first":
        return _ORDER, build.negated(written.missing()), True
    amount = written.read() if rule.is_time else written.num()
    assert amount is not None
    if rule.merge == "minimum":
        return [amount, *_ORDER], build.is_there(amount), True
    backwards = [build.calculated("-", build.whole(0), one) for one in _ORDER]
    return [amount, *backwards], build.is_there(amount), False


# ---- unions ----------------------------------------------------------------------------------------------------------


class _List(Value):
    """What all writes hold together; of a person who wrote none, missing."""

    kind = LIST

    def __init__(self, held: Elements) -> None:
        self._held = held

    def elements(self) -> Elements:
        return self._held

    def missing(self) -> Sql:
        return build.is_null(self._held.size)

    def shown(self) -> Shown:
        def read(row: Sequence[Any]) -> object:
            return None if row[0] is None else [_scalar(one) for one in zip(*row, strict=True)]

        return Shown((self._held.nums, self._held.texts, self._held.flags), read)


class _Element(Nth):
    def shown(self) -> Shown:
        return Shown((self.num(), self.text(), self.flag()), _scalar)


def _scalar(parts: Sequence[Any]) -> object:
    return next((part for part in parts if part is not None), None)


def _united(query: Query, name: str, rest: Path) -> Value:
    """Elements are scalars, so below them is nothing: by names an empty list, and no element of it."""
    union = query.of_person(f"union {name}", lambda _: _union(query, name))
    nums, texts, flags, times = (column(union, kind) for kind in _KINDS)
    held = Elements(nums, texts, flags, times, build.size(nums))
    if not rest:
        return _List(held)
    if all(isinstance(step, str) for step in rest):
        nums, texts, flags, times = (build.when(build.is_there(nums), build.array([], one)) for one in _KINDS.values())
        return _List(Elements(nums, texts, flags, times, build.size(nums)))
    (step, *below) = rest
    return _Element(held, build.whole(step)) if isinstance(step, int) and not below else Value()


def _union(query: Query, name: str) -> Select:
    """The relation (person, num, text, flag, time), the last four lists."""
    keys = {"person": column("q", "person"), **{kind: column("q", kind) for kind in ("num", "text", "flag")}}
    place = build.struct({one: column("q", one) for one in (*ORDER, "i")})
    told = {**keys, "time": build.greatest(column("q", "time")), "first": build.least(place)}
    each = build.select(told, (_each(query, name), "q"), by=[*keys.values()])
    first = [build.field(column("q", "first"), one) for one in (*ORDER, "i")]
    kept = {one: column("q", one) for one in ("person", *_KINDS)}
    nth = build.over(exp.RowNumber(), [column("q", "person")], first)
    numbered = build.select({**kept, "nth": nth}, (each, "q"))
    element = build.struct({one: column("q", one) for one in ("nth", *_KINDS)})
    is_kept = build.compared("<=", column("q", "nth"), build.whole(MOST))
    person = column("q", "person")
    held = own("sorted", exp.ArrayAgg(this=element))
    mine = build.select({"person": person, "held": held}, (numbered, "q"), is_kept, [person])
    lists = {kind: build.mapped(column("q", "held"), build.field(build.variable(), kind)) for kind in _KINDS}
    return build.select({"person": person, **lists}, (mine, "q"))


def _each(query: Query, name: str) -> Select:
    """A row for each scalar that was written, with its place in its list."""
    written = cells.read(_SOURCE, (name,))
    held = written.elements()
    alone = {"num": written.num(), "text": written.text(), "flag": written.flag(), "time": written.read()}
    lists = {
        kind: build.coalesced(many, build.array([one], _KINDS[kind]))
        for (kind, one), many in zip(alone.items(), held, strict=False)
    }
    size = build.coalesced(held.size, build.whole(1))
    order = dict(zip(ORDER, _ORDER, strict=True))
    whose = {"person": query.person("w"), **order}
    is_mine = build.both(query.visible("w", TRAITS), _is_named(name), build.compared(">", size, build.whole(0)))
    opened = query.owned(build.select({**whose, **lists, "i": build.opened(size)}, (TRAITS, "w"), is_mine), "w")
    parts = {kind: build.nth(column("q", kind), column("q", "i")) for kind in _KINDS}
    is_short = build.compared("<=", own("octets", parts["text"]), build.whole(LONGEST))
    is_any = build.either(build.is_there(parts["num"]), build.is_there(parts["flag"]), build.surely(is_short))
    kept = {one: column("q", one) for one in (*whose, "i")}
    return build.select({**kept, **parts}, (opened, "q"), is_any)
