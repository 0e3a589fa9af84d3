"""Bugs that the SQL, or the history that it reads, might have."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace
from sqlglot import exp

from tactful.history import cells, producer
from tactful.history.cells import zone_rows
from tactful.language import tree
from tactful.language.sql import build, consents, events, operators, relations, seeing, sequences
from tactful.language.sql import collections as sql_collections
from tactful.language.sql import sessions as sql_sessions
from tactful.language.sql import traits as sql_traits
from tactful.operations.evaluation import evaluate_sql, evaluate_ties
from tactful.operations.evaluation.evaluate_lines import read_lines
from tactful.people import seen
from tests.parity.planted import Garden, Patch

sql = Garden("sql")


@sql("any last=", "count last=", "sum between=")
def a_filter_includes_the_old_end(patch: Patch) -> None:
    def within(moment: build.Sql, window: tree.Window | None) -> build.Sql:
        if window is None:
            return build.TRUE
        begin, end = (build.calculated("-", build.T, build.whole(us)) for us in (window.older_us, window.newer_us))
        return build.both(build.compared(">=", moment, begin), build.compared("<=", moment, end))

    patch.setattr(events, "within", within)


@sql("count", "latest", "trait")
def what_is_received_at_the_instant_is_not_seen(patch: Patch) -> None:
    def visible(self: relations.Query, alias: str, table: str = "") -> build.Sql:
        return build.compared("<", build.column(alias, "received_at"), build.T)

    patch.setattr(relations.Query, "visible", visible)


@sql("count", "latest", "sum")
def what_has_happened_is_seen_before_it_is_received(patch: Patch) -> None:
    def visible(self: relations.Query, alias: str, table: str = "") -> build.Sql:
        name = "timestamp" if alias == "e" else "received_at"
        return build.compared("<=", build.column(alias, name), build.T)

    patch.setattr(relations.Query, "visible", visible)


@sql("first value", "latest value")
def rows_of_one_instant_stand_the_other_way_round(patch: Patch) -> None:
    back = build.calculated("-", build.whole(0), build.column("e", "ref"))
    patch.setattr(events, "_ORDER", [build.column("e", "timestamp"), back])


@sql("not", "!=", "not in name")
def what_is_null_is_not_false(patch: Patch) -> None:
    patch.setattr(build, "surely", lambda part: part)


@sql("sum", "avg")
def millionths_are_cut_in_sql(patch: Patch) -> None:
    patch.setattr(build, "millionths", lambda value: build.floored(build.calculated("*", value, build.number(1e6))))


@sql("count same=", "distinct")
def rows_are_counted_where_different_ones_are_asked(patch: Patch) -> None:
    patch.setattr(build, "different", build.count)


@sql("contains", "starts_with", "ends_with")
def a_part_of_a_text_is_a_pattern(patch: Patch) -> None:
    def like(this: build.Sql, expression: build.Sql) -> build.Sql:
        percent = build.text("%")
        return exp.Like(this=this, expression=exp.Concat(expressions=[percent, expression, percent]))

    patch.setattr(operators, "_TESTS", dict.fromkeys(operators._TESTS, like))


@sql("count", "sum", "trait")
def repeats_are_in_the_history(patch: Patch) -> None:
    patch.setattr(evaluate_sql, "read_lines", lambda lines, naming: read_lines(lines, naming, with_repeats=True))
    patch.setattr(seen, "is_repeat", lambda *about: False)


@sql("count", "avg", "in name")
def true_is_written_as_a_number(patch: Patch) -> None:
    put = cells.Cells.put
    patch.setattr(cells.Cells, "put", lambda self, key, value: put(self, key, float(value) if value is True else value))


@sql("local_hour", "active_days")
def the_history_knows_one_offset_of_each_zone(patch: Patch) -> None:
    def rows(names: Iterable[str], from_us: int, until_us: int) -> Iterator[cells.ZoneRow]:
        for row in zone_rows(names, from_us, until_us):
            if row.from_us <= from_us:
                yield cells.ZoneRow(row.zone, row.from_us, until_us + 1, row.offset_us)

    patch.setattr(evaluate_sql, "zone_rows", rows)


@sql("trait", "profile.")
def the_first_write_counts_where_the_last_should(patch: Patch) -> None:
    chosen = sql_traits._chosen
    patch.setattr(sql_traits, "_chosen", lambda rule, written: (*chosen(rule, written)[:2], True))


@sql("trait", "in name")
def unions_stand_in_order_of_receipt(patch: Patch) -> None:
    order = ("received_at", "timestamp", "ref")
    patch.setattr(sql_traits, "ORDER", order)
    patch.setattr(sql_traits, "_ORDER", [build.column("w", name) for name in order])


@sql("sessions", "session_length", "avg_session_length")
def a_gap_still_belongs_to_its_session_in_sql(patch: Patch) -> None:
    every = sql_sessions._every
    patch.setattr(sql_sessions, "_every", lambda query, gap_us: every(query, gap_us + 1))


@sql("collection lines", "collection quantity", "collection items")
def a_cart_is_cleared_in_order_of_receipt(patch: Patch) -> None:
    patch.setattr(sql_collections, "ORDER", ("received_at", "timestamp", "ref"))


@sql("not at the end", "not between")
def nothing_bars_a_sequence(patch: Patch) -> None:
    patch.setattr(sequences._Chain, "_bars", lambda self, place: False)


# ---- who is who ------------------------------------------------------------------------------------------------------


@sql("count", "sum", "latest")
def a_fragment_is_where_it_came_first(patch: Patch) -> None:
    persons = relations.Query._persons

    def first(self: relations.Query) -> build.Select:
        with patch.context() as within:
            within.setattr(build, "at_greatest", build.at_least)
            return persons(self)

    patch.setattr(relations.Query, "_persons", first)


@sql("count", "sum", "trait")
def a_tie_counts_before_it_is_made(patch: Patch) -> None:
    persons = relations.Query._persons

    def known(self: relations.Query) -> build.Select:
        with patch.context() as within:
            within.setattr(seeing.Seeing, "_in_time", lambda self, *about: build.TRUE)
            return persons(self)

    patch.setattr(relations.Query, "_persons", known)


@sql("consents")
def a_grant_counts_whoever_is_left(patch: Patch) -> None:
    patch.setattr(consents, "_BY", relations.FRAGMENT)


@sql("count", "trait")
def all_periods_of_a_device_are_one(patch: Patch) -> None:
    def whole(*about: Any) -> Iterator[cells.Item]:
        for item in producer.produce(*about):
            if isinstance(item, cells.IdentityRow):
                for epoch in range(1, item.epoch + 1):
                    yield replace(item, epoch=epoch)
            else:
                yield item

    patch.setattr(evaluate_ties, "produce", whole)
