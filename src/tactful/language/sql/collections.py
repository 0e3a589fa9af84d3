"""Collections in SQL (LANGUAGE.md 8.1): what was added and removed since the newest clear, summed by key.

A line has what its newest addition says; `lines` is the relation of a collection's lines with their place, and what an
expression asks of a person's lines is one row of aggregates over it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlglot import exp

from tactful.language.meaning import follow
from tactful.language.sql import build, cells
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.engines import own
from tactful.language.sql.events import in_units, named, summable
from tactful.language.sql.relations import ORDER, Gathered, Match, Query
from tactful.language.sql.values import Carried, Elements, Nth, Scalar, Shown, Value, Wrapped
from tactful.language.tree import Part, Path
from tactful.language.types import LIST, NUMBER, OBJECT, TIME
from tactful.language.vocabulary import Collection

_KINDS: Mapping[str, build.Type] = {"nums": "number", "texts": "text", "flags": "flag", "times": "whole"}


def part(query: Query, node: Part) -> Value:
    lines = query.shared(f"collection {node.collection!r}", lambda: _Lines(query, node.collection))
    name, *rest = node.path
    match name:
        case "changed_at":
            return Scalar(TIME, lines.changed_at())
        case "lines":
            return _sure(lines.count())
        case "quantity":
            held = lines.every.add(own("sum of totals", column(lines.name, "quantity")))
            return _sure(in_units(build.coalesced(held, build.whole(0))))
        case "value":
            return _sure(lines.worth())
        case _:
            return _items(lines, tuple(rest))


def _sure(value: Sql) -> Value:
    return Scalar(NUMBER, value, is_sure=True)


class _Lines:
    """Of one collection: the relation of its lines, and what is aggregated over them by person."""

    def __init__(self, query: Query, collection: Collection) -> None:
        self.collection = collection
        self._query = query
        self._key = cells.read(self.source, collection.key)
        parts = [self._key.num(), self._key.text(), self._key.flag()]
        has_key = build.either(*map(build.is_there, parts))
        self._group = {name: query.rows.add(one) for name, one in zip(("num", "text", "flag"), parts, strict=True)}
        self._masks = {
            "added": query.rows.mask(Match(named(collection.add), has_key)),
            "removed": query.rows.mask(Match(named(collection.remove), has_key)),
            "cleared": query.rows.mask(Match(named(collection.clear))),
        }
        self._amount = query.rows.add(_quantity(cells.read(self.source, collection.quantity)))
        self._price = query.rows.add(cells.read(self.source, collection.price).num())
        self._shown: dict[str, Sql] = {}
        """Columns of `r` that lines show, by what they are called there."""
        self.name = query.relation(f"lines {collection!r}", lambda _: self._select(), is_joined=False)
        name = query.relation(f"of lines {collection!r}", lambda _: self._gathered())
        self.every = Gathered(name)
        self.count()

    @property
    def source(self) -> cells.Source:
        return cells.Source(column("e", "properties"), self._query.own)

    def shown(self, value: Sql) -> Sql:
        """What the newest addition of a line says, of the line."""
        found = self._query.rows.add(value)
        self._shown[found.name] = found
        return build.field(column(self.name, "newest"), found.name)

    def count(self) -> Sql:
        held = self.every.add(exp.Count(this=exp.Star()))
        return build.cast(build.coalesced(held, build.whole(0)), "number")

    def worth(self) -> Sql:
        return in_units(build.coalesced(self.every.add(build.total(column(self.name, "worth"))), build.whole(0)))

    def changed_at(self) -> Sql:
        def write(_: str) -> Select:
            person = column("r", "person")
            newest = build.greatest(column("r", "timestamp"))
            return build.select({"person": person, "at": newest}, "r", build.either(*self._masks.values()), [person])

        return column(self._query.relation(f"changed {self.collection!r}", write), "at")

    def _gathered(self) -> Select:
        return self.every.select(self.name, self.name, build.TRUE, column(self.name, "person"))

    def _select(self) -> Select:
        mine = {name: column("r", name) for name in ("person", *ORDER)}
        told = {**self._group, "amount": self._amount, "price": self._price}
        every = build.select({**mine, **self._masks, **told, **self._shown}, "r", build.either(*self._masks.values()))
        order = build.struct({name: column("q", name) for name in ORDER})
        clear = build.over(build.greatest(build.when(column("q", "cleared"), order)), [column("q", "person")], [])
        kept = {name: column("q", name) for name in every.named_selects if name != "cleared"}
        marked = build.select({**kept, "clear": clear}, (every, "q"))
        is_open = build.either(build.is_null(column("q", "clear")), build.compared(">", order, column("q", "clear")))
        return self._numbered(marked, build.both(is_open, build.either(column("q", "added"), column("q", "removed"))))

    def _numbered(self, operations: Select, is_open: Sql) -> Select:
        order = {name: column("q", name) for name in ORDER}
        added, amount, nothing = column("q", "added"), column("q", "amount"), build.whole(0)
        sums = [build.total(build.when(column("q", name), amount, nothing)) for name in ("added", "removed")]
        told = {name: column("q", name) for name in ("price", *self._shown)}
        grouped = {
            "person": column("q", "person"),
            "quantity": build.calculated("-", sums[0], sums[1]),
            "newest": build.at_greatest(build.struct({**order, **told}), build.struct(order), added),
        }
        by = [column("q", name) for name in ("person", *self._group)]
        lines = build.select(grouped, (operations, "q"), is_open, by)
        quantity, newest = column("q", "quantity"), column("q", "newest")
        place = build.over(exp.RowNumber(), [column("q", "person")], [build.field(newest, name) for name in ORDER])
        kept = {name: column("q", name) for name in grouped}
        numbered = {**kept, "place": place, "worth": _worth(in_units(quantity), build.field(newest, "price"))}
        return build.select(numbered, (lines, "q"), build.compared(">", quantity, nothing))


def _quantity(value: cells.Cell) -> Sql:
    """In millionths: a number above 0, else 1."""
    number = value.num()
    is_usable = build.both(
        build.compared(">", number, build.number(0)), build.compared("<", number, build.number(1e12))
    )
    return build.when(is_usable, build.millionths(number), build.whole(1_000_000))


def _worth(quantity: Sql, price: Sql) -> Sql:
    """In millionths; null without a price, and where it is no amount that could be summed."""
    return build.once(build.calculated("*", quantity, price), summable(build.variable()))


# ---- items -----------------------------------------------------------------------------------------------------------


def _items(lines: _Lines, path: Path) -> Value:
    shown = _shown(lines, path)
    if not path:
        return _Seen(LIST, shown, size=lines.count())
    step, *rest = path
    if isinstance(step, int):
        # Places count from 1, as every engine does.
        place = column(lines.name, "place")
        carry = lines.every.row([place], build.compared("==", place, build.whole(step + 1)))
        if not rest:
            return _Seen(OBJECT, shown, missing=build.is_null(carry(build.TRUE)))
        return _Told(Carried(_of_line(lines, tuple(rest), cells.read), carry), shown)
    names = tuple(step for step in path if isinstance(step, str))
    held = _together(lines, _of_line(lines, names, _opened))
    if len(names) == len(path):
        return _Seen(LIST, shown, elements=held)
    assert path[:-1] == names, "check has refused what lies within an element"
    return _Told(Nth(held, build.whole(int(path[-1]))), shown)


def _of_line(lines: _Lines, path: Path, read: Callable[[cells.Source, Path], Value]) -> Value:
    """What a line holds at a path into its item."""
    name, *rest = path
    collection = lines.collection
    if name == "quantity":
        return Value() if rest else Scalar(NUMBER, in_units(column(lines.name, "quantity")))
    if name == _key_name(collection):
        return Value() if rest else Carried(cells.read(lines.source, collection.key), lines.shown)
    if name not in collection.fields:
        return Value()
    return Carried(read(lines.source, path), lines.shown)


def _key_name(collection: Collection) -> str:
    return next(str(step) for step in reversed(collection.key) if isinstance(step, str))


def _together(lines: _Lines, value: Value) -> Elements:
    """What all lines hold, as one list in the order of the lines; lists in it opened."""
    held, missing = value.elements(), value.missing()
    size = build.when(missing, build.whole(0), build.whole(1))
    if held is not None:
        size = build.coalesced(held.size, size)
    alone = {"nums": value.num(), "texts": value.text(), "flags": value.flag(), "times": value.read()}

    def gathered(name: str) -> Sql:
        kind, one = _KINDS[name], alone[name]
        single = build.array([build.NULL if one is None else one], kind)
        mine = build.when(missing, build.array([], kind), single)
        if held is not None:
            opened = build.coalesced(getattr(held, name), build.array([], kind))
            mine = build.when(build.is_null(held.size), mine, opened)
        pair = build.struct({"place": column(lines.name, "place"), "held": mine})
        ordered = own("sorted", exp.ArrayAgg(this=pair))
        return lines.every.add(exp.Flatten(this=build.mapped(ordered, build.field(build.variable(), "held"))))

    nums, texts, flags, times = map(gathered, _KINDS)
    return Elements(nums, texts, flags, times, build.coalesced(lines.every.add(build.total(size)), build.whole(0)))


def _shown(lines: _Lines, path: Path) -> Shown:
    pair = build.struct(
        {
            "place": column(lines.name, "place"),
            "quantity": in_units(column(lines.name, "quantity")),
            "json": lines.shown(build.field(column("e", "properties"), "json")),
        }
    )
    collection = lines.collection

    def item(line: Mapping[str, Any]) -> dict[str, Any]:
        told = msgspec.json.decode(line["json"])
        held = {name: told[name] for name in collection.fields if told.get(name) is not None}
        return {**held, _key_name(collection): follow(told, collection.key), "quantity": line["quantity"]}

    def read(row: Sequence[Any]) -> object:
        return follow([item(line) for line in row[0] or ()], path)

    return Shown((lines.every.add(own("sorted", exp.ArrayAgg(this=pair))),), read)


class _Told(Wrapped):
    """A value that is put together from all items where it is shown."""

    def __init__(self, of: Value, shown: Shown) -> None:
        super().__init__(of)
        self._shown = shown

    def shown(self) -> Shown:
        return self._shown


class _Seen(Value):
    """A list, or an object."""

    def __init__(
        self,
        kind: str,
        shown: Shown,
        *,
        size: Sql | None = None,
        elements: Elements | None = None,
        missing: Sql = build.FALSE,
    ) -> None:
        self.kind = kind
        self._shown = shown
        self._missing = missing
        if size is not None:
            nums, texts, flags, times = map(build.no_array, _KINDS.values())
            elements = Elements(nums, texts, flags, times, size)
        self._elements = elements

    def elements(self) -> Elements | None:
        return self._elements

    def missing(self) -> Sql:
        return self._missing

    def shown(self) -> Shown:
        return self._shown


class _Opened(Wrapped):
    """A cell whose list has its lists opened."""

    def __init__(self, of: cells.Place) -> None:
        super().__init__(of)
        self._place = of

    def elements(self) -> Elements:
        return self._place.flat()


def _opened(source: cells.Source, names: Path) -> Value:
    return _Opened(cells.Place(source, None, names, names))
