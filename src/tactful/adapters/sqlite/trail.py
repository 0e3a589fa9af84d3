"""The trail in SQLite: DATA/trail/P.db, one compressed piece of derived rows per append.

There is no index by person: a profile knows the position of its newest group, and every group the one before it. Which
definitions a piece speaks of stands beside it. Commits are not synced one by one; `sync` does that, and until then the
store keeps what a power cut could take from here.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from threading import RLock

from tactful.adapters.sqlite.connection import NotMadeYet
from tactful.adapters.sqlite.trailfile import TrailFile
from tactful.events.derived import Closed, encode_groups
from tactful.events.mentions import Tally, tells_of

_ABOVE_ALL = 1 << 62


class SqliteTrail:
    """The port `Trail` over a folder of files, each opened when it is asked for."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder = folder
        self._read_only = read_only
        self._lock = RLock()
        self._files: dict[int, TrailFile] = {}

    def append(self, partition: int, first: int, last: int, groups: bytes) -> None:
        with self._lock:
            self._written(partition).append(first, last, groups)

    def end(self, partition: int) -> int:
        with self._lock:
            file = self._there(partition)
            return file.end() if file else 0

    def sync(self, partition: int) -> int:
        with self._lock:
            return self._written(partition).sync()

    def group(self, partition: int, position: int, key: str) -> bytes | None:
        with self._lock:
            file = self._there(partition)
            found = file.group(position, key) if file else None
            return encode_groups([found]) if found is not None else None

    def recent(self, partition: int, before: int | None, limit: int) -> list[bytes]:
        with self._lock:
            file = self._there(partition)
            if file is None:
                return []
            with closing(file.newest_first(before or _ABOVE_ALL)) as pieces:
                return _about(pieces, before, limit, "")

    def between(self, partition: int, first: int, last: int) -> list[bytes]:
        with self._lock:
            file = self._there(partition)
            return file.between(first, last) if file else []

    def by_definition(self, partition: int, definition: str, before: int | None, limit: int) -> list[bytes]:
        with self._lock:
            file = self._there(partition)
            if file is None:
                return []
            with closing(file.mentioning(definition, before or _ABOVE_ALL)) as pieces:
                return _about(pieces, before, limit, definition)

    def onward(self, partition: int, definition: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        with self._lock:
            file = self._there(partition)
            return file.onward(definition, after, limit) if file else []

    def tallies(self, partition: int, first_hour: int, last_hour: int, definition: str | None = None) -> list[Tally]:
        with self._lock:
            file = self._there(partition)
            return file.tallies(first_hour, last_hour, definition) if file else []

    def sums(
        self, partition: int, edges: Sequence[int], definition: str | None = None, whats: Sequence[str] = ()
    ) -> list[Tally]:
        with self._lock:
            file = self._there(partition)
            return file.sums(edges, definition, whats) if file else []

    def span(
        self, partition: int, first_hour: int, last_hour: int, definition: str, whats: Sequence[str]
    ) -> tuple[int, int] | None:
        with self._lock:
            file = self._there(partition)
            return file.span(first_hour, last_hour, definition, whats) if file else None

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()

    def _written(self, partition: int) -> TrailFile:
        file = self._files.get(partition)
        if file is None:
            path = self._folder / f"{partition}.db"
            file = self._files[partition] = TrailFile(path, read_only=self._read_only)
        return file

    def _there(self, partition: int) -> TrailFile | None:
        try:
            return self._written(partition)
        except NotMadeYet:
            return None


def _about(pieces: Iterable[list[Closed]], before: int | None, limit: int, definition: str) -> list[bytes]:
    """Whole pieces until they hold `limit` groups (that mention the definition); without what is not below `before`."""
    found = []
    number = 0
    for piece in pieces:
        groups = [group for group in piece if before is None or group.position < before]
        number += sum(1 for group in groups if not definition or tells_of(group, definition))
        if groups:
            found.append(encode_groups(groups))
        if number >= limit:
            break
    return found
