"""Checking: everything that is to say about a project, for people and for editors (`tactful check`)."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tactful.errors import DefinitionError, Place, Problem
from tactful.kernel.definitions import FOLDERS, Definitions, read_project
from tactful.language.mistakes import did_you_mean, place_at
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.messages.blocks import TemplateCheck
from tactful.messages.definition import Message
from tactful.operations.definitions.project import load, unread_folders
from tactful.operations.people.patching import SOURCE
from tactful.runtime.settings import Settings
from tactful.values import parse_duration

if TYPE_CHECKING:
    from tactful.operations.messages.rehearsing import Coverage

PATCHES = SOURCE.name
"""The source of traits that the API sets."""


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
    project: Path,
    settings: Callable[[], Settings],
    check_template: TemplateCheck,
    seen: Mapping[str, int],
    covering: "Callable[[Message], Coverage] | None" = None,
) -> Report:
    """Mistakes in settings and definitions are told together. Every message is rendered for sample people; `covering`
    looks at those that there are. Raises UsageError where there is no project."""
    problems: tuple[Problem, ...] = ()
    told: Settings | None = None
    try:
        told = settings()
    except DefinitionError as error:
        problems = error.problems
    try:
        files = load(project)
    except DefinitionError as error:
        return Report(None, (*problems, *error.problems))
    found = examine_files(files, told, check_template, seen, covering, unread_folders(project))
    return Report(None, (*problems, *found.problems)) if problems else found


def examine_files(
    files: Mapping[str, str],
    told: Settings | None,
    check_template: TemplateCheck,
    seen: Mapping[str, int],
    covering: "Callable[[Message], Coverage] | None" = None,
    beside: Iterable[Problem] = (),
) -> Report:
    """The same of texts, wherever they come from; without settings what is said of them is left out. `beside` is warned
    of as well."""
    from tactful.operations.messages.rehearsing import rehearse  # Slow to import, and wanted here only.

    gap_us, purposes = DEFAULT_GAP_US, frozenset[str]()
    site_url, workspace = None, "Sample"
    if told is not None:
        gap_us = parse_duration(told.workspace.session_gap) or DEFAULT_GAP_US
        purposes = frozenset(told.consent.purposes)
        site_url, workspace = told.workspace.site_url, told.workspace.name
    try:
        definitions = read_project(files, check_template, gap_us=gap_us, seen=seen, purposes=purposes)
    except DefinitionError as error:
        return Report(None, error.problems)
    rehearsal = rehearse(definitions, files, site_url, workspace, covering)
    warnings = (*definitions.warnings, *beside, *rehearsal.warnings)
    if told is not None:
        unset = [name for name in ("sms", "chat", "push") if not getattr(told.channels, name).url]
        warnings = (*warnings, *_unset_channels(definitions, unset, files))
        warnings = (*warnings, *_unknown_sources(definitions, {*told.sources, PATCHES}, files))
    definitions = msgspec.structs.replace(definitions, warnings=warnings)
    return Report(None if rehearsal.problems else definitions, rehearsal.problems)


def _unset_channels(definitions: Definitions, unset: Collection[str], files: Mapping[str, str]) -> Iterator[Problem]:
    """Journeys that send by a channel that the settings say nothing of: what they send would wait, and lapse."""
    for name, journey in sorted(definitions.journeys.items()):
        file = f"journeys/{name}.yaml"
        for channel, step in {step.channel: step for step in journey.sends() if step.channel in unset}.items():
            hint = f"set url in [channels.{channel}], or TACTFUL_{channel.upper()}_URL"
            yield Problem(
                f"{channel} is not set up: these messages wait, and lapse", place_at(file, files[file], step.at), hint
            )


def _unknown_sources(definitions: Definitions, known: Collection[str], files: Mapping[str, str]) -> Iterator[Problem]:
    """Of traits that go by their sources: those from which nothing can come, since the settings have none so named."""
    event = definitions.events.get("$identify")
    for trait, rule in event.merges.items() if event is not None else ():
        for source in rule.sources:
            if source not in known:
                hint = did_you_mean(source, known) or f"the settings have {', '.join(sorted(known))}"
                yield Problem(f'the trait "{trait}": there is no source "{source}"', _named(source, files), hint)


def _named(source: str, files: Mapping[str, str]) -> Place:
    """Where a file of events names a source."""
    for file, text in files.items():
        found = re.search(rf"\bsources\b[^\]]*?(?<![\w-])({re.escape(source)})(?![\w-])", text)
        if file.startswith("events/") and found is not None:
            return place_at(file, text, found.start(1))
    return Place("events", 1, 1)


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
