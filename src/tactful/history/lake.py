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

from tactful.history.buckets import Buckets
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


class Broken(Struct, frozen=True):
    """A file that is missing, or that cannot be read."""

    table: str
    path: str
    """Within the table."""
    why: str
    rows: int
    bucket: int | None
    """None: rows of all buckets may be in it."""
    applied: tuple[int, int] | None
    """The least and the greatest, where the table has any."""
    times: tuple[int, int] | None
    """Of the rows' timestamps likewise, or of when they were received."""


class Loss(Struct, frozen=True):
    """Rows that were in a broken file, and are nowhere any more."""

    table: str
    path: str
    rows: int
    """At most so many."""
    from_us: int
    until_us: int


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
    def losses(self) -> Sequence[Loss]:
        """What it has lost since (Lake.mend)."""
        ...

    @property
    def layout(self) -> Layout:
        """The properties that have a column of their own in every file of `events`."""
        ...

    def source(self, table: str) -> Source:
        """At least one file, though it may be empty."""
        ...

    def others(self, table: str, paths: Collection[str]) -> Source:
        """All but these files; none where those are all."""
        ...


class Lake(Protocol):
    def buckets(self, table: str) -> Buckets:
        """By which identifiers are dealt out to files."""
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

    def broken(self) -> Sequence[Broken]:
        """The same files, and those that cannot be read: all of them are read. Raises TransientError where that cannot
        be told, since the world fails."""
        ...

    def mend(self, broken: Sequence[Broken], tables: Mapping[str, pa.Table], losses: Sequence[Loss]) -> None:
        """These rows stand in the place of these files, in one commit for each table. Whoever is cut off in between
        does it again. Raises TransientError where somebody else writes."""
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
