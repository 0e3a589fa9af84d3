"""What is asked of the events of a person, in SQL: each function of LANGUAGE.md 6 as a Value over the person."""

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from tactful.language.sql import build, cells
from tactful.language.sql.build import Sql, column
from tactful.language.sql.engines import own
from tactful.language.sql.layout import CALLS
from tactful.language.sql.operators import Operators
from tactful.language.sql.relations import ORDER, Match, Query
from tactful.language.sql.traits import trait
from tactful.language.sql.values import Carried, Elements, Scalar, Value
from tactful.language.sql.zones import active_days
from tactful.language.tree import Aggregate, Context, Node, Property, Selection, Trait, Window
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, NUMBER, TIME

SUMMABLE = 1e12
_CASTABLE = 9 * 10**18
"""Within 64 bits."""
_TIMESTAMP = column("e", "timestamp")
_ORDER = [column("e", name) for name in ORDER]


class OverEvent(Operators):
    """where= and values, over one event."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def leaf(self, node: Node) -> Value:
        match node:
            case Property(path=path):
                return cells.read(cells.Source(column("e", "properties"), self._query.own), path)
            case Context(path=path):
                return cells.read(cells.Source(column("e", "context")), path)
            case Trait(path=path):
                self._query.has_profile = True
                return trait(self._query, path)
            case _:
                raise AssertionError(node)

    def leaf_truth(self, node: Node) -> Sql | None:
        return None


def match(query: Query, events: Sequence[str], where: Node | None, window: Window | None) -> Match:
    cheap = build.both(named(events), within(_TIMESTAMP, window))
    return Match(cheap, build.TRUE if where is None else OverEvent(query).truth(where))


def selected(query: Query, selection: Selection) -> Match:
    return match(query, selection.events, selection.where, selection.window)


def named(events: Sequence[str]) -> Sql:
    """Of these names; "*" is any track, page or screen."""
    names = [name for name in events if name != "*"]
    parts = [build.one_of(column("e", "kind"), CALLS)] if "*" in events else []
    return build.either(*parts, *([build.one_of(column("e", "name"), names)] if names else []))


def within(moment: Sql, window: Window | None) -> Sql:
    """T - older < moment <= T - newer. Nothing is younger than T (LANGUAGE.md 1.2, 1.3)."""
    if window is None:
        return build.TRUE
    begun = build.compared(">", moment, build.calculated("-", build.T, build.whole(window.older_us)))
    if not window.newer_us:
        return begun
    return build.both(begun, build.compared("<=", moment, build.calculated("-", build.T, build.whole(window.newer_us))))


# ---- functions -------------------------------------------------------------------------------------------------------


def aggregate(query: Query, node: Aggregate) -> Value:
    found = selected(query, node.selection)
    if node.value is None:
        return _PLAIN[node.function](query, found)
    return _OF_VALUES[node.function](query, found, OverEvent(query).value(node.value))


def _count(query: Query, found: Match) -> Value:
    return Scalar(NUMBER, build.cast(query.events.add(build.counted(found.whole)), "number"), is_sure=True)


def _any(query: Query, found: Match) -> Value:
    counted = query.events.add(build.counted(found.whole))
    return Scalar(BOOLEAN, build.compared(">", counted, build.whole(0)), is_sure=True)


def _first(query: Query, found: Match) -> Value:
    return Scalar(TIME, query.events.add(build.least(found.then(_TIMESTAMP))))


def _latest(query: Query, found: Match) -> Value:
    return Scalar(TIME, query.events.add(build.greatest(found.then(_TIMESTAMP))))


def _time_since(query: Query, found: Match) -> Value:
    newest = query.events.add(build.greatest(found.then(_TIMESTAMP)))
    return Scalar(DURATION, build.calculated("-", build.T, newest))


def _total(query: Query, found: Match, value: Value) -> Sql:
    """The sum in millionths."""
    events, amount, held = query.events, value.amount(), value.elements()
    sums: list[Sql] = []
    if amount is not None:
        sums.append(events.add(build.total(found.then(summable(amount)))))
    if held is not None:
        millionths = build.mapped(_summable_of(held), build.millionths(build.variable()))
        sums.append(events.add(own("sum of totals", _of_lists(found, held, own("list total", millionths)))))
    return _added(sums)


def _taken(query: Query, found: Match, value: Value) -> Sql:
    """How many numbers that sum has."""
    events, amount, held = query.events, value.amount(), value.elements()
    counts: list[Sql] = []
    if amount is not None:
        counts.append(events.add(build.count(found.then(summable(amount)))))
    if held is not None:
        counts.append(events.add(build.total(_of_lists(found, held, build.size(_summable_of(held))))))
    return _added(counts)


def _of_lists(found: Match, held: Elements, value: Sql) -> Sql:
    """Of events that match and have a list there: an engine looks into lists for a while even where none is."""
    return build.when(found.whole, build.when(build.is_there(held.nums), value))


def _added(parts: Sequence[Sql]) -> Sql:
    """Of sums of nothing too."""
    nothing = build.whole(0)
    one, *rest = [build.coalesced(part, nothing) for part in parts] or [nothing]
    return build.calculated("+", one, rest[0]) if rest else one


def _summable_of(held: Elements) -> Sql:
    return build.kept(held.nums, _is_summable(build.variable()))


def _is_summable(amount: Sql) -> Sql:
    return build.compared("<", build.magnitude(amount), build.number(SUMMABLE))


def summable(amount: Sql) -> Sql:
    """In millionths; null where it is too large to be summed (LANGUAGE.md 6.1)."""
    return build.when(_is_summable(amount), build.millionths(amount))


def in_units(whole: Sql) -> Sql:
    """Millionths, of any size, as a double: rounded once, and divided."""
    near = build.cast(build.cast(whole, "whole"), "number")
    far = build.cast(build.cast(whole, "text"), "number")
    double = build.when(build.between(whole, -_CASTABLE, _CASTABLE), near, far)
    return build.divided(double, build.number(1e6))


def _sum(query: Query, found: Match, value: Value) -> Value:
    return Scalar(NUMBER, in_units(_total(query, found, value)), is_sure=True)


def _avg(query: Query, found: Match, value: Value) -> Value:
    total, count = _total(query, found, value), _taken(query, found, value)
    average = build.divided(in_units(total), build.cast(count, "number"))
    return Scalar(NUMBER, build.when(build.compared(">", count, build.whole(0)), average))


def _extreme(pick: Callable[[Sql], Sql], of_list: Callable[[Sql], Sql]) -> Callable[[Query, Match, Value], Value]:
    def extreme(query: Query, found: Match, value: Value) -> Value:
        number, held = value.num(), value.elements()
        parts = ([] if number is None else [number]) + ([] if held is None else [of_list(held.nums)])
        if not parts:
            return Scalar(NUMBER, build.typed_null("number"))
        return Scalar(NUMBER, query.events.add(pick(found.then(build.coalesced(*parts)))))

    return extreme


def _edge(*, is_first: bool) -> Callable[[Query, Match, Value], Value]:
    def edge(query: Query, found: Match, value: Value) -> Value:
        return Carried(value, query.events.row(_ORDER, found.whole, is_first=is_first))

    return edge


# ---- functions that need the rows ------------------------------------------------------------------------------------


def _values(query: Query, found: Match, value: Value) -> str:
    """The relation (person, ref, num, text, flag): a row for each scalar, of a list for each element."""
    rows = query.rows
    mask = rows.mask(found)
    number = value.num()
    if number is not None and value.kind != ANYTHING:
        number = build.when(build.compared("==", number, build.number(0)), build.number(0), number)
    parts = {"num": number, "text": value.text(), "flag": value.flag()}
    kinds: Mapping[str, build.Type] = {"num": "number", "text": "text", "flag": "flag"}
    scalars = {name: build.typed_null(kinds[name]) if part is None else rows.add(part) for name, part in parts.items()}
    held = value.elements()
    lists = None if held is None else [rows.add(part) for part in (held.nums, held.texts, held.flags, held.size)]

    def write(_: str) -> build.Select:
        mine = {name: column("r", name) for name in ("person", "ref")}
        plain = build.select({**mine, **scalars}, "r", build.both(mask, _some(scalars)))
        if lists is None:
            return plain
        *columns, size = lists
        opened = build.select(
            {**mine, **dict(zip(kinds, columns, strict=True)), "i": build.opened(size)},
            "r",
            build.both(mask, build.compared(">", size, build.whole(0))),
        )
        each = {name: build.nth(column("q", name), column("q", "i")) for name in kinds}
        kept = {name: column("q", name) for name in mine}
        return build.stacked(plain, build.select({**kept, **each}, (opened, "q"), _some(each)))

    key = f"values {mask.sql()} {[part.sql() for part in scalars.values()]} {[part.sql() for part in lists or ()]}"
    return query.relation(key, write, is_joined=False)


def _some(parts: Mapping[str, Sql]) -> Sql:
    return build.either(*map(build.is_there, parts.values()))


def _distinct(query: Query, found: Match, value: Value) -> Value:
    values = _values(query, found, value)

    def write(_: str) -> build.Select:
        group = [column(values, name) for name in ("person", "num", "text", "flag")]
        each = build.select({"person": group[0]}, values, by=group)
        person = column("q", "person")
        return build.select({"person": person, "n": exp.Count(this=exp.Star())}, (each, "q"), by=[person])

    return _number_of(query.relation(f"distinct {values}", write))


def _alike(query: Query, found: Match, value: Value) -> Value:
    values = _values(query, found, value)

    def write(_: str) -> build.Select:
        group = [column(values, name) for name in ("person", "num", "text", "flag")]
        events = build.select({"person": group[0], "n": build.different(column(values, "ref"))}, values, by=group)
        person = column("q", "person")
        return build.select({"person": person, "n": build.greatest(column("q", "n"))}, (events, "q"), by=[person])

    return _number_of(query.relation(f"alike {values}", write))


def _number_of(relation: str) -> Value:
    counted = build.coalesced(column(relation, "n"), build.whole(0))
    return Scalar(NUMBER, build.cast(counted, "number"), is_sure=True)


_PLAIN: Mapping[str, Callable[[Query, Match], Value]] = {
    "count": _count,
    "any": _any,
    "first": _first,
    "latest": _latest,
    "time_since": _time_since,
    "active_days": active_days,
}
_OF_VALUES: Mapping[str, Callable[[Query, Match, Value], Value]] = {
    "count": _alike,
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(build.least, lambda held: exp.ArrayMin(this=held)),
    "max": _extreme(build.greatest, lambda held: exp.ArrayMax(this=held)),
    "distinct": _distinct,
    "first": _edge(is_first=True),
    "latest": _edge(is_first=False),
}
