"""The port to the lake: the tables of the history (docs/history.md) for good, in an open format.

It is written by `runtime/archive.py`. Rows come with the place in the logs by which they were decided (`applied`, a
ref), and with every append stands up to which position of each partition it goes, in the same commit as the rows: so
whoever goes on after a crash goes on from there, and nothing is in it twice.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import pyarrow as pa
from msgspec import Struct

from tactful.language.sql.layout import Layout

if TYPE_CHECKING:  # It loads pandas where there is one, which takes longer than all else that a process starts with.
    from pyarrow.dataset import Dataset

Source: TypeAlias = "Sequence[Path] | Dataset"
"""Files of one table on this machine; or, where they lie elsewhere, what reads them."""


class Maintained(Struct, frozen=True):
    """What housekeeping did: files written instead of others, files removed for good, rows that had expired."""

    compacted: int = 0
    removed: int = 0
    expired: int = 0


class Snapshot(Protocol):
    """All tables as of one moment; what it names can be read for as long as `Lake.maintain` is told to keep it."""

    @property
    def positions(self) -> Mapping[int, int]:
        """By partition, the last position of the log whose rows all tables hold; of one without 0, or nothing."""
        ...

    def seals(self) -> Mapping[int, int]:
        """Those that were appended last (runtime/seals.py), by partition."""
        ...

    @property
    def since_us(self) -> int | None:
        """From when on it has everything, where that is not from the start (Lake.begin)."""
        ...

    @property
    def layout(self) -> Layout:
        """The properties that have a column of their own in every file of `events`."""
        ...

    def source(self, table: str, buckets: Collection[int] | None = None) -> Source:
        """At least one file, though it may be empty. With `buckets` only files that may have rows of these: others'
        rows can stand in them too, since what was appended lately is not dealt out to buckets yet."""
        ...


class Lake(Protocol):
    @property
    def buckets(self) -> int:
        """By how many, fixed when the lake is made, identifiers are dealt out to files."""
        ...

    def snapshot(self) -> Snapshot: ...

    def append(
        self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int] | None = None
    ) -> None:
        """Add these rows, which are all that the partitions decided up to these positions and the lake does not have.
        `seals` of these positions are committed with them. Durable on return. Raises Fenced where the lake has some of
        these rows already, since somebody else has appended meanwhile, and TransientError where the world fails: then
        the rows are in the lake or they are not, and whoever asks `snapshot().positions` anew and goes on from there
        loses nothing and doubles nothing."""
        ...

    def begin(self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], since_us: int) -> None:
        """Of a lake that has nothing yet: what was decided up to these positions it shall never have, but for these
        rows; what was received since then it will."""
        ...

    def damaged(self) -> Sequence[str]:
        """Files that it names and that are not there as they were written, by their size."""
        ...

    def wish(self, layout: Layout) -> None:
        """Properties shall have these columns of their own: rows from now on have them, and `maintain` brings older
        files along; `Snapshot.layout` names them when all files have them."""
        ...

    def maintain(self, now_us: int, retention_us: Mapping[str, int]) -> Maintained:
        """A bounded piece of housekeeping: few files of good size, events gone whose name has a retention that is over,
        files gone for good that no snapshot of the last hour names."""
        ...

    def erase(self, identifiers: Sequence[str]) -> int:
        """Remove every row of these identifiers from every table, and the files that held them for good; returns how
        many rows. Nothing of them stays in what the lake says of itself."""
        ...
