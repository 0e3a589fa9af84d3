"""SQL over the history with DuckDB, in this process and in bounded memory: what does not fit goes to a folder for a
while. Nothing is downloaded: extensions are neither installed nor loaded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Literal

import duckdb
import pyarrow as pa

from tactful.errors import TransientError
from tactful.history.lake import Source
from tactful.history.queries import BATCH_ROWS, Row

_WORLD = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)
_OF_FILES = ("parquet", "magic bytes", "thrift", "tprotocol", "stats size", "invalid unicode", "nanobind::str()")
"""What errors speak of that come of a file which is cut short or damaged, whatever class they have."""


class DuckDBQueries:
    """`memory` as DuckDB writes it; `threads` None: as many as there are cores."""

    def __init__(self, memory: str = "1GB", threads: int | None = None) -> None:
        self._memory = memory
        self._threads = threads

    @property
    def engine(self) -> Literal["duckdb"]:
        return "duckdb"

    @contextmanager
    def open(
        self, tables: Mapping[str, Source], rest: Mapping[str, pa.Table] | None = None
    ) -> Iterator["DuckDBSession"]:
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
                # A file of the lake never changes: of many questions only the first reads its footer.
                connection.execute("SET parquet_metadata_cache = true")
                with _world():
                    for name, source in tables.items():
                        _register(connection, name, source, (rest or {}).get(name))
                session = DuckDBSession(connection)
                try:
                    yield session
                finally:
                    session.end()


def _register(connection: duckdb.DuckDBPyConnection, name: str, source: Source, more: pa.Table | None) -> None:
    """One view, of the files and the rows in memory."""
    if isinstance(source, Sequence):
        files = connection.read_parquet([str(path) for path in source], hive_partitioning=True)
    else:
        files = connection.from_arrow(source)
    if more is None or not more.num_rows:
        files.create_view(name)
        return
    files.create_view(f"{name}_in_lake")
    connection.register(f"{name}_in_tail", more)
    connection.execute(f'CREATE VIEW "{name}" AS FROM "{name}_in_lake" UNION ALL BY NAME FROM "{name}_in_tail"')


class DuckDBSession:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = Lock()
        """Held by who breaks off, so that the connection is not closed under it."""
        self._is_over = self._is_broken_off = False

    def rows(self, query: str) -> Sequence[Row]:
        self._go_on()
        with _world():
            return self._connection.execute(query).fetchall()

    def batches(self, query: str, most: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        self._go_on()
        with _world():
            found: pa.RecordBatchReader = self._connection.sql(query).to_arrow_reader(most)
        while (batch := _next(found)) is not None:
            yield batch

    def deal(self, query: str, by: str, folder: Path) -> None:
        self._go_on()
        with _world():
            self._connection.execute(
                f"COPY ({query}) TO '{_quoted(folder)}' (FORMAT parquet, COMPRESSION lz4_raw, PARTITION_BY ({by}),"
                " OVERWRITE_OR_IGNORE)"
            )

    def break_off(self) -> None:
        with self._lock:
            self._is_broken_off = True
            if not self._is_over:
                self._connection.interrupt()

    def _go_on(self) -> None:
        if self._is_broken_off:
            raise TransientError("the question was broken off")

    def end(self) -> None:
        """Before the connection is closed."""
        with self._lock:
            self._is_over = True

    def lay(self, name: str, table: pa.Table) -> None:
        self._connection.execute(f'DROP VIEW IF EXISTS "{name}"')
        self._connection.register(name, table)


def _quoted(folder: Path) -> str:
    return str(folder).replace("'", "''")


def _next(found: pa.RecordBatchReader) -> pa.RecordBatch | None:
    with _world():
        return next(found, None)


@contextmanager
def _world() -> Iterator[None]:
    """What fails in it for want of memory, a disk or a file is the world's fault; what else fails is ours."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
        said = " ".join(str(error).split())
        # What DuckDB itself refuses has a class of its own; an error without one is of whoever decodes a file.
        is_of_files = type(error) is duckdb.Error or any(word in said.lower() for word in _OF_FILES)
        if not is_of_files and not isinstance(error, (*_WORLD, OSError)):
            raise
        text = f"the history could not be read: {said.removesuffix('.')}"
        if is_of_files:
            text += ". Bring a file that is missing or damaged back from a backup of the lake, or see what"
            text += " `tactful lake mend` has of it"
        raise TransientError(text) from error
