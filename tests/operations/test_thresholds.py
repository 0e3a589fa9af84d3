"""Thresholds over a house: the values that so many percent of the people have at most, when it is time."""

import pytest
from msgspec.structs import replace

from tactful.kernel.definitions import read_project
from tactful.kernel.state import decode_partition
from tactful.operations.evaluation.evaluate_lines import Line
from tactful.operations.seeds.thresholds import Thresholds, compared, scheduled
from tactful.runtime.settings import Settings
from tactful.runtime.settings_thresholds import ThresholdSettings
from tactful.values import HOUR_US, parse_time
from tests.histories import Life, lived

FILES = {
    "metrics/spend.yaml": 'value: sum("Order Completed", total)\n',
    "segments/top.yaml": 'when: percentile("spend") >= 80\n',
    "segments/low.yaml": 'when: percentile("spend") < 7.5 and percentile("churn") >= 50\n',
}


def line(number: int, user: int, total: float | None) -> Line:
    at = f"2026-01-02T10:00:{number:02}Z"
    event = {"type": "track", "event": "Order Completed", "properties": {"total": total}}
    body = event if total is not None else {"type": "identify", "traits": {"plan": "free"}}
    return body | {"userId": f"u{user}", "messageId": f"m{number}", "timestamp": at, "receivedAt": at}


LINES = [line(user, user, 10.0 * user) for user in range(1, 11)] + [line(11, 11, None)]


def instant(text: str) -> int:
    at = parse_time(text)
    assert at is not None
    return at


def known(life: Life, partition: int = 0) -> dict[str, dict[float, float]]:
    state = decode_partition(life.house.store(partition).checkpoint().partition_state)
    return {metric: {percent: one.value for percent, one in by.items()} for metric, by in state.thresholds.items()}


def test_what_a_project_compares_with() -> None:
    found = {one.name: one.percents for one in compared(read_project(FILES, is_strict=False))}
    assert found == {"churn": (50,), "spend": (7.5, 80)}


def test_the_least_value_that_so_many_percent_have_at_most() -> None:
    life = lived(FILES, LINES)
    told = Thresholds(life.house, life.history()).tell()
    # A sum of nothing is 0: who never ordered has a value as well. Nobody has a score.
    assert [(one.metric, one.percent, one.value, one.people) for one in told] == [
        ("spend", 7.5, 0.0, 11),
        ("spend", 80, 80.0, 11),
    ]
    life.settle()
    for partition in range(2):
        assert known(life, partition) == {"spend": {7.5: 0.0, 80: 80.0}}
    (number,) = [rule.number for rule in life.workers[0].plan.segments if rule.name == "top"]
    assert sum(worker.state.members.get(number, 0) for worker in life.workers) == 3


@pytest.mark.parametrize(("percent", "people", "value"), [(0.1, 1000, 1), (7, 100, 7), (50, 3, 2), (99.9, 1000, 999)])
def test_percentages_are_exact(percent: float, people: int, value: int) -> None:
    """0.07 * 100 is 7.000000000000001 in floating point."""
    from tactful.operations.seeds.thresholds import _place

    assert _place(percent, people) + 1 == value


def test_at_once_when_new_and_then_by_the_clock() -> None:
    life = lived(FILES | {"segments/low.yaml": 'when: percentile("spend") < 7.5\n'}, LINES)
    one = Thresholds(life.house, life.history())
    assert len(one.turn()) == 2
    life.settle()
    assert one.turn() == []
    assert one.next_turn() == instant("2026-01-03T03:00:00Z")
    life.until(instant("2026-01-03T03:00:00Z"))
    assert len(one.turn()) == 2


def test_what_nobody_has_is_not_asked_for_again_and_again() -> None:
    life = lived({"segments/risky.yaml": 'when: percentile("churn") >= 50\n'}, LINES)
    one = Thresholds(life.house, life.history())
    assert one.turn() == []
    assert one.next_turn() == instant("2026-01-03T03:00:00Z")


def test_nothing_is_asked_where_nothing_is_compared() -> None:
    life = lived({"segments/any.yaml": 'when: any("Order Completed")\n'}, LINES)
    one = Thresholds(life.house, life.history())
    assert (one.next_turn(), one.turn(), one.tell()) == (None, [], [])


def test_schedules() -> None:
    at = instant("2026-03-28T12:00:00Z")  # The night after, the clock goes from two to three in Berlin.
    assert scheduled(ThresholdSettings(), "Europe/Berlin", at) == instant("2026-03-29T01:00:00Z")
    assert scheduled(ThresholdSettings(every="6h"), "UTC", at) == at + 6 * HOUR_US
    assert scheduled(ThresholdSettings(at=""), "UTC", at) is None


def test_settings() -> None:
    from tactful.runtime.settings_thresholds import threshold_problem

    assert threshold_problem(Settings().thresholds) is None
    for wrong in (ThresholdSettings(at="3:00"), ThresholdSettings(at="24:00"), ThresholdSettings(every="1s")):
        assert threshold_problem(wrong) is not None
    assert threshold_problem(replace(ThresholdSettings(), at="", every="6h")) is None
