"""Saving: several files of a project changed as one: all of it or nothing, whoever dies in between, and only where
nobody else has been meanwhile.

A file is written beside its place and moved there, so that a reader sees the old text or the new one and nothing
between. Where there are several, what is about to be moved is written down first; who finds such a note finishes it.
Whoever saves or publishes holds the folder (a lock on the folder itself, which leaves no file behind and ends with its
holder), so that nobody publishes half of what another is saving. Editors and git know nothing of that: their files are
compared with what was shown, before and again at the last moment.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct
from msgspec import json as encoded

from tactful.errors import TransientError, UsageError
from tactful.kernel.definitions import FOLDERS
from tactful.operations.definitions.folder import Conflict, Edits, place_of, read, tidy

NOTE = ".saving.json"
"""In the project, while several files are moved."""
_WAITING = re.compile(r"\..+\.\d+\.new")
Changed = dict[str, tuple[str | None, str | None]]
"""What each file said before, and says now."""


class _Step(Struct, frozen=True):
    path: str
    before: str
    """Digest of what stood there; "" where there was none."""
    waiting: str
    """Name of the file, beside it, that comes there; "": it is removed."""


@contextmanager
def held(project: Path) -> Iterator[None]:
    """Nobody else of ours changes or publishes the folder meanwhile; what somebody left half done is finished first.

    Raises UsageError where there is no project, TransientError where what is half done cannot be finished."""
    try:
        number = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{project} cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        _finish(project)
        yield
    finally:
        fcntl.flock(number, fcntl.LOCK_UN)  # A child may have got the descriptor as well.
        os.close(number)


def save(project: Path, edits: Edits, shown: Mapping[str, str]) -> Changed:
    """Write all of it. `shown` are the digests of the files as they were when somebody began to edit them, "" of one
    that was not there.

    Raises Conflict where a file is another one by now, UsageError for a path that cannot be, TransientError where the
    disk refuses; nothing was written then.
    """
    with held(project):
        return write(project, edits, shown)


def refuse_changed(project: Path, edits: Edits, shown: Mapping[str, str]) -> None:
    """Raises Conflict where a file is another one by now."""
    now = [read(project, path) for path in edits]
    if others := [one for one in now if one.digest != shown.get(one.path, "")]:
        raise Conflict(*others)


def write(project: Path, edits: Edits, shown: Mapping[str, str]) -> Changed:
    """The same, by who holds the folder."""
    before = {path: read(project, path) for path in edits}
    waiting: dict[str, Path] = {}
    try:
        for path, text in edits.items():
            if text is not None:
                waiting[path] = _beside(place_of(project, path), text)
        refuse_changed(project, edits, shown)
        steps = [_Step(path, before[path].digest, waiting[path].name if path in waiting else "") for path in edits]
        if len(steps) > 1:
            _note(project, steps)
    except OSError as error:
        _forget(waiting)
        raise TransientError(f"{error.filename or project} cannot be written: {error.strerror}") from None
    except (Conflict, UsageError, TransientError):
        _forget(waiting)
        raise
    _go(project, steps)
    return {path: (before[path].text, text if text is None else tidy(text)) for path, text in edits.items()}


def _forget(waiting: Mapping[str, Path]) -> None:
    for place in waiting.values():
        with suppress(OSError):
            place.unlink(missing_ok=True)


def _beside(place: Path, text: str) -> Path:
    """The text on disk under a name that no project reads; line ends and mode are those that the file has."""
    place.parent.mkdir(parents=True, exist_ok=True)
    waiting = place.with_name(f".{place.name}.{os.getpid()}.new")
    text = tidy(text)
    if place.exists() and b"\r\n" in place.read_bytes():
        text = text.replace("\n", "\r\n")
    try:
        with waiting.open("wb") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            waiting.chmod(place.stat().st_mode & 0o777)
    except OSError:
        waiting.unlink(missing_ok=True)
        raise
    return waiting


def _note(project: Path, steps: list[_Step]) -> None:
    """On disk before the first file is moved."""
    half = project / f"{NOTE}.{os.getpid()}.new"
    try:
        with half.open("wb") as file:
            file.write(encoded.encode(steps))
            file.flush()
            os.fsync(file.fileno())
        for folder in {place_of(project, step.path).parent for step in steps}:
            _settle(folder)
        half.replace(project / NOTE)
        _settle(project)
    except OSError:
        half.unlink(missing_ok=True)
        (project / NOTE).unlink(missing_ok=True)
        raise


def _go(project: Path, steps: list[_Step]) -> None:
    try:
        for step in steps:
            place = place_of(project, step.path)
            if step.waiting:
                place.with_name(step.waiting).replace(place)
            else:
                place.unlink(missing_ok=True)
        for folder in {place_of(project, step.path).parent for step in steps}:
            _settle(folder)
        (project / NOTE).unlink(missing_ok=True)
    except OSError as error:
        raise TransientError(f"{error.filename or project} cannot be written: {error.strerror}") from None


def _finish(project: Path) -> None:
    """What somebody died in the middle of. A file that an editor has changed since is left as it is."""
    note = project / NOTE
    if note.is_file():
        try:
            steps = encoded.decode(note.read_bytes(), type=list[_Step])
            for step in steps:
                if Path(step.waiting).name != step.waiting:
                    raise UsageError(f"{step.waiting} is no name of a file")
                place_of(project, step.path)
        except (OSError, ValueError, UsageError) as error:
            raise UsageError(f"{note} cannot be read ({error}); look at `git status`, and remove it") from None
        left = [step for step in steps if _is_left(project, step)]
        _go(project, left)
    for folder in (project, *(project / kind for kind in FOLDERS)):
        with suppress(OSError):
            for place in folder.iterdir():
                if _WAITING.fullmatch(place.name) and (folder != project or place.name.startswith(NOTE)):
                    place.unlink(missing_ok=True)


def _is_left(project: Path, step: _Step) -> bool:
    if step.waiting and not place_of(project, step.path).with_name(step.waiting).is_file():
        return False  # It is where it belongs.
    return read(project, step.path).digest == step.before


def _settle(folder: Path) -> None:
    """The names in a folder, on disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
