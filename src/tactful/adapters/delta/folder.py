"""A lake in a folder. What stands there after a power cut is what was said to be there: files and the names of them are
flushed before anybody is told, and what was being written when the power went is put away."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pfs
import pyarrow.parquet as pq

from tactful.adapters.delta.places import KEPT, Item, Made, Place, world
from tactful.history.lake import Source
from tactful.language.sql.layout import SHARED, Layout

LOG = "_delta_log"


class Folder(Place):
    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        super().__init__(pfs.LocalFileSystem(), str(self._folder), str(self._folder), None)
        with world(f"{folder} could not be made"):
            (self._folder / KEPT).mkdir(parents=True, exist_ok=True)

    def write(self, table: str, path: str, rows: pa.Table, row_group: int, *, is_brief: bool = False) -> int:
        whole = self._folder / table / path
        with world(f"a file of the lake could not be written ({whole})"):
            whole.parent.mkdir(parents=True, exist_ok=True)
        try:
            size = super().write(table, path, rows, row_group, is_brief=is_brief)
            with world(f"a file of the lake could not be written ({whole})"):
                _flush(whole)
                _flush(whole.parent)
                _flush(whole.parent.parent)
        except BaseException:
            whole.unlink(missing_ok=True)
            raise
        return size

    def each(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Iterable[Made]:
        return map(work, items)

    def source(self, table: str, paths: Sequence[str], layout: Layout) -> Source:
        return [self._folder / table / path for path in paths]

    def readable(self, layouts: Sequence[Layout]) -> Layout:
        """What all have: engines that read files themselves tell fields apart by name."""
        held = [set(one.own) for one in layouts]
        return Layout(tuple(sorted(set.intersection(*held)))) if held else SHARED

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Whoever dies gives it back."""
        with world(f"{self._folder} could not be locked"):
            handle = (self._folder / KEPT / "turn").open("a")
        with handle:
            with world(f"{self._folder} could not be locked"):
                flock(handle, LOCK_EX)
            yield

    def settle(self, table: str) -> None:
        """The newest of the log and whatever points at it, and their names."""
        with world(f"the log of {table} could not be flushed"):
            log = self._folder / table / LOG
            for path in sorted(log.iterdir())[-2:]:
                _flush(path)
            _flush(log)
            _flush(log.parent)

    def mend(self, table: str) -> bool:
        """Nobody was told of a commit that was not flushed, and a checkpoint says nothing that commits do not."""
        log = self._folder / table / LOG
        torn = [path for path in sorted(log.glob("*.json"))[-1:] if not _is_commit(path)]
        torn += [path for path in log.glob("*.parquet") if not _is_parquet(path)]
        for path in torn:
            path.rename(path.with_suffix(path.suffix + ".torn"))
        if torn:
            (log / "_last_checkpoint").unlink(missing_ok=True)
        return bool(torn)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_commit(path: Path) -> bool:
    body = path.read_bytes()
    try:
        return bool(body) and all([json.loads(line) for line in body.splitlines()])
    except ValueError:
        return False


def _is_parquet(path: Path) -> bool:
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return False
    return True
