"""Cases: expressions with the values that they must have, as JSON. specs/ is written in this form, so that any other
engine can be held to the same cases; `tactful eval --cases` and the tests read it here.

[{"name": "...", "expr": "...", "events": [lines], "checks": [{"at": "...", "values": {"ada": true}}]}]

A case may bring the files of a project ("files": {path: text}), a "time_zone" and a "session_gap". Who is not named in
a check is not asked about; who is named and not known at that instant is a difference, and so is who is known and
stands under "nobody" (somebody else's identifier, or nobody's yet).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.operations.evaluation.evaluate_lines import Answers, Line, Question
from tactful.values import parse_duration, parse_time

Engine = Callable[[Question, Sequence[Line], Sequence[int]], Answers]
"""evaluate_live.answers or evaluate_sql.answers."""
NOBODY = "nobody"
EXPRESSION = "expression"
"""What the one expression of a question is called in it."""


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    at: str
    values: dict[str, Any]
    nobody: list[str] = []


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    expr: str
    events: list[Raw]
    checks: list[Check]
    files: dict[str, str] = {}
    time_zone: str = ""
    session_gap: str = ""


class Difference(Struct, frozen=True):
    """One value that is not as the case says."""

    at: str
    person: str
    expected: Any
    found: Any
    """NOBODY where the engine knows no such person at that instant."""
    is_unknown: bool = False


def read_cases(body: bytes, file: str) -> list[Case]:
    """Raises UsageError that names the place where the text is no list of cases."""
    try:
        cases = msgspec.json.decode(body, type=list[Case])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{file} is no list of cases: {error}") from None
    for case in cases:
        for check in case.checks:
            instant(check.at, f'{file}: case "{case.name}": ')
    return cases


def instant(text: str, where: str = "") -> int:
    """Microseconds of a time that somebody typed. Raises UsageError."""
    try:
        at = parse_time(text)
    except OverflowError:
        at = None
    if at is None:
        raise UsageError(f'{where}"{text}" is no time; write for instance 2025-03-01T10:00:00Z (no offset: UTC)')
    return at


def question(expression: str, project: Question) -> Question:
    """One expression, in the surroundings of a project (a question without expressions)."""
    return replace(project, expressions={EXPRESSION: expression})


def differences(case: Case, engine: Engine, project: Question) -> Iterator[Difference]:
    """Every value of the case that the engine sees otherwise. What the case brings goes before what the project has.
    Raises DefinitionError, UsageError as engines do."""
    gap_us = parse_duration(case.session_gap) if case.session_gap else project.gap_us
    if gap_us is None:
        raise UsageError(f'"{case.session_gap}" is no session_gap; write a duration such as 30m')
    files = {**project.files, **case.files}
    time_zone = case.time_zone or project.time_zone
    asked = replace(project, expressions={EXPRESSION: case.expr}, files=files, time_zone=time_zone, gap_us=gap_us)
    instants = [instant(check.at) for check in case.checks]
    answers = engine(asked, [bytes(event) for event in case.events], instants)
    for check, at in zip(case.checks, instants, strict=True):
        found = answers[at][EXPRESSION]
        for person in check.nobody:
            if person in found:
                yield Difference(check.at, person, NOBODY, found[person].value)
        for person, expected in check.values.items():
            answer = found.get(person)
            if answer is None:
                yield Difference(check.at, person, expected, NOBODY, is_unknown=True)
            elif not same(expected, answer.value):
                yield Difference(check.at, person, expected, answer.value)


def same(one: Any, other: Any) -> bool:
    """Equal as values of the language: 1 is 1.0, true is no number, a time may be written with or without fractions."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other) or _same_time(one, other)


def _same_time(one: Any, other: Any) -> bool:
    if not (isinstance(one, str) and isinstance(other, str) and one.endswith("Z") and other.endswith("Z")):
        return False
    return len(one) > 10 and parse_time(one) is not None and parse_time(one) == parse_time(other)
