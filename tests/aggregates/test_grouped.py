"""What drawn histories seldom meet: the value with most events leaves as another comes."""

import msgspec
import pytest

from tactful.aggregates.grouped import GroupedOf
from tactful.aggregates.spec import CAP, AggregateSpec

SPEC = AggregateSpec("grouped", ("E",), value="x", older_us=12)


def test_the_best_has_left() -> None:
    aggregate = GroupedOf(SPEC)
    state = aggregate.new()
    for ref, (at, value) in enumerate([(1, "a"), (2, "a"), (10, "b"), (14, "c"), (15, "b")]):
        aggregate.fold(state, at, 0, ref, value, at)
        kept = {key: group.times for key, group in state.groups.items()}
        assert state.total == sum(map(len, kept.values()))
        assert len(kept[state.top or ""]) == max(map(len, kept.values()))
    assert kept == {"c": [14], "b": [10, 15]}
    assert [aggregate.count(state, now) for now in (15, 21, 22, 26, 27)] == [2, 2, 1, 1, 0]
    assert aggregate.next_change(state, 15) == 22
    assert aggregate.next_at_least(state, 3, 15) is None
    assert aggregate.next_at_least(state, 1, 15) == 27


def test_what_has_left_goes_when_it_is_half() -> None:
    aggregate = GroupedOf(SPEC)
    state = aggregate.new()
    for at in range(200):
        aggregate.fold(state, at, 0, at, "a", at)
        aggregate.fold(state, at, 0, at, at, at)
        assert len(state.groups["a"].times) <= 25
        assert aggregate.count(state, at) == min(at + 1, 12)
    assert state.total <= 25 + 12 + 1


@pytest.mark.parametrize("values", [["a"], ["a", "b", "c"], [*range(9_000)]], ids=["one", "few", "all different"])
def test_a_bot_stays_bounded(values: list[object]) -> None:
    aggregate = GroupedOf(AggregateSpec("grouped", ("E",), value="x", older_us=10**9))
    state = aggregate.new()
    for at in range(9_000):
        aggregate.fold(state, at, 0, at, values[at % len(values)], at)
        assert state.total <= CAP * 9 // 8
    assert aggregate.is_coarse(state, 9_000)
    assert len(msgspec.msgpack.encode(state)) < 20 * CAP * 9 // 8
    assert CAP // len(values) <= aggregate.count(state, 9_000) <= max(1, CAP * 9 // 8 // len(values))
