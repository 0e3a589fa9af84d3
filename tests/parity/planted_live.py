"""Bugs that the live engine might have."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from math import floor
from typing import Any

from msgspec.structs import replace

from tactful.aggregates import (
    collection,
    days,
    distinct,
    grouped,
    ordered,
    scalars,
    sequence,
    sessions,
    total,
    window,
)
from tactful.aggregates.spec import AggregateSpec
from tactful.consent import permits
from tactful.events import zones
from tactful.kernel import fragments
from tactful.kernel.state import Profile
from tactful.language import emit, generate, meaning, tree
from tactful.language.vocabulary import TraitRule
from tactful.people import identity, scores, seen, traits
from tactful.people import zones as person_zones
from tactful.values import DAY_US, SECOND_US
from tests.parity.planted import Garden, Patch

live = Garden("live")


# ---- windows and instants --------------------------------------------------------------------------------------------


@live("sum last=", "max last=", "first last=")
def a_window_includes_its_old_end(patch: Patch) -> None:
    def inside(self: window.Windowed, times: list[int], now: int) -> tuple[int, int]:
        low = bisect_left(times, now - self.older)
        return low, bisect_right(times, now - self.newer, low)

    edge = window.Windowed.next_edge

    def next_edge(self: window.Windowed, times: list[int], now: int) -> int | None:
        """Always later, or time would stand still."""
        found = edge(self, times, now)
        return found if found is None else max(found, now + 1)

    patch.setattr(window.Windowed, "inside", inside)
    patch.setattr(window.Windowed, "next_edge", next_edge)


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

    def kept(known: dict[str, traits.TraitWrite], values: Mapping[str, Any], *rest: Any, **more: Any) -> Any:
        return write(known, {name: value for name, value in values.items() if value is not None}, *rest, **more)

    patch.setattr(traits, "write", kept)


@live("trait", "profile.")
def the_trait_that_came_last_wins(patch: Patch) -> None:
    patch.setattr(traits.TraitWrite, "order", lambda self: (self.received_at, self.ref, 0))


@live("trait", "profile.")
def of_tied_people_the_first_one_s_traits_count(patch: Patch) -> None:
    patch.setattr(traits, "shown", lambda rule, writes: writes[0].value)


@live("trait", "profile.")
def a_late_write_under_a_rule_is_lost(patch: Patch) -> None:
    fold = traits.fold

    def timely(rule: TraitRule, one: traits.TraitWrite, other: traits.TraitWrite) -> traits.TraitWrite:
        return one if rule.merge != "newest" and other.order() < one.order() else fold(rule, one, other)

    patch.setattr(traits, "fold", timely)


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
        every = [1.0 if one is True else 0.0 if one is False else one for one in every]
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


# ---- sequences, sessions, carts --------------------------------------------------------------------------------------


@live("sequence")
def a_late_step_is_overlooked(patch: Patch) -> None:
    fold = sequence.SequenceOf.fold

    def timely(self: Any, state: sequence.Sequence, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        return (not state.keys or (at, lag, ref) > state.keys[-1][:3]) and fold(self, state, at, lag, ref, value, now)

    patch.setattr(sequence.SequenceOf, "fold", timely)


@live("sequence within=")
def a_sequence_may_take_a_microsecond_more(patch: Patch) -> None:
    init = sequence.SequenceOf.__init__

    def longer(self: Any, spec: AggregateSpec) -> None:
        init(self, replace(spec, within_us=spec.within_us and spec.within_us + 1))

    patch.setattr(sequence.SequenceOf, "__init__", longer)


@live("not between", "not twice")
def what_is_between_is_not_looked_at(patch: Patch) -> None:
    init = sequence.SequenceOf.__init__

    def blind(self: Any, spec: AggregateSpec) -> None:
        init(self, spec)
        self.gaps[:-1] = [0] * (len(self.gaps) - 1)

    patch.setattr(sequence.SequenceOf, "__init__", blind)


@live("sessions", "session_length", "avg_session_length")
def a_late_event_joins_no_sessions(patch: Patch) -> None:
    fold = sessions.SessionsOf.fold

    def timely(self: Any, state: sessions.Sessions, at: int, *rest: Any) -> None:
        if not state.ends or at >= state.ends[-1]:
            fold(self, state, at, *rest)

    patch.setattr(sessions.SessionsOf, "fold", timely)


@live("sessions", "session_length", "avg_session_length")
def a_gap_still_belongs_to_its_session(patch: Patch) -> None:
    init = sessions.SessionsOf.__init__
    patch.setattr(sessions.SessionsOf, "__init__", lambda self, spec: init(self, replace(spec, gap_us=spec.gap_us + 1)))


@live("collection lines", "collection quantity", "collection items")
def a_late_order_empties_the_cart(patch: Patch) -> None:
    def clear(state: collection.Collection, order: tuple[int, int, int]) -> None:
        state.cleared = order
        collection._drop(state, len(state.orders))

    patch.setattr(collection, "_clear", clear)


@live("collection value", "collection items")
def a_line_looks_like_its_first_addition(patch: Patch) -> None:
    def show_first(state: collection.Collection, line: Any) -> None:
        mine = [place for place, key in enumerate(state.keys) if key == line and state.shown[place] is not None]
        for place in mine[1:]:
            state.shown[place] = None

    patch.setattr(collection, "_show_newest", show_first)


# ---- who is who ------------------------------------------------------------------------------------------------------


@live("count", "sum", "latest value")
def a_merge_leaves_the_other_half_out(patch: Patch) -> None:
    def merge(profile: Profile, aggregates: Any) -> None:
        profile.view = None

    patch.setattr(fragments, "merge", merge)


@live("count", "trait")
def a_device_stays_with_its_first_owner(patch: Patch) -> None:
    patch.setattr(identity.Rules, "may_move", lambda self, key, owner, by: False)


@live("count", "trait", "latest")
def what_came_before_the_tie_does_not_come_back(patch: Patch) -> None:
    patch.setattr(fragments, "returning", lambda held, edge: {})


@live("consents")
def a_grant_of_somebody_else_is_kept(patch: Patch) -> None:
    right = permits.effective

    def effective(own: Any, covered: Mapping[str, Mapping[str, Any]], with_: Any) -> Any:
        return right(own, covered, {fragment for each in covered.values() for fragment in each})

    patch.setattr(fragments, "effective", effective)


@live("consents")
def a_decision_is_of_its_own_fragment_alone(patch: Patch) -> None:
    patch.setattr(permits, "cover", lambda *about: False)
