"""specs/*.json: cases in plain JSON that every engine must pass: live evaluation, SQL, and the naive oracle."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import json

from tactful.operations.evaluation import cases
from tactful.operations.evaluation.evaluate_lines import Answer, Answers, Line, Question
from tests.parity import batches
from tests.parity.oracle import Oracle
from tests.parity.projects import read_files

FILES = sorted(path for path in Path("specs").glob("*.json") if path.name != "journeys.json")  # Of another form.


def oracle(question: Question, lines: Sequence[Line], instants: Sequence[int]) -> Answers:
    told = [json.decode(line) if isinstance(line, bytes) else line for line in lines]
    asked = Oracle(told, read_files(question.files, question.time_zone))

    def answers(text: str, at: int) -> dict[str, Answer]:
        return {name: Answer(asked.ask(text, seen)) for name, seen in asked.worlds(at).items()}

    return {at: {name: answers(text, at) for name, text in question.expressions.items()} for at in instants}


ENGINES: dict[str, cases.Engine] = {**batches.ENGINES, "oracle": oracle}
CASES = [
    pytest.param(case, id=f"{path.stem}: {case.name}")
    for path in FILES
    for case in cases.read_cases(path.read_bytes(), path.name)
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_spec(case: cases.Case, engine: str) -> None:
    assert list(cases.differences(case, ENGINES[engine], Question({}))) == []


@pytest.mark.parametrize("case", CASES)
def test_a_check_names_everybody_who_is_known(case: cases.Case) -> None:
    question = Question({cases.EXPRESSION: case.expr}, case.files, case.time_zone or "UTC")
    instants = [cases.instant(check.at) for check in case.checks]
    known = oracle(question, [bytes(event) for event in case.events], instants)
    for check, at in zip(case.checks, instants, strict=True):
        assert set(check.values) == set(known[at][cases.EXPRESSION])


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("engine", ENGINES)
def test_somebody_who_ought_to_be_nobody_is_a_difference(engine: str) -> None:
    told = b"""[{"name": "one", "expr": "1", "checks": [{"at": "2025-03-01", "values": {}, "nobody": ["ada", "bob"]}],
        "events": [{"type": "page", "userId": "ada", "receivedAt": "2025-03-01"}]}]"""
    (case,) = cases.read_cases(told, "here")
    assert list(cases.differences(case, ENGINES[engine], Question({}))) == [
        cases.Difference("2025-03-01", "ada", cases.NOBODY, 1)
    ]
