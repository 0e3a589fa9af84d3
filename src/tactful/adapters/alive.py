"""Who is alive, among processes of one machine: each holds the lock of a file of its own in DATA/run while it lives.

The system gives the lock back when the process ends, however it ends; so a file whose lock is free, or that is not
there, is that of a dead process, and since names are never used again it stays so. The file comes to its name with the
lock already held: nobody can find it without.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

_ENDING = ".alive"


class Alive:
    """This process, from now on, under this name."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        path = folder / f"{name}{_ENDING}"
        half = folder / f".{name}.half"
        self._descriptor = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        half.rename(path)

    def close(self) -> None:
        """As if it had died."""
        os.close(self._descriptor)


def gone(folder: Path, names: Sequence[str]) -> list[str]:
    """Those of the names whose processes are certainly dead."""
    return [name for name in names if not _is_held(folder / f"{name}{_ENDING}")]


def _sweep(folder: Path) -> None:
    """The files of the dead."""
    for path in folder.glob(f"*{_ENDING}"):
        if not _is_held(path):
            path.unlink(missing_ok=True)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look at the same time do not take each other for it.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
