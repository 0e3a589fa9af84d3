"""The port to an engine that runs SQL over the tables of the history: DuckDB, or Spark for more than one machine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from tactful.history.lake import Source
from tactful.language.sql.layout import Engine

Row = Sequence[Any]
"""A struct is a mapping in it, a list a list."""
BATCH_ROWS = 100_000


class Session(Protocol):
    """The tables stay registered, so that many queries share what opening them costs."""

    def rows(self, query: str) -> Sequence[Row]:
        """All of the answer. Raises TransientError where memory or a disk does not suffice."""
        ...

    def batches(self, query: str, most: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """The answer piece by piece, `most` rows at a time, so that it need not fit into memory; to be read to its end
        before the next question. Raises as rows() does."""
        ...

    def deal(self, query: str, by: str, folder: Path) -> None:
        """The answer as Parquet files, in a folder of its own (BY=VALUE) for each value of this column, which is left
        out of them. Raises as rows() does."""
        ...

    def break_off(self) -> None:
        """From any thread: whatever is being asked, and all that is asked later, raises TransientError soon."""
        ...

    def lay(self, name: str, table: pa.Table) -> None:
        """A table in memory, from here on in place of the one of this name."""
        ...


class Queries(Protocol):
    @property
    def engine(self) -> Engine:
        """Whose SQL it takes."""
        ...

    def open(
        self, tables: Mapping[str, Source], rest: Mapping[str, pa.Table] | None = None
    ) -> AbstractContextManager[Session]:
        """Tables by name, each with at least one file; and rows in memory that belong to them."""
        ...
