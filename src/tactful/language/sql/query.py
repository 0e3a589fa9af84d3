"""Many expressions as one query: as of any instant, known then or happened by then, and where asked for as of
positions in the logs (seeing.py).

The query is a tree of sqlglot's; engines.write gives the text for an engine. Its parameters are `t`, the instant in
microseconds, and for each partition named `ref_N`, the last ref of it that counts. Rows come in no order, one for
everybody who is known.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlglot import exp

from tactful.language.sql.defaults import NO_DEFAULTS, Defaults
from tactful.language.sql.layout import Layout
from tactful.language.sql.persons import OverPerson
from tactful.language.sql.relations import Query
from tactful.language.sql.seeing import KNOWN, Seeing
from tactful.language.sql.values import of_kind
from tactful.language.tree import Node
from tactful.language.vocabulary import NO_RULES, TraitRules


class Column(NamedTuple):
    """Where in a row an expression's value stands, and what it is made of."""

    begin: int
    end: int
    read: Callable[[Sequence[Any]], Any]


class Asked(NamedTuple):
    """`columns` by the expression's name; the first column of a row is the person."""

    query: exp.Select
    columns: Mapping[str, Column]

    def values(self, row: Sequence[Any]) -> dict[str, Any]:
        """Of one person: values of the language, None for missing."""
        return {name: read(row[begin:end]) for name, (begin, end, read) in self.columns.items()}


def ask(
    expressions: Mapping[str, Node],
    *,
    layout: Layout,
    time_zone: str = "UTC",
    seeing: Seeing = KNOWN,
    has_ties: bool = True,
    defaults: Defaults = NO_DEFAULTS,
    rules: TraitRules = NO_RULES,
    kinds: Mapping[str, str] | None = None,
) -> Asked:
    """Checked trees over a person, by a name of the asker's. `seeing`: which rows count. `has_ties`: False where the
    table `identity` is known to be empty, for then nobody looks there. `defaults`: what is permitted where nobody has
    decided. `rules` of traits. `kinds`: of these expressions one column of this kind, null where the value has another;
    else as many as it takes to hold the value whatever it is."""
    query = Query(layout, time_zone, seeing, has_ties=has_ties, rules=rules)
    over = OverPerson(query, defaults)
    selected: dict[str, exp.Expression] = {}
    columns: dict[str, Column] = {}
    for name, node in expressions.items():
        value = over.value(node)
        shown = (of_kind(value, kinds[name]) if kinds is not None and name in kinds else value).shown()
        begin = 1 + len(selected)
        for column in shown.columns:
            selected[f"v{len(selected)}"] = column
        columns[name] = Column(begin, 1 + len(selected), shown.read)
    return Asked(query.select(selected), columns)
