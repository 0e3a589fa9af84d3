"""A whole project, read from the texts of its files: every definition, or every mistake.

A project with one mistake is refused whole. Pure: the same texts give the same definitions in every process, which is
why a published plan travels as text.
"""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from tactful.errors import DefinitionError, Place, Problem
from tactful.journeys import definition as journeys
from tactful.language.document import Document, TemplateCheck
from tactful.language.mistakes import did_you_mean
from tactful.messages import definition as messages
from tactful.segments import definition as segments

FOLDERS = ("segments", "journeys", "messages")
FOLDERS_TO_COME = ("catalogue", "collections", "events", "experiments", "metrics", "models", "slots")
_NAME = re.compile(r"[a-z0-9_-]{1,64}")


class Definitions(Struct, frozen=True):
    """All definitions by name, in the order of their names."""

    segments: Mapping[str, segments.Segment]
    journeys: Mapping[str, journeys.Journey]
    messages: Mapping[str, messages.Message]
    warnings: tuple[Problem, ...] = ()


class _Read(Struct):
    """What was read so far."""

    segments: dict[str, segments.Segment]
    journeys: dict[str, journeys.Journey]
    messages: dict[str, messages.Message]
    documents: dict[str, Document]
    problems: list[Problem]
    warnings: list[Problem]


def read_project(files: Mapping[str, str], check_template: TemplateCheck | None = None) -> Definitions:
    """Files by path relative to the project ("segments/buyers.yaml"). Raises DefinitionError with all mistakes."""
    read = _Read({}, {}, {}, {}, [], [])
    for path in sorted(files):
        if _is_definition(path, read):
            _read_one(path, files[path], read, check_template)
    for document in read.documents.values():
        _check_references(document, files)
        read.problems += document.problems
        read.warnings += document.warnings
    if read.problems:
        raise DefinitionError(*_by_place(read.problems))
    return Definitions(read.segments, read.journeys, read.messages, tuple(_by_place(read.warnings)))


def _by_place(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.place.file, one.place.line, one.place.column, one.message))


def _is_definition(path: str, read: _Read) -> bool:
    """Whether the file holds a definition; one that looks like it and is not read is warned of or refused."""
    folder, _, rest = path.partition("/")
    if not rest or any(part.startswith(".") for part in path.split("/")):
        return False
    start = Place(path, 1, 1)
    if folder not in FOLDERS:
        if folder in FOLDERS_TO_COME:
            read.warnings.append(Problem(f"{folder}/ is not available yet; the file is not read", start))
        elif path.endswith((".yaml", ".yml")):
            hint = did_you_mean(folder, FOLDERS) or f"definitions stand in {', '.join(FOLDERS)}"
            read.warnings.append(Problem(f"{folder}/ is no folder of definitions; the file is not read", start, hint))
        return False
    if path.endswith(".yml"):
        read.problems.append(Problem("a definition's file ends in .yaml", start, f"call it {path[:-4]}.yaml"))
    elif not path.endswith(".yaml"):
        read.warnings.append(Problem("only .yaml files are read here", start))
    elif "/" in rest:
        read.problems.append(Problem("definitions stand in no folders within folders", start, f"move it to {folder}/"))
    elif not _NAME.fullmatch(rest.removesuffix(".yaml")):
        hint = "a name has small letters, digits, _ and -, 64 at most"
        read.problems.append(Problem("the file's name cannot be the name of a definition", start, hint))
    else:
        return True
    return False


def _read_one(path: str, text: str, read: _Read, check_template: TemplateCheck | None) -> None:
    folder, _, file = path.partition("/")
    name = file.removesuffix(".yaml")
    document = read.documents[path] = Document(path, text)
    if folder == "segments":
        segment = segments.read(name, document)
        if segment is not None:
            read.segments[name] = segment
    elif folder == "journeys":
        journey = journeys.read(name, document)
        if journey is not None:
            read.journeys[name] = journey
    else:
        message = messages.read(name, document, check_template)
        if message is not None:
            read.messages[name] = message


def _check_references(document: Document, files: Mapping[str, str]) -> None:
    """A file that is there is enough: if it has mistakes, they are told where they are."""
    for folder, name, at in document.references:
        if f"{folder}/{name}.yaml" not in files:
            known = [path.removeprefix(f"{folder}/").removesuffix(".yaml") for path in files if path.startswith(folder)]
            hint = did_you_mean(name, known) or f"add {folder}/{name}.yaml"
            document.refuse(at, f'there is no {folder.removesuffix("s")} "{name}"', hint)
