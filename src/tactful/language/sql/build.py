"""SQL put together from nodes of sqlglot: what the modules beside need, in their words, and the same for all engines.

Nodes are shared freely between trees; whoever writes SQL copies. A condition that is known is not written.
"""

from collections.abc import Mapping, Sequence
from typing import Literal as OneOf

from sqlglot import exp

from tactful.language.sql.engines import own

Sql = exp.Expression
Select = exp.Select

TRUE: Sql = exp.true()
FALSE: Sql = exp.false()
NULL: Sql = exp.null()
T: Sql = exp.Placeholder(this="t")
"""The instant, in microseconds."""

_TYPES = {"number": "DOUBLE", "whole": "BIGINT", "text": "TEXT", "flag": "BOOLEAN"}
Type = OneOf["number", "whole", "text", "flag"]
_COMPARED: Mapping[str, type[exp.Expression]] = {
    "==": exp.EQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_CALCULATED: Mapping[str, type[exp.Expression]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "%": exp.Mod}


# ---- constants and names ---------------------------------------------------------------------------------------------


def number(value: float) -> Sql:
    """A double; decimals would be another arithmetic."""
    written = repr(abs(float(value)))
    literal = exp.Literal.number(written if "e" in written else f"{written}e0")
    return exp.Neg(this=literal) if value < 0 else literal


def whole(value: int) -> Sql:
    return exp.Neg(this=exp.Literal.number(str(-value))) if value < 0 else exp.Literal.number(str(value))


def text(value: str) -> Sql:
    return exp.Literal.string(value)


def typed_null(kind: Type) -> Sql:
    return exp.cast(NULL, _TYPES[kind])


def column(table: str, name: str, *fields: str) -> Sql:
    found: Sql = exp.column(name, table, quoted=True)
    for one in fields:
        found = field(found, one)
    return found


def field(struct: Sql, name: str) -> Sql:
    return exp.Dot(this=struct, expression=exp.to_identifier(name, quoted=True))


# ---- conditions ------------------------------------------------------------------------------------------------------


def both(*parts: Sql) -> Sql:
    """AND; TRUE for none."""
    return _joined(exp.And, parts, unit=True)


def either(*parts: Sql) -> Sql:
    """OR; FALSE for none."""
    return _joined(exp.Or, parts, unit=False)


def _joined(kind: type[exp.And | exp.Or], parts: Sequence[Sql], *, unit: bool) -> Sql:
    kept: list[Sql] = []
    for part in parts:
        if isinstance(part, exp.Boolean):
            if bool(part.this) is not unit:
                return FALSE if unit else TRUE
        elif part not in kept:
            kept.append(part)
    if not kept:
        return TRUE if unit else FALSE
    found = _inner(kept[0])
    for part in kept[1:]:
        found = kind(this=found, expression=_inner(part))
    return kept[0] if len(kept) == 1 else found


def negated(part: Sql) -> Sql:
    """Of what is never null."""
    if isinstance(part, exp.Boolean):
        return FALSE if part.this else TRUE
    return exp.Not(this=_inner(part))


def is_null(value: Sql) -> Sql:
    return exp.Is(this=_inner(value), expression=NULL)


def is_there(value: Sql) -> Sql:
    return exp.Not(this=exp.Paren(this=is_null(value)))


def compared(op: str, left: Sql, right: Sql) -> Sql:
    return _COMPARED[op](this=_inner(left), expression=_inner(right))


def surely(part: Sql) -> Sql:
    """False where it is null."""
    return part if isinstance(part, exp.Boolean) else coalesced(part, FALSE)


def one_of(value: Sql, texts: Sequence[str]) -> Sql:
    if len(texts) == 1:
        return compared("==", value, text(texts[0]))
    return exp.In(this=_inner(value), expressions=[text(one) for one in texts])


# ---- values ----------------------------------------------------------------------------------------------------------


def calculated(op: str, left: Sql, right: Sql) -> Sql:
    return _CALCULATED[op](this=_inner(left), expression=_inner(right))


def divided(left: Sql, right: Sql) -> Sql:
    """Doubles; not finite, or null, where the divisor is zero."""
    return own("quotient", _inner(left), _inner(right))


def halved(value: Sql, by: Sql) -> Sql:
    """Whole numbers from 0, without the rest."""
    return exp.IntDiv(this=_inner(value), expression=_inner(by))


def when(condition: Sql, value: Sql, other: Sql = NULL) -> Sql:
    if isinstance(condition, exp.Boolean):
        return value if condition.this else other
    default = None if isinstance(other, exp.Null) else other
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=default)


def coalesced(*values: Sql) -> Sql:
    return values[0] if len(values) == 1 else exp.Coalesce(this=values[0], expressions=list(values[1:]))


def cast(value: Sql, kind: Type) -> Sql:
    return exp.cast(value, _TYPES[kind])


def magnitude(value: Sql) -> Sql:
    return exp.Abs(this=value)


def floored(value: Sql) -> Sql:
    """The whole number (of 64 bits) at or below a double within them."""
    return cast(exp.Floor(this=value), "whole")


def millionths(value: Sql) -> Sql:
    """Of a double below 10^12 in magnitude (LANGUAGE.md 6.1)."""
    return floored(calculated("+", calculated("*", value, number(1e6)), number(0.5)))


def between(value: Sql, low: int, high: int) -> Sql:
    return exp.Between(this=_inner(value), low=whole(low), high=whole(high))


def once(value: Sql, use: Sql, name: str = "v") -> Sql:
    """`use`, in which column-less `name` stands for the value: written once however often it is used."""
    return nth(mapped(exp.Array(expressions=[value]), use, name), whole(0))


def variable(name: str = "v") -> Sql:
    return exp.column(name)


def struct(fields: Mapping[str, Sql]) -> Sql:
    return exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=value)
            for name, value in fields.items()
        ]
    )


# ---- lists and maps --------------------------------------------------------------------------------------------------


def at(held: Sql, key: Sql) -> Sql:
    """Of a map; null where it has no such key."""
    return own("at", held, key)


def nth(held: Sql, index: Sql) -> Sql:
    """Of a list, from 0; null beyond."""
    return own("nth", held, index)


def array(values: Sequence[Sql], kind: Type) -> Sql:
    return exp.cast(exp.Array(expressions=list(values)), f"ARRAY<{_TYPES[kind]}>")


def no_array(kind: Type) -> Sql:
    return exp.cast(NULL, f"ARRAY<{_TYPES[kind]}>")


def size(held: Sql) -> Sql:
    return exp.ArraySize(this=held)


def has(held: Sql, value: Sql) -> Sql:
    return exp.ArrayContains(this=held, expression=value)


def mapped(held: Sql, use: Sql, name: str = "v") -> Sql:
    return exp.Transform(this=held, expression=exp.Lambda(this=use, expressions=[exp.to_identifier(name)]))


def kept(held: Sql, condition: Sql, name: str = "v") -> Sql:
    return exp.ArrayFilter(this=held, expression=exp.Lambda(this=condition, expressions=[exp.to_identifier(name)]))


def joined(one: Sql, other: Sql) -> Sql:
    """Two texts."""
    return exp.DPipe(this=_inner(one), expression=_inner(other))


# ---- aggregates and queries ------------------------------------------------------------------------------------------


def counted(condition: Sql) -> Sql:
    """Of rows. (A FILTER says the same; DuckDB takes half as long again for it.)"""
    return exp.Count(this=when(condition, whole(1)))


def count(value: Sql) -> Sql:
    """Of what is not null."""
    return exp.Count(this=value)


def different(value: Sql) -> Sql:
    return exp.Count(this=exp.Distinct(expressions=[value]))


def least(value: Sql) -> Sql:
    return exp.Min(this=value)


def greatest(value: Sql) -> Sql:
    return exp.Max(this=value)


def total(value: Sql) -> Sql:
    """Of whole numbers of 64 bits, however large it becomes."""
    return own("total", value)


def at_greatest(value: Sql, order: Sql, condition: Sql = TRUE) -> Sql:
    """The value (no null: a struct) of the row that is last in the order."""
    return _filtered(exp.ArgMax(this=value, expression=order), condition)


def at_least(value: Sql, order: Sql, condition: Sql = TRUE) -> Sql:
    return _filtered(exp.ArgMin(this=value, expression=order), condition)


def _filtered(aggregate: Sql, condition: Sql) -> Sql:
    if isinstance(condition, exp.Boolean) and condition.this:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition))


def opened(size: Sql) -> Sql:
    """The numbers from 0 to a size above 0, a row each."""
    last = calculated("-", size, whole(1))
    return exp.Explode(this=exp.GenerateSeries(start=cast(whole(0), "whole"), end=cast(last, "whole")))


def stacked(one: Select, other: Select) -> Select:
    """The rows of both."""
    both_ = exp.union(one, other, distinct=False, copy=False)
    return exp.select("*", copy=False).from_(both_.subquery("u"), copy=False)


Frame = OneOf["so far", "before", "after", "all"]
_FRAMES: Mapping[str, Mapping[str, str | None]] = {
    "so far": {"start": "UNBOUNDED", "start_side": "PRECEDING", "end": "CURRENT ROW", "end_side": None},
    "before": {"start": "UNBOUNDED", "start_side": "PRECEDING", "end": "1", "end_side": "PRECEDING"},
    "after": {"start": "1", "start_side": "FOLLOWING", "end": "UNBOUNDED", "end_side": "FOLLOWING"},
}


def over(aggregate: Sql, by: Sequence[Sql], order: Sequence[Sql], frame: Frame = "all") -> Sql:
    """An aggregate over the rows of one partition: those so far, those before or after this one, or all."""
    return exp.Window(
        this=aggregate,
        partition_by=list(by),
        order=exp.Order(expressions=[exp.Ordered(this=one, nulls_first=False) for one in order]) if order else None,
        spec=exp.WindowSpec(kind="ROWS", **_FRAMES[frame]) if frame != "all" else None,
    )


Source = str | tuple[str | Select, str]
"""A table, or a table or query with the name that its columns are written with."""


def select(columns: Mapping[str, Sql], source: Source, where: Sql = TRUE, by: Sequence[Sql] = ()) -> Select:
    chosen = [exp.alias_(value, name, quoted=True, copy=False) for name, value in columns.items()]
    found = Select(expressions=chosen)
    held, alias = (source, source) if isinstance(source, str) else source
    table = exp.to_table(held, alias=alias) if isinstance(held, str) else held.subquery(alias)
    found.set("from_", exp.From(this=table))
    if not (isinstance(where, exp.Boolean) and where.this):
        found.set("where", exp.Where(this=where))
    if by:
        found.set("group", exp.Group(expressions=list(by)))
    return found


def joined_by(query: Select, source: Source, on: Sql, *, is_left: bool = True) -> Select:
    """The query, with one table more."""
    held, alias = (source, source) if isinstance(source, str) else source
    table = exp.to_table(held, alias=alias) if isinstance(held, str) else held.subquery(alias)
    return query.join(table, on=on, join_type="left" if is_left else "inner", copy=False)


def _inner(part: Sql) -> Sql:
    """With parentheses where an operator next to it could tear it apart."""
    is_operator = isinstance(part, exp.Binary) and not isinstance(part, exp.Dot | exp.Func)
    is_loose = is_operator or isinstance(part, exp.Connector | exp.Not | exp.Neg | exp.Between | exp.In)
    return exp.Paren(this=part) if is_loose else part
