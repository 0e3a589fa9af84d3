"""What `tactful eval` does: asks the engines, holds them side by side, and shows what they say.

Apart from the command itself (evaluating.py), which every process imports to know its commands.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from tactful.cli.build import Build
from tactful.cli.main import counted, echo_json, echo_warnings, table
from tactful.consent import policy
from tactful.errors import DefinitionError, Problem, UsageError
from tactful.events.records import CONSENT, IDENTITY, Event
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import Checked, check
from tactful.language.mistakes import Mistake, Remark, definition_error, did_you_mean, place_at
from tactful.language.paths import PARTS
from tactful.language.tree import Trait, everything
from tactful.language.types import DURATION, kind_of
from tactful.language.vocabulary import DEFAULT_GAP_US, Vocabulary
from tactful.operations.definitions.completion import events_named
from tactful.operations.definitions.project import load
from tactful.operations.evaluation import cases
from tactful.operations.evaluation.cases import Case, Difference, Engine
from tactful.operations.evaluation.evaluate_lines import Answer, Question, read_lines
from tactful.runtime.settings import Settings, plan_settings
from tactful.runtime.settings_mistakes import FILE
from tactful.values import SECOND_US, format_duration, format_time, parse_duration

COARSE = "≈"
EXPRESSION = "<expression>"
NAMED = ("segments/", "metrics/", "collections/", "events/")
"""What an expression can name; other definitions may be wrong without being in the way."""


def surroundings(build: Build, folder: Path | None) -> Question:
    """What --project gives: a question without expressions."""
    if folder is None:
        return Question({})
    settings = build.settings(folder) if (folder / FILE).exists() else Settings()
    files = {path: text for path, text in load(folder).items() if path.startswith(NAMED)}
    workspace, told = settings.workspace, plan_settings(settings)
    gap_us = parse_duration(workspace.session_gap) or DEFAULT_GAP_US
    return Question({}, files, workspace.time_zone, gap_us, told.get(IDENTITY, ""), told.get(CONSENT, ""))


def engines_of(build: Build, name: str) -> dict[str, Engine]:
    engines: dict[str, Engine] = {}
    if name != "sql":
        from tactful.operations.evaluation import evaluate_live

        engines["live"] = evaluate_live.answers
    if name != "live":
        from tactful.operations.evaluation import evaluate_sql

        engines["sql"] = partial(evaluate_sql.answers, queries=build.queries())
    return engines


def lines_of(path: Path) -> list[bytes]:
    body = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    return body.removeprefix(b"\xef\xbb\xbf").split(b"\n")


def end_of(lines: Sequence[bytes]) -> int:
    """When the newest line was received."""
    records = read_lines(lines)
    if not records:
        raise UsageError("the file of events is empty; there is nobody to ask about")
    return records[-1][1].received_at


# ---- one expression --------------------------------------------------------------------------------------------------


def ask(
    expression: str,
    lines: Sequence[bytes],
    instants: Sequence[int],
    engines: Mapping[str, Engine],
    project: Question,
    *,
    as_json: bool,
) -> None:
    is_duration = _understand(expression, lines, project)
    asked = cases.question(expression, project)
    found = {name: engine(asked, lines, instants) for name, engine in engines.items()}
    is_agreed = True
    for at in instants:
        by_engine = {name: answers[at][cases.EXPRESSION] for name, answers in found.items()}
        first = next(iter(by_engine.values()))
        different = {person for others in by_engine.values() for person in _different(first, others)}
        is_agreed = is_agreed and not different
        if as_json:
            echo_json({person: answer.value for person, answer in first.items()})
            for person in sorted(different):
                said = ", ".join(f"{name} {_written(answers.get(person))}" for name, answers in by_engine.items())
                click.echo(f"differs at {format_time(at)} for {person}: {said}", err=True)
        else:
            click.echo(f"at {format_time(at)}")
            _show(by_engine, different, is_duration=is_duration)
    if not is_agreed:
        raise UsageError("live and SQL disagree; this is a bug of Tactful's, please report it with the file of events")


def _understand(expression: str, lines: Sequence[bytes], project: Question) -> bool:
    """Say what is worth saying about an expression that is right; whether its value is a duration."""
    purposes = policy.read(project.consent).purposes
    vocabulary = Vocabulary(is_strict=False, gap_us=project.gap_us, purposes=purposes)
    if project.files:
        definitions = read_project(project.files, gap_us=project.gap_us, is_strict=False)
        vocabulary = vocabulary_of(definitions, gap_us=project.gap_us, is_strict=False, purposes=purposes)
    try:
        checked = check(expression, wanted="value", vocabulary=vocabulary)
    except Mistake as mistake:
        raise definition_error(mistake, expression) from None
    remarks = [*checked.warnings, *_misspelt(checked, lines, vocabulary)]
    if not project.files:
        remarks += _without_project(checked)
    echo_warnings(
        Problem(remark.message, place_at(EXPRESSION, expression, remark.offset), remark.hint) for remark in remarks
    )
    return kind_of(checked.tree) == DURATION


def _misspelt(checked: Checked, lines: Sequence[bytes], vocabulary: Vocabulary) -> Iterator[Remark]:
    """Events that are not in the file, where one of nearly the same name is."""
    there = {record.name for _, record in read_lines(lines) if isinstance(record, Event)}
    for name in sorted({*events_named(checked.tree)} - there - {*(vocabulary.events or ())}):
        if hint := did_you_mean(name, there):
            yield Remark(max(checked.text.find(name), 0), f'no event "{name}" is in the file', hint)


def _without_project(checked: Checked) -> Iterator[Remark]:
    """What looks like a collection, and is a trait as long as nobody says which collections there are."""
    for node in everything(checked.tree):
        if isinstance(node, Trait) and len(node.path) > 1 and node.path[1] in PARTS:
            message = f"{node.name} is taken as a trait here"
            yield Remark(node.span[0], message, "a collection comes with its project: give --project")


def _different(one: Mapping[str, Answer], other: Mapping[str, Answer]) -> set[str]:
    """Who has another value; a coarse one is allowed to be off."""
    return {
        person
        for person in one.keys() | other.keys()
        if person not in one
        or person not in other
        or not (cases.same(one[person].value, other[person].value) or one[person].is_coarse or other[person].is_coarse)
    }


def _show(by_engine: Mapping[str, Mapping[str, Answer]], different: set[str], *, is_duration: bool) -> None:
    people = sorted({person for answers in by_engine.values() for person in answers})
    if not people:
        click.echo("nobody is known yet")
        return
    rows = []
    for person in people:
        answers = [found.get(person) for found in by_engine.values()]
        mark = "← differs" if person in different else COARSE if any(one and one.is_coarse for one in answers) else ""
        rows.append((person, *(_written(answer, is_duration=is_duration) for answer in answers), mark))
    table(rows, ("person", *(by_engine if len(by_engine) > 1 else ["value"]), ""))
    if any(row[-1] == COARSE for row in rows):
        click.echo(f"{COARSE} is coarse: more happened than is kept of one person; --engine sql is exact")


def _written(answer: Answer | None, *, is_duration: bool = False) -> str:
    if answer is None:
        return cases.NOBODY
    if is_duration and isinstance(answer.value, int) and answer.value > 0:
        return format_duration(answer.value * SECOND_US)
    return _value(answer.value)


def _value(value: Any) -> str:
    return "missing" if value is None else json.dumps(value, ensure_ascii=False)


# ---- cases -----------------------------------------------------------------------------------------------------------


def run_cases(path: Path, engines: Mapping[str, Engine], project: Question, *, as_json: bool) -> None:
    """Hold each engine to all cases; ends in an error where a value is another one."""
    body = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    read = cases.read_cases(body, str(path))
    told: list[dict[str, Any]] = []
    with click.progressbar(read, label="cases", hidden=as_json, file=sys.stderr) as bar:
        for case in bar:
            told += [wrong for name, engine in engines.items() for wrong in _wrong(case, name, engine, project)]
    values = sum(len(check.values) for case in read for check in case.checks)
    if as_json:
        echo_json({"cases": len(read), "values": values, "differences": told})
    else:
        _tell(told)
        said = counted(len(told), "difference") if told else "all as they should be"
        click.echo(f"{counted(len(read), 'case')}, {counted(values, 'value')}, {' and '.join(engines)}: {said}")
    if told:
        raise SystemExit(1)


def _wrong(case: Case, name: str, engine: Engine, project: Question) -> list[dict[str, Any]]:
    """What this engine sees otherwise, as JSON; one that cannot answer at all is one difference with its error."""
    try:
        found = list(cases.differences(case, engine, project))
    except (DefinitionError, UsageError) as error:
        return [{"name": case.name, "engine": name, "error": str(error)}]
    return [{"name": case.name, "engine": name, **_as_json(one)} for one in found]


def _as_json(one: Difference) -> dict[str, Any]:
    told = {"at": one.at, "person": one.person, "expected": one.expected}
    return {**told, "isUnknown": True} if one.is_unknown else {**told, "found": one.found}


def _tell(told: Sequence[Mapping[str, Any]]) -> None:
    before = None
    for one in told:
        if one["name"] != before:
            before = one["name"]
            click.echo(before)
        if "error" in one:
            click.echo("    " + one["error"].replace("\n", "\n    "))
            continue
        found = "knows nobody of this name" if "isUnknown" in one else f"says {_value(one['found'])}"
        click.echo(f"    {one['at']}  {one['person']}: {_value(one['expected'])} expected, {one['engine']} {found}")
