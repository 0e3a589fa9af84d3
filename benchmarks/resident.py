"""Resident: how much memory a process and all that it starts have for themselves, at most, while something runs."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_S = 0.2


class Resident:
    """A block: `megabytes` is the most that was there at once in it, shared pages counted once (PSS, proc(5))."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._is_over.wait(EVERY_S):
            self.megabytes = max(self.megabytes, _megabytes(os.getpid()))


def _megabytes(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        mine = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        children = [
            child
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # It has ended meanwhile.
        return 0.0
    return mine + sum(_megabytes(int(child)) for child in children)
