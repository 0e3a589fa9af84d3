"""A project folder on disk: its definition files as texts, and what is wrong with them.

Settings (tactful.toml) are no definitions: they hold secrets, and what is read here goes into the log.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from tactful.errors import DefinitionError, Place, Problem, UsageError
from tactful.kernel.definitions import FOLDERS, Definitions, read_project
from tactful.language.mistakes import did_you_mean
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.messages.blocks import TemplateCheck

LARGEST_FILE = 1024 * 1024
LARGEST_PROJECT = 64 * 1024 * 1024
"""Bytes; a published project is one record."""
MOST_FILES = 20_000


def load(folder: Path) -> dict[str, str]:
    """{path relative to the project, with /: text} of everything in the folders of definitions.

    Raises UsageError where there is no project, DefinitionError with every file that cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; `tactful init {folder}` makes a project there")
    root = folder.resolve()
    files: dict[str, str] = {}
    problems: list[Problem] = []
    size = 0
    for path in _definition_files(folder):
        name = path.relative_to(folder).as_posix()
        text = _read(path, root, name)
        if isinstance(text, Problem):
            problems.append(text)
        else:
            files[name] = text
            size += len(text)
        if len(files) > MOST_FILES or size > LARGEST_PROJECT:
            limit = f"{MOST_FILES:,} files or {LARGEST_PROJECT >> 20} MiB"
            raise UsageError(f"{folder} has more than {limit} of definitions; a project must be smaller")
    if problems:
        raise DefinitionError(*problems)
    return files


def check(
    folder: Path,
    check_template: TemplateCheck | None = None,
    *,
    gap_us: int = DEFAULT_GAP_US,
    seen: Mapping[str, int] | None = None,
    purposes: Collection[str] = (),
) -> Definitions:
    """Read the whole project. Raises as load() and kernel.definitions.read_project() do."""
    definitions = read_project(load(folder), check_template, gap_us=gap_us, seen=seen, purposes=purposes)
    warnings = (*definitions.warnings, *unread_folders(folder))
    return msgspec.structs.replace(definitions, warnings=warnings)


def _definition_files(folder: Path) -> list[Path]:
    """Sorted, without hidden files; links to folders are not followed."""
    found = []
    for name in FOLDERS:
        for parent, folders, names in os.walk(folder / name):
            folders[:] = [one for one in folders if not one.startswith(".")]
            found += [Path(parent, one) for one in names if not one.startswith(".") and not one.endswith("~")]
    return sorted(found)


def _read(path: Path, root: Path, name: str) -> str | Problem:
    start = Place(name, 1, 1)
    try:
        if not path.resolve().is_relative_to(root):
            return Problem("the file is a link that leads out of the project", start, "copy it into the project")
        if not path.is_file():
            return Problem("this is no ordinary file", start, "remove it")
        if path.stat().st_size > LARGEST_FILE:
            return Problem(f"the file is larger than {LARGEST_FILE >> 20} MiB", start, "split it")
        content = path.read_bytes()
    except OSError as error:
        return Problem(f"the file cannot be read: {error.strerror}", start, "check that it is there and readable")
    except RuntimeError:  # As pathlib says it.
        return Problem("the file is a link to itself", start, "put a file in its place")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem("the file is not UTF-8", Place(name, line, 1), "save it as UTF-8")


def unread_folders(folder: Path) -> list[Problem]:
    """Folders whose name nearly is one of a project's."""
    return [
        Problem(f"{path.name}/ is not read", Place(path.name, 1, 1), hint)
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in FOLDERS and (hint := did_you_mean(path.name, FOLDERS))
    ]
