"""specs/journeys.json through the oracle and through the engine."""

import pytest

from tests.simulation.journeys import cases
from tests.simulation.journeys.driving import Play
from tests.simulation.journeys.histories import History
from tests.simulation.journeys.oracle import Oracle

CASES = [pytest.param(case, id=case.name) for case in cases.read_cases()]


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_says_what_the_case_says(case: cases.Case) -> None:
    oracle = Oracle(is_alone=True)
    for place, record in enumerate(cases.records(case), 1):
        oracle.read(place, record)
    oracle.pass_time(cases.when(case.until))
    assert cases.differences(case, oracle.stories) == []


@pytest.mark.parametrize("is_away", [False, True], ids=["always there", "away between records"])
@pytest.mark.parametrize("case", CASES)
def test_the_engine_says_what_the_case_says(case: cases.Case, is_away: bool) -> None:
    play = Play(History(0, {}, cases.records(case), cases.when(case.until)), away=is_away).run()
    assert cases.differences(case, play.rows()) == []


def test_each_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in cases.read_cases()]
    assert len(set(names)) == len(names)
