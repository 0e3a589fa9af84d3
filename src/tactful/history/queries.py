"""The port to an engine that runs SQL over the tables of the history: DuckDB, or Spark for more than one machine."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from tactful.language.sql.layout import Engine

Row = Sequence[Any]
"""A struct is a mapping in it, a list a list."""


class Session(Protocol):
    """The tables stay registered, so that many queries share what opening them costs."""

    def rows(self, query: str) -> Sequence[Row]:
        """All of the answer. Raises TransientError where memory or a disk does not suffice."""
        ...


class Queries(Protocol):
    @property
    def engine(self) -> Engine:
        """Whose SQL it takes."""
        ...

    def open(self, files: Mapping[str, Sequence[Path]]) -> AbstractContextManager[Session]:
        """Every table of layout.TABLES, by name, with its Parquet files: at least one each."""
        ...
