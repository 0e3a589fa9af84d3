"""Proposing: what a change of definitions would do, before anything is written: every mistake of the whole project with
its place, the difference line by line, and what publishing would put in force.

What names a definition is found by taking it away: the same reader that refuses a project says where it is missed. A
rename is done that way too, place by place, until nobody misses the old name.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tactful.errors import DefinitionError, Place, Problem
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.state import PlanState
from tactful.language.paths import PARTS
from tactful.language.tree import Node, Part, everything
from tactful.operations.definitions.checking import Report, examine_files
from tactful.operations.definitions.folder import Edits, edited, split
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import changes, warming
from tactful.operations.places import States
from tactful.runtime.settings import Settings

AROUND = 3
"""Unchanged lines that a difference shows on either side."""
MOST_PLACES = 1_000
"""That a rename goes through."""


class Proposal(Struct, frozen=True):
    edits: Edits
    report: Report
    diff: tuple[str, ...]
    """Lines of a unified difference, without their ends; () where nothing changes."""
    published: tuple[str, ...]
    """What publishing would put in force: "~ segments/buyers.yaml" (publish.changes), of other files as well where the
    folder is ahead of the plan."""
    silent: Mapping[str, int | None] = {}
    """What would say nothing at first, and until when (publish.warming)."""

    @property
    def others(self) -> tuple[str, ...]:
        """What else would be published."""
        return tuple(line for line in self.published if line[2:] not in self.edits)


def propose(
    project: Path,
    edits: Edits,
    told: Settings,
    plan: PlanState | None,
    seen: Mapping[str, int],
    stores: Sequence[States],
    now_us: int,
) -> Proposal:
    """Raises UsageError where there is no project."""
    from tactful.messages.template import check_template  # Slow to import.

    before = load(project)
    files = edited(before, edits)
    report = examine_files(files, told, check_template, seen)
    settings = plan.plan.publish.settings if plan is not None else {}
    silent = warming(plan, files, settings, stores, now_us) if report.definitions is not None else {}
    return Proposal(edits, report, difference(before, files), tuple(changes(plan, files, settings)), silent)


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Unified, of all files that are not the same."""
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return tuple(line for path in paths for line in _difference(path, before.get(path), after.get(path)))


def _difference(path: str, before: str | None, after: str | None) -> Iterator[str]:
    old, new = ((text or "").splitlines() for text in (before, after))
    names = ("/dev/null" if before is None else path, "/dev/null" if after is None else path)
    found = difflib.unified_diff(old, new, *names, n=AROUND, lineterm="")
    is_empty = True
    for line in found:
        is_empty = False
        yield line
    if is_empty:  # Nothing but the end of the file, or line ends.
        yield from (f"--- {names[0]}", f"+++ {names[1]}")


# ---- what names a definition ---------------------------------------------------------------------------------------


def dependents(files: Mapping[str, str], path: str) -> tuple[Place, ...]:
    """Where other files name this definition."""
    own = _problems(files)
    places = [one.place for one in _problems(edited(files, {path: None})) if one not in own]
    kind, name = split(path)
    if kind == "collections":
        # Without it, its parts are read as traits, and where no traits are declared nobody misses anything.
        told = {place.file for place in places}
        places += [Place(file, 1, 1) for file in _asking_collection(files, name) if file not in told]
    return tuple(dict.fromkeys(place for place in places if place.file != path))


def rename(files: Mapping[str, str], old: str, new: str) -> dict[str, str | None]:
    """The edits by which a definition comes to have another name, in all files that name it."""
    kind, name = split(old)
    after = split(new)[1]
    edits: dict[str, str | None] = {old: None, new: files[old]}
    own, stuck = _problems(files), set[Place]()
    for _ in range(MOST_PLACES):
        now = edited(files, edits)
        missed = [one.place for one in _problems(now) if one not in own and one.place not in stuck]
        if not missed:
            break
        place = missed[0]
        text = _renamed(now[place.file], place, name, after) if place.file in now else None
        if text is None or place.file == old:
            stuck.add(place)
        else:
            edits[place.file] = text
    if kind == "collections":
        part = re.compile(rf"(?<![\w.-]){re.escape(name)}\.(?={'|'.join(PARTS)})")
        for file in _asking_collection(files, name):
            edits[file] = part.sub(f"{after}.", edits.get(file) or files[file])
    return edits


def _renamed(text: str, place: Place, old: str, new: str) -> str | None:
    """With the first mention of the old name from a place on."""
    lines = text.split("\n")
    at = sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
    found = re.compile(rf"(?<![\w-]){re.escape(old)}(?![\w-])").search(text, at)
    return text[: found.start()] + new + text[found.end() :] if found is not None else None


def _problems(files: Mapping[str, str]) -> tuple[Problem, ...]:
    try:
        read_project(files)
    except DefinitionError as error:
        return error.problems
    return ()


def _asking_collection(files: Mapping[str, str], name: str) -> list[str]:
    """Files whose conditions look into a collection."""
    try:
        definitions = read_project(files, is_strict=False)
    except DefinitionError:
        return []
    return [
        file
        for file, asked in expressions(definitions)
        if any(isinstance(node, Part) and node.collection.name == name for one in asked for node in everything(one))
    ]


def expressions(definitions: Definitions) -> Iterator[tuple[str, Sequence[Node]]]:
    """By file, what it asks of people."""
    for segment in definitions.segments.values():
        yield f"segments/{segment.name}.yaml", (segment.when.tree,)
    for metric in definitions.metrics.values():
        yield f"metrics/{metric.name}.yaml", (metric.value.tree,)
    for features in definitions.features.values():
        yield f"features/{features.name}.yaml", tuple(one.value.tree for one in features.features)
    for journey in definitions.journeys.values():
        yield f"journeys/{journey.name}.yaml", tuple(one.tree for one in journey.expressions())
