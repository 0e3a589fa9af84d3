"""What an expression asks of a person, in SQL: its leaves, each over the relation that knows it."""

from tactful.language.sql import build, collections, events
from tactful.language.sql.build import Sql, column
from tactful.language.sql.defaults import Defaults, permitted
from tactful.language.sql.operators import Operators, compare
from tactful.language.sql.relations import RECEIPT, Query
from tactful.language.sql.sequences import sequence
from tactful.language.sql.sessions import sessions
from tactful.language.sql.traits import trait
from tactful.language.sql.values import Scalar, Value
from tactful.language.sql.zones import clock
from tactful.language.tree import (
    Aggregate,
    AtLeast,
    Clock,
    Consents,
    InSegment,
    Node,
    Now,
    Part,
    Percentile,
    Score,
    Sequence,
    Sessions,
    Trait,
)
from tactful.language.types import NUMBER, TIME


class OverPerson(Operators):
    """Expressions of the person scope."""

    def __init__(self, query: Query, defaults: Defaults) -> None:
        self._query = query
        self._defaults = defaults

    def leaf(self, node: Node) -> Value:
        match node:
            case Trait(path=path):
                return trait(self._query, path)
            case Part():
                return collections.part(self._query, node)
            case Aggregate():
                return events.aggregate(self._query, node)
            case Sessions():
                return sessions(self._query, node)
            case Now():
                return Scalar(TIME, build.cast(build.T, "whole"), is_sure=True)
            case Clock(function=function):
                return clock(self._query, function)
            case Score(model=model):
                return Scalar(NUMBER, self._score(model))
            case _:
                raise AssertionError(node)

    def leaf_truth(self, node: Node) -> Sql | None:
        match node:
            case InSegment(tree=tree):
                return self.truth(tree)
            case Percentile(name=name, value=value, op=op, percent=percent):
                threshold = Scalar(NUMBER, self._threshold(name, percent))
                return compare(op, self.value(value), threshold)
            case Consents(purpose=purpose):
                return permitted(self._query, purpose, self._defaults)
            case AtLeast(count=count, n=n):
                return compare(">=", self.value(count), Scalar(NUMBER, build.number(n), is_sure=True))
            case Sequence():
                return sequence(self._query, node).flag()
            case _:
                return None

    def _score(self, model: str) -> Sql:
        is_mine = build.compared("==", column("w", "model"), build.text(model))
        return self._query.scores.row([column("w", name) for name in RECEIPT], is_mine)(column("w", "value"))

    def _threshold(self, name: str, percent: float) -> Sql:
        is_mine = build.both(
            build.compared("==", column("w", "metric"), build.text(name)),
            build.compared("==", column("w", "percent"), build.number(percent)),
        )
        return self._query.thresholds.row([column("w", name) for name in RECEIPT], is_mine)(column("w", "value"))
