"""Sessions in SQL (LANGUAGE.md 6.3): gaps and islands over the times of a person's "*" events."""

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.events import match, within
from tactful.language.sql.relations import Query
from tactful.language.sql.values import Scalar, Value
from tactful.language.tree import Sessions
from tactful.language.types import DURATION, NUMBER


def sessions(query: Query, node: Sessions) -> Value:
    every = _every(query, node.gap_us)
    is_meant = within(column("q", "begin"), node.window)
    length = build.calculated("-", column("q", "end"), column("q", "begin"))

    def relation(name: str, value: Sql) -> Sql:
        def write(_: str) -> Select:
            person = column("q", "person")
            mine = build.select({name: column(every, name) for name in ("person", "begin", "end")}, every)
            return build.select({"person": person, "v": value}, (mine, "q"), is_meant, [person])

        return column(query.relation(f"{name} {every} {is_meant.sql()}", write), "v")

    match node.function:
        case "sessions":
            found = relation("sessions", exp.Count(this=exp.Star()))
            return Scalar(NUMBER, build.cast(build.coalesced(found, build.whole(0)), "number"), is_sure=True)
        case "session_length":
            newest = build.at_greatest(build.struct({"length": length}), column("q", "begin"))
            return Scalar(DURATION, build.field(relation("newest", newest), "length"))
        case "avg_session_length":
            together = build.cast(build.total(length), "whole")
            return Scalar(DURATION, relation("average", build.halved(together, exp.Count(this=exp.Star()))))


def _every(query: Query, gap_us: int) -> str:
    """The relation (person, begin, end) of everybody's sessions."""
    mask = query.rows.mask(match(query, ("*",), None, None))

    def write(_: str) -> Select:
        order = ("timestamp", "ref")
        mine = build.select({name: column("r", name) for name in ("person", *order)}, "r", mask)
        person, at, ref = (column("q", name) for name in ("person", *order))
        since = build.calculated("-", at, build.over(exp.Lag(this=at), [person], [at, ref]))
        goes_on = build.compared("<", since, build.whole(gap_us))
        begins = build.select(
            {
                "person": person,
                "timestamp": at,
                "ref": ref,
                "begins": build.when(goes_on, build.whole(0), build.whole(1)),
            },
            (mine, "q"),
        )
        number = build.over(build.total(column("q", "begins")), [person], [at, ref], "so far")
        numbered = build.select({"person": person, "timestamp": at, "number": number}, (begins, "q"))
        columns = {"person": person, "begin": build.least(at), "end": build.greatest(at)}
        return build.select(columns, (numbered, "q"), by=[person, column("q", "number")])

    return query.relation(f"every session {gap_us}", write, is_joined=False)
