"""The log in SQLite: all partitions in one file at a time, DATA/log/NNNNNNNN.db, cut by time.

One append is one transaction of the newest file, fully synced: a frame for each partition, all or nothing. Whoever
finds the newest file older than a slice writes its closing mark and makes the next one; positions go on. Readers
follow the files by number, so nothing but the files themselves says what there is. Processes take turns by a file lock
before they ask SQLite for its write lock, since SQLite's own waiting is a poll that a busy neighbour wins.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import RLock

from tactful.adapters.sqlite.connection import NotMadeYet, world
from tactful.adapters.sqlite.logfile import Frame, LogFile, frame, remove
from tactful.errors import TransientError, UsageError
from tactful.runtime.ports import Clock
from tactful.values import DAY_US

_OPEN_FOR_READING = 4
_ABOVE_ALL = 1 << 62
_FILE_NAME = re.compile(r"[0-9]{8}\.db")


class SqliteLog:
    """The port `Log` over a folder of files. `read_only` stands beside a running server and changes nothing."""

    def __init__(
        self, folder: Path, partitions: int, clock: Clock, *, slice_us: int = DAY_US, read_only: bool = False
    ) -> None:
        self.partitions = partitions
        self._folder = folder
        self._clock = clock
        self._slice_us = slice_us
        self._read_only = read_only
        self._appending = RLock()
        self._reading = RLock()
        self._newest: tuple[int, LogFile] | None = None
        self._numbers: list[int] = []
        self._readers: dict[int, LogFile] = {}
        self._starts: dict[int, list[int]] = {}
        self._lock = -1
        if not read_only:
            with world(folder):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = os.open(folder / "append.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with self._turn():
                self._writer()
        self._list()

    # ---- appending ---------------------------------------------------------------------------------------------

    def append(self, records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        frames = [frame(partition, bodies) for partition, bodies in records.items() if bodies]
        assert all(0 <= one.partition < self.partitions for one in frames), "no such partition"
        if not frames:
            return {}
        if self._read_only:
            raise UsageError(f"{self._folder} is open for reading only")
        with self._turn():
            return self._append(frames)

    def _append(self, frames: Sequence[Frame]) -> dict[int, int]:
        while True:
            now_us = self._clock.now_us()
            number, file = self._writer()
            firsts = file.append(frames, now_us, self._slice_us)
            if firsts is not None:
                return firsts
            self._advance(number, file)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One appender at a time, in this process and among all."""
        with self._appending:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _writer(self) -> tuple[int, LogFile]:
        """The newest file, whole. What a crash left half made is finished from the ends of the file before."""
        if self._newest is None:
            numbers = _listed(self._folder)
            if not numbers:
                return self._open_newest(1, [0] * self.partitions)
            starts = [0] * self.partitions
            if len(numbers) > 1:
                before = LogFile(self._path(numbers[-2]), self.partitions, read_only=True)
                starts = before.ends()
                before.close()
            return self._open_newest(numbers[-1], starts)
        return self._newest

    def _open_newest(self, number: int, starts: list[int]) -> tuple[int, LogFile]:
        path = self._path(number)
        file = LogFile(path, self.partitions, read_only=False)
        if not file.starts:
            file.make(starts, self._clock.now_us())
        self._newest = number, file
        return self._newest

    def _advance(self, number: int, closed: LogFile) -> None:
        """From a closed file to the next, which another process may have made already."""
        starts = closed.ends()
        closed.copy_back()
        self._leave_newest()
        # A process that slept for long may find that the files behind its own were trimmed: then the newest counts.
        self._open_newest(max([number + 1, *_listed(self._folder)]), starts)

    def _leave_newest(self) -> None:
        if self._newest:
            self._newest[1].close()
        self._newest = None

    # ---- reading -----------------------------------------------------------------------------------------------

    def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        with self._reading:
            number = self._holding(partition, after)
            while number is not None:
                file = self._reader(number)
                if file is None:
                    return []
                found = file.read(partition, after, limit)
                if not found and file.is_closed():
                    found = file.read(partition, after, limit)  # It may have been written to before it was closed.
                    if not found:
                        number = self._after(number)
                        continue
                return found
            return []

    def end(self, partition: int) -> int:
        with self._reading:
            number = self._holding(partition, _ABOVE_ALL)
            end = 0
            while number is not None:
                file = self._reader(number)
                if file is None:
                    break
                is_closed = file.is_closed()
                end = file.end(partition)
                number = self._after(number) if is_closed else None
            return end

    def start(self, partition: int) -> int:
        """The highest position that was trimmed (0: everything is there)."""
        with self._reading:
            self._list()
            file = self._reader(self._numbers[0]) if self._numbers else None
            return file.starts[partition] if file else 0

    def _holding(self, partition: int, after: int) -> int | None:
        """The number of the newest file known whose records begin at or before after + 1; else the oldest."""
        for number in reversed(self._numbers):
            starts = self._starts.get(number)
            if starts is None:
                file = self._reader(number)
                if file is None:
                    continue
                starts = file.starts
            if starts[partition] <= after:
                return number
        return self._numbers[0] if self._numbers else self._after(0)

    def _after(self, number: int) -> int | None:
        """The next file's number, looked up anew."""
        self._list()
        following = [one for one in self._numbers if one > number]
        return following[0] if following else None

    def _list(self) -> None:
        self._numbers = _listed(self._folder)
        for number in [number for number in self._readers if number not in self._numbers]:
            self._readers.pop(number).close()
        for number in [number for number in self._starts if number not in self._numbers]:
            del self._starts[number]

    def _reader(self, number: int) -> LogFile | None:
        """None where the file is half made, or was trimmed since it was listed."""
        file = self._readers.pop(number, None)
        if file is None:
            try:
                file = LogFile(self._path(number), self.partitions, read_only=True)
            except NotMadeYet:
                return None
            if not file.starts:
                file.close()
                return None
            self._starts[number] = file.starts
        self._readers[number] = file
        if len(self._readers) > _OPEN_FOR_READING:
            self._readers.pop(next(iter(self._readers))).close()
        return file

    # ---- keeping house -----------------------------------------------------------------------------------------

    def trim(self, before_us: int, keep_after: Mapping[int, int]) -> int:
        """How many files went. The newest stays, and so does everything behind a file that must stay."""
        removed = 0
        with self._turn(), self._reading:
            self._list()
            for number in self._numbers[:-1]:
                file = self._reader(number)
                following = self._reader(number + 1)
                closed_us = file.closed_us() if file else None
                if file is None or following is None or closed_us is None or closed_us > before_us:
                    break
                if any(end > keep_after.get(partition, 0) for partition, end in enumerate(following.starts)):
                    break
                with world(file.path):
                    remove(file.path)
                removed += 1
            self._list()
        return removed

    def close(self) -> None:
        with self._appending, self._reading:
            self._leave_newest()
            for file in self._readers.values():
                file.close()
            self._readers.clear()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08}.db"


def _listed(folder: Path) -> list[int]:
    """Numbers of the files there are, ascending; a hole among them is damage."""
    missing = 0
    for _ in range(2):  # A listing taken while another process trims can show a hole that is none.
        with world(folder):
            names = [path.name for path in folder.iterdir()] if folder.exists() else []
        numbers = sorted(int(name[:-3]) for name in names if _FILE_NAME.fullmatch(name))
        missing = next((one + 1 for one, two in pairwise(numbers) if two != one + 1), 0)
        if not missing:
            return numbers
    raise TransientError(
        f"{folder / f'{missing:08}.db'} is missing, though files of the log before and behind it are there. "
        "Stop the server and put it back from a backup of the data folder."
    )
