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


def _writes(engine: Engine) -> Callable[[Generator, exp.Expression], str]:
    def written(generator: Generator, node: exp.Expression) -> str:
        form = FORMS[str(node.args["form"])][engine]
        return form.format(a=generator.sql(node, "this"), b=generator.sql(node, "expression"))

    return written


class _DuckDBGenerator(DuckDBGenerator):
    TRANSFORMS: ClassVar = {**DuckDBGenerator.TRANSFORMS, Own: _writes("duckdb")}


class _SparkGenerator(SparkGenerator):
    TRANSFORMS: ClassVar = {**SparkGenerator.TRANSFORMS, Own: _writes("spark")}


class _DuckDB(DuckDB):
    Generator = _DuckDBGenerator


class _Spark(Spark):
    Generator = _SparkGenerator


_DIALECTS: Mapping[Engine, type[Dialect]] = {"duckdb": _DuckDB, "spark": _Spark}


def write(query: exp.Expression, engine: Engine) -> str:
    """A query as text, for one engine."""
    if engine == "spark":
        query = query.copy()
        for relation in query.find_all(exp.CTE):
            relation.set("materialized", None)  # Not in its grammar.
    return query.sql(dialect=_DIALECTS[engine])
