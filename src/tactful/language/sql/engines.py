"""What engines write differently, and sqlglot does not translate: DuckDB's and Spark's way of each.

Results are the same to the bit; where an engine's own function is not, another is taken.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.generator import Generator
from sqlglot.generators.duckdb import DuckDBGenerator
from sqlglot.generators.spark import SparkGenerator

from tactful.language.sql.layout import Engine

FORMS: Mapping[str, Mapping[Engine, str]] = {
    # Of a map, null where it has no such key.
    # (With brackets Spark 4.0 loses a column where the key is read from one beside it.)
    "at": {"duckdb": "{a}[{b}]", "spark": "TRY_ELEMENT_AT({a}, {b})"},
    # Of a list, from 0, null beyond.
    "nth": {"duckdb": "LIST_EXTRACT({a}, {b} + 1)", "spark": "GET({a}, CAST({b} AS INT))"},
    # Of doubles; null or not finite for a divisor of zero.
    "quotient": {"duckdb": "({a} / {b})", "spark": "TRY_DIVIDE({a}, {b})"},
    # Sum of whole numbers of 64 bits, in more.
    "total": {"duckdb": "SUM({a})", "spark": "SUM(CAST({a} AS DECIMAL(38, 0)))"},
    # Likewise of a list.
    "list total": {
        "duckdb": "LIST_SUM({a})",
        "spark": "AGGREGATE({a}, CAST(0 AS DECIMAL(38, 0)), (p, q) -> CAST(p + q AS DECIMAL(38, 0)))",
    },
    # Sum of such sums.
    "sum of totals": {"duckdb": "SUM({a})", "spark": "CAST(SUM({a}) AS DECIMAL(38, 0))"},
    # Bytes of a text in UTF-8.
    "octets": {"duckdb": "STRLEN({a})", "spark": "OCTET_LENGTH({a})"},
    # A list of structs, by their first fields.
    "sorted": {"duckdb": "LIST_SORT({a})", "spark": "SORT_ARRAY({a})"},
}


class Own(exp.Expression, exp.Func):
    """One of FORMS."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expression": False, "form": True}


def own(form: str, this: exp.Expression, expression: exp.Expression | None = None) -> exp.Expression:
    assert form in FORMS, form
    return Own(this=this, expression=expression, form=form)


_MARK = "\0"
"""Around the name of a parameter in a text. No text of a user has it (language/scan.py, events/coerce.py)."""


def _writes(engine: Engine) -> Mapping[type[exp.Expr], Callable[..., str]]:
    def own_form(generator: Generator, node: exp.Expression) -> str:
        form = FORMS[str(node.args["form"])][engine]
        return form.format(a=generator.sql(node, "this"), b=generator.sql(node, "expression"))

    return {Own: own_form, exp.Placeholder: lambda _, node: f"{_MARK}{node.name}{_MARK}"}


class _DuckDBGenerator(DuckDBGenerator):
    TRANSFORMS: ClassVar = {**DuckDBGenerator.TRANSFORMS, **_writes("duckdb")}


def _field_in_spark(generator: Generator, node: exp.Expression) -> str:
    """Spark 4.0 cuts off of a column what seems unread (NestedColumnAliasing): it takes a field of a field as one, with
    the keys in it, and where the same keys are read beside it, it forgets that the map is read at all ("Couldn't find
    _extract_elements"). A list of one between the fields keeps them apart; columns' own fields may stay together."""
    held = generator.sql(node, "this")
    if isinstance(node.this, exp.Dot) and not isinstance(_root(node), exp.Column):
        held = f"TRY_ELEMENT_AT(ARRAY({held}), 1)"
    return f"{held}.{generator.sql(node, 'expression')}"


def _root(node: exp.Expression) -> exp.Expression:
    while isinstance(node, exp.Dot):
        node = node.this
    return node


class _SparkGenerator(SparkGenerator):
    TRANSFORMS: ClassVar = {**SparkGenerator.TRANSFORMS, **_writes("spark"), exp.Dot: _field_in_spark}


class _DuckDB(DuckDB):
    Generator = _DuckDBGenerator


class _Spark(Spark):
    Generator = _SparkGenerator


_DIALECTS: Mapping[Engine, type[Dialect]] = {"duckdb": _DuckDB, "spark": _Spark}


class Written:
    """A query as text, but for its parameters. They are written into it: an engine that is given them apart works
    `$t - 86400000000` out for every row anew, and cannot leave out what lies outside."""

    def __init__(self, text: str, parameters: int) -> None:
        self._parts = text.split(_MARK)
        assert len(self._parts) == 2 * parameters + 1, "a parameter's mark stands where there is none"

    def given(self, parameters: Mapping[str, int]) -> str:
        return "".join(f"({parameters[part]})" if place % 2 else part for place, part in enumerate(self._parts))


def write(query: exp.Expression, engine: Engine) -> Written:
    """For one engine."""
    query = query.copy()
    if engine == "spark":
        for relation in query.find_all(exp.CTE):
            relation.set("materialized", None)  # Not in its grammar.
    parameters = sum(1 for _ in query.find_all(exp.Placeholder))
    return Written(query.sql(dialect=_DIALECTS[engine], copy=False), parameters)
