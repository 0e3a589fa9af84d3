"""Bugs that we might have made, planted one at a time: the parity test must see each within a few small batches."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from math import floor
from typing import Any, NamedTuple

import pytest
from sqlglot import exp

from tactful.aggregates import days, distinct, grouped, ordered, scalars, total, window
from tactful.events import zones
from tactful.history import cells
from tactful.history.cells import zone_rows
from tactful.language import emit, generate, meaning, tree
from tactful.language.sql import build, events, operators, relations
from tactful.operations import evaluate_sql
from tactful.operations.evaluate_lines import read_lines
from tactful.people import scores, seen, traits
from tactful.people import zones as person_zones
from tactful.values import DAY_US, SECOND_US
from tests.parity.batches import ENGINES, Batch, Size, batch, differences

Patch = pytest.MonkeyPatch
SIZES = {"live": Size(12, 60, 20), "sql": Size(10, 80, 6)}
MOST_BATCHES = 4


class Planted(NamedTuple):
    engine: str
    about: tuple[str, ...]
    """Constructs of which the expressions have at least one."""
    plant: Callable[[Patch], None]


PLANTED: list[Planted] = []


def live(*about: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    def register(plant: Callable[[Patch], None]) -> Callable[[Patch], None]:
        PLANTED.append(Planted("live", about, plant))
        return plant

    return register


def sql(*about: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    def register(plant: Callable[[Patch], None]) -> Callable[[Patch], None]:
        PLANTED.append(Planted("sql", about, plant))
        return plant

    return register


# ---- windows and instants --------------------------------------------------------------------------------------------


@live("sum last=", "max last=", "first last=")
def a_window_includes_its_old_end(patch: Patch) -> None:
    def inside(self: window.Windowed, times: list[int], now: int) -> tuple[int, int]:
        low = bisect_left(times, now - self.older)
        return low, bisect_right(times, now - self.newer, low)

    patch.setattr(window.Windowed, "inside", inside)


@live("sum between=", "count between=", "any between=")
def a_window_of_the_past_lets_in_a_microsecond_early(patch: Patch) -> None:
    def inside(self: window.Windowed, times: list[int], now: int) -> tuple[int, int]:
        low = bisect_right(times, now - self.older)
        return low, bisect_right(times, now - self.newer + 1, low) if self.newer else len(times)

    patch.setattr(window.Windowed, "inside", inside)


@live("sum last=", "min last=", "count between=")
def the_next_change_is_told_a_microsecond_late(patch: Patch) -> None:
    right = window.Windowed.next_edge

    def late(self: window.Windowed, times: list[int], now: int) -> int | None:
        edge = right(self, times, now)
        return None if edge is None else edge + 1

    patch.setattr(window.Windowed, "next_edge", late)


@live("sum last=", "avg last=")
def amounts_are_forgotten_a_day_early(patch: Patch) -> None:
    let_go = total.WindowTotalOf.let_go
    patch.setattr(total.WindowTotalOf, "let_go", lambda self, state, now: let_go(self, state, now + DAY_US))


@live("distinct last=")
def a_late_event_makes_a_value_older(patch: Patch) -> None:
    def fold(self: Any, state: distinct.Distinct, at: int, lag: int, ref: int, value: Any, now: int) -> None:
        if at > now - self.older:
            state.newest.update(dict.fromkeys(scalars.keys(value), at))
            state.newest = dict(sorted(state.newest.items(), key=lambda item: item[1]))

    patch.setattr(distinct.DistinctOf, "fold", fold)


# ---- order and lateness ----------------------------------------------------------------------------------------------


@live("first value", "latest value")
def of_one_instant_the_first_received_comes_last(patch: Patch) -> None:
    def keeps(self: Any, state: ordered.Ordered, order: tuple[int, int, int]) -> bool:
        kept, other = (state.times[0], -state.refs[0]), (order[0], -order[2])
        return kept < other if isinstance(self, ordered.Earliest) else kept > other

    patch.setattr(ordered.Earliest, "_is_kept", keeps)
    patch.setattr(ordered.Latest, "_is_kept", keeps)


@live("sum last=", "avg last=")
def late_amounts_are_lost(patch: Patch) -> None:
    fold = total.WindowTotalOf.fold

    def timely(self: Any, state: total.WindowTotal, at: int, *rest: Any) -> None:
        if not state.times or at >= state.times[-1]:
            fold(self, state, at, *rest)

    patch.setattr(total.WindowTotalOf, "fold", timely)


@live("trait", "profile.")
def null_does_not_clear_a_trait(patch: Patch) -> None:
    write = traits.write

    def kept(known: dict[str, traits.TraitWrite], values: Mapping[str, Any], *rest: Any) -> Any:
        return write(known, {name: value for name, value in values.items() if value is not None}, *rest)

    patch.setattr(traits, "write", kept)


@live("trait", "profile.")
def the_trait_that_came_last_wins(patch: Patch) -> None:
    patch.setattr(traits.TraitWrite, "order", lambda self: (self.received_at, self.ref))


@live("score")
def the_first_score_stays(patch: Patch) -> None:
    patch.setattr(scores.ScoreWrite, "order", lambda self: (-self.received_at, -self.ref))


@live("count", "sum")
def a_repeat_counts_again(patch: Patch) -> None:
    patch.setattr(seen, "is_repeat", lambda known, entry: False)


# ---- values ----------------------------------------------------------------------------------------------------------


@live("!=")
def not_equal_wants_a_value(patch: Patch) -> None:
    right = generate.Generator.condition

    def condition(self: generate.Generator, node: tree.Node) -> Any:
        match node:
            case tree.Not(part=tree.Compare(op="==", left=left)):
                there = tree.Not(tree.IsMissing(left, node.span), node.span)
                return emit.both([right(self, there), right(self, node)])
        return right(self, node)

    patch.setattr(generate.Generator, "condition", condition)


@live("in name", "len")
def lists_within_lists_stay_closed(patch: Patch) -> None:
    def flat(value: object) -> Iterable[object]:
        if value is not None:
            yield value

    patch.setattr(meaning, "_flat", flat)


@live("sum")
def millionths_are_cut(patch: Patch) -> None:
    def amounts(value: Any) -> list[int]:
        return [int(found * 1e6) for found in scalars.numbers(value) if abs(found) < scalars.SUMMABLE]

    patch.setattr(total, "amounts", amounts)


@live("sum", "avg")
def true_is_summed_as_one(patch: Patch) -> None:
    def amounts(value: Any) -> list[int]:
        every = value if isinstance(value, list) else [value]
        return [floor(one * 1e6 + 0.5) for one in every if isinstance(one, int | float) and abs(one) < scalars.SUMMABLE]

    patch.setattr(total, "amounts", amounts)


@live("distinct", "count same=")
def true_is_one_as_in_python(patch: Patch) -> None:
    def keys(value: Any) -> list[Any]:
        every = value if isinstance(value, list) else [value]
        return list(dict.fromkeys(one for one in every if isinstance(one, str | int | float)))

    patch.setattr(distinct, "keys", keys)
    patch.setattr(grouped, "keys", keys)


@live("count same=")
def an_event_counts_twice_for_a_value(patch: Patch) -> None:
    def keys(value: Any) -> list[Any]:
        every = value if isinstance(value, list) else [value]
        return [found for one in every if (found := scalars.key(one)) is not None]

    patch.setattr(grouped, "keys", keys)


@live("lower")
def lower_case_as_python_has_it(patch: Patch) -> None:
    patch.setattr(meaning, "_lowered", str.lower)


@live("percentile >=")
def a_percentile_is_passed_not_reached(patch: Patch) -> None:
    def reaches(value: object, thresholds: Mapping[float, float] | None, percent: float) -> bool:
        return meaning.less((thresholds or {}).get(percent), value)

    patch.setattr(meaning, "reaches", reaches)


# ---- zones -----------------------------------------------------------------------------------------------------------


@live("local_hour", "active_days")
def clocks_never_change(patch: Patch) -> None:
    span = zones.Zone.span
    patch.setattr(zones.Zone, "span", lambda self, at: (span(self, 1_740_000_000 * SECOND_US)[0], None))


@live("local_hour")
def the_zone_that_came_last_counts(patch: Patch) -> None:
    see = person_zones.see
    patch.setattr(person_zones, "see", lambda before, *call: see(None, *call) or before)


@live("active_days")
def days_are_those_of_utc(patch: Patch) -> None:
    dates = days._dates
    patch.setattr(days, "_dates", lambda times, name: dates(times, "UTC"))


# ---- SQL -------------------------------------------------------------------------------------------------------------


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
    def visible(self: relations.Query, table: str) -> build.Sql:
        return build.compared("<", build.column(table, "received_at"), build.T)

    patch.setattr(relations.Query, "_visible", visible)


@sql("count", "latest", "sum")
def what_has_happened_is_seen_before_it_is_received(patch: Patch) -> None:
    def visible(self: relations.Query, table: str) -> build.Sql:
        name = "timestamp" if table == "e" else "received_at"
        return build.compared("<=", build.column(table, name), build.T)

    patch.setattr(relations.Query, "_visible", visible)


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
    patch.setattr(evaluate_sql, "read_lines", lambda lines: read_lines(lines, with_repeats=True))


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


# ---- catching --------------------------------------------------------------------------------------------------------


@cache
def sharp(seed: int, engine: str, about: tuple[str, ...]) -> Batch:
    return batch(seed, SIZES[engine], about=about)


def differs(bug: Planted, seed: int) -> bool:
    drawn = sharp(seed, bug.engine, bug.about)
    return next(differences(drawn, {bug.engine: ENGINES[bug.engine]}), None) is not None


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.plant.__name__)
def test_a_planted_bug_is_caught(bug: Planted, monkeypatch: Patch) -> None:
    sharp(0, bug.engine, bug.about)  # Drawn before anything is wrong.
    bug.plant(monkeypatch)
    assert any(differs(bug, seed) for seed in range(MOST_BATCHES))


@pytest.mark.long
@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.plant.__name__)
def test_nothing_is_caught_where_nothing_is_planted(bug: Planted) -> None:
    assert not any(differs(bug, seed) for seed in range(MOST_BATCHES))
