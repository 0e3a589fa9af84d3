"""SQL over the history with DuckDB, in this process and in bounded memory: what does not fit goes to a folder for a
while. Nothing is downloaded: extensions are neither installed nor loaded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import duckdb

from tactful.errors import TransientError
from tactful.history.queries import Row

_WORLD = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)


class DuckDBQueries:
    """`memory` as DuckDB writes it; `threads` None: as many as there are cores."""

    def __init__(self, memory: str = "1GB", threads: int | None = None) -> None:
        self._memory = memory
        self._threads = threads

    @property
    def engine(self) -> Literal["duckdb"]:
        return "duckdb"

    @contextmanager
    def open(self, files: Mapping[str, Sequence[Path]]) -> Iterator["DuckDBSession"]:
        with TemporaryDirectory(prefix="tactful-duckdb-") as overflow:
            settings: dict[str, Any] = {
                "memory_limit": self._memory,
                "temp_directory": overflow,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "preserve_insertion_order": False,
            }
            if self._threads is not None:
                settings["threads"] = self._threads
            with duckdb.connect(":memory:", config=settings) as connection:
                connection.execute("SET enable_progress_bar = false")
                for name, paths in files.items():
                    connection.read_parquet([str(path) for path in paths]).create_view(name)
                yield DuckDBSession(connection)


class DuckDBSession:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str) -> Sequence[Row]:
        try:
            return self._connection.execute(query).fetchall()
        except _WORLD as error:
            raise TransientError(f"the history could not be read: {error}") from error
