"""Checking: everything that is to say about a project, for people and for editors (`tactful check`)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from tactful.errors import DefinitionError, Problem
from tactful.kernel.definitions import FOLDERS, Definitions
from tactful.language.document import TemplateCheck
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.operations.project import check
from tactful.runtime.settings import Settings
from tactful.values import parse_duration


class Report(Struct, frozen=True):
    """What was read, or the problems on account of which nothing was."""

    definitions: Definitions | None
    problems: tuple[Problem, ...] = ()

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.definitions.warnings if self.definitions is not None else ()

    def counts(self) -> dict[str, int]:
        """How many there are of each kind of definition."""
        read = self.definitions
        return {name: len(getattr(read, name)) for name in FOLDERS} if read is not None else {}


def examine(
    project: Path, settings: Callable[[], Settings], check_template: TemplateCheck, seen: Mapping[str, int]
) -> Report:
    """Mistakes in settings and definitions are told together. Raises UsageError where there is no project."""
    problems: tuple[Problem, ...] = ()
    gap_us, purposes = DEFAULT_GAP_US, frozenset[str]()
    try:
        told = settings()
        gap_us = parse_duration(told.workspace.session_gap) or DEFAULT_GAP_US
        purposes = frozenset(told.consent.purposes)
    except DefinitionError as error:
        problems = error.problems
    try:
        definitions = check(project, check_template, gap_us=gap_us, seen=seen, purposes=purposes)
    except DefinitionError as error:
        return Report(None, (*problems, *error.problems))
    return Report(None if problems else definitions, problems)


def as_values(problem: Problem) -> dict[str, Any]:
    """As JSON. Line and column count from 1; `text` is the line, "" where it is too long to be shown."""
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "message": problem.message,
        "hint": problem.hint,
        "text": place.text,
    }
