"""What differs is told so that somebody can mend it: the least case, all answers, in the form of specs/."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import pytest

from tactful.aggregates import window
from tactful.operations.evaluation import cases
from tactful.operations.evaluation.evaluate_lines import Answers, Question
from tests.parity.__main__ import show
from tests.parity.batches import ENGINES, Batch, Size, batch, differences

LIVE = {"live": ENGINES["live"]}


def _drawn(seed: int = 2) -> Batch:
    return batch(seed, Size(8, 40, 12), about=("sum last=", "max last="))


def _reports(**changed: Any) -> Iterator[str]:
    """Of batches, as long as somebody asks."""
    return (show(_drawn(seed)._replace(**changed), LIVE, 1) for seed in range(12))


def _found(report: str) -> cases.Case:
    begin = report.index("\n{\n")
    (case,) = cases.read_cases(f"[{report[begin:]}]".encode(), "report")
    return case


def test_a_difference_is_shrunk_to_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def inside(self: window.Windowed, times: list[int], now: int) -> tuple[int, int]:
        return bisect_left(times, now - self.older), len(times)

    with monkeypatch.context() as planted:
        planted.setattr(window.Windowed, "inside", inside)
        report = next(filter(None, _reports(texts=['max("A", n * 2, where=n > 0, last="1d") + 1'])))
        case = _found(report)
        assert list(cases.differences(case, LIVE["live"], Question({})))
    assert "oracle {" in report and "    live " in report and "<--" in report
    assert len(case.events) == len(case.checks) == 1
    assert case.expr in ("max('A', n, last='1d')", "max('A', 2, last='1d')") and not case.files
    assert list(cases.differences(case, LIVE["live"], Question({}))) == []


def test_an_engine_that_forgets_to_look_again_is_told_as_contradicting_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(window.Windowed, "next_edge", lambda self, times, now: None)
        report = next(one for one in _reports() if "as a segment it has this person" in one)
    assert "live failed: AssertionError" in report
    assert len(_found(report).events) <= 3


@pytest.mark.parametrize("least", [1, 8])
def test_of_several_contradictions_one_is_told_also_one_that_no_expression_has_alone(least: int) -> None:
    def answers(question: Question, *told: Any) -> Answers:
        assert len(question.expressions) < least, "too many"
        return LIVE["live"](question, *told)

    (one,) = differences(_drawn(), {"live": answers})
    assert one.found.startswith("contradicts itself: too many")


def test_where_all_agree_nothing_is_told() -> None:
    assert show(_drawn(), LIVE, 1) == ""
