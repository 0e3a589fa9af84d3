"""Folder: the files of a project as somebody edits them: read with a digest, and changed only where nobody else has
been meanwhile.

Where two people have the same file open, the second one's digest is that of a text that is gone: the save
(operations/definitions/saving.py) is refused with what stands there now, and nothing is lost.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tactful.errors import TransientError, UsageError
from tactful.kernel.definitions import FOLDERS
from tactful.operations.definitions.project import LARGEST_FILE
from tactful.values import digest

Edits = Mapping[str, str | None]
"""New texts by path ("segments/buyers.yaml"); None: removed."""
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
MOST_BYTES = 200
"""Of a name; a file system takes 255, and we write beside the file under a longer one."""
_EVENT_NAME = re.compile(r"[^\W.][\w $-]{0,63}")
"""Files of events may be called as the events are."""


class File(Struct, frozen=True):
    path: str
    text: str | None
    """Its lines end in \\n; None: there is none."""
    digest: str
    """Of the text as it is on disk; "" where there is none."""


class Conflict(Exception):
    """Somebody else has saved one of the files since it was shown; nothing was written."""

    def __init__(self, *now: File) -> None:
        super().__init__(", ".join(one.path for one in now))
        self.now = now
        """What stands there now."""


def path_of(kind: str, name: str) -> str:
    """Where a definition stands. Raises UsageError for a name that it cannot have."""
    if kind not in FOLDERS:
        raise UsageError(f"there are no definitions of the kind {kind!r}; there are {', '.join(FOLDERS)}")
    if not (_EVENT_NAME if kind == "events" else _NAME).fullmatch(name):
        raise UsageError("a name has small letters, digits, _ and -, 64 at most")
    if len(name.encode()) > MOST_BYTES:
        raise UsageError(f"a name has {MOST_BYTES} bytes at most, as file systems want it")
    return f"{kind}/{name}.yaml"


def split(path: str) -> tuple[str, str]:
    """Kind and name. Raises UsageError for what is no path of a definition."""
    kind, _, file = path.partition("/")
    name = file.removesuffix(".yaml")
    if path_of(kind, name) != path:
        raise UsageError(f"{path} is no definition's file")
    return kind, name


def read(project: Path, path: str) -> File:
    """Raises UsageError for what is no path of a definition, or leads out of the project."""
    try:
        content = place_of(project, path).read_bytes()
    except FileNotFoundError:
        return File(path, None, "")
    except OSError as error:
        raise TransientError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise UsageError(f"{path} is larger than {LARGEST_FILE >> 20} MiB")
    text = content.decode("utf-8", "replace")
    return File(path, tidy(text), digest(text))


def tidy(text: str) -> str:
    """As it is shown and compared: lines end in \\n, and no byte order mark is in front."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def edited(files: Mapping[str, str], edits: Edits) -> dict[str, str]:
    """A project's texts with these changes."""
    found = {**files, **{path: text for path, text in edits.items() if text is not None}}
    return {path: text for path, text in found.items() if edits.get(path, text) is not None}


def place_of(project: Path, path: str) -> Path:
    """The file itself, where the project has a link to it."""
    split(path)
    try:
        root, place = project.resolve(), (project / path).resolve()
    except (OSError, RuntimeError):  # RuntimeError is pathlib's word for a loop.
        raise UsageError(f"{path} is a link that leads nowhere; put a file in its place") from None
    if not place.is_relative_to(root):
        raise UsageError(f"{path} is a link that leads out of the project; copy it into the project")
    return place
