"""specs/journeys.json through the oracle and through the engine."""

import pytest

from tests.simulation.journeys import cases
from tests.simulation.journeys.oracle import Oracle

CASES = [pytest.param(case, id=case.name) for case in cases.read_cases()]


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_says_what_the_case_says(case: cases.Case) -> None:
    oracle = Oracle()
    for place, record in enumerate(cases.records(case), 1):
        oracle.read(place, record)
    oracle.pass_time(cases.when(case.until))
    assert cases.differences(case, oracle.stories) == []


def test_each_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in cases.read_cases()]
    assert len(set(names)) == len(names)
