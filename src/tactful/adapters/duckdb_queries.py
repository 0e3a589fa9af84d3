"""SQL over the history with DuckDB, in this process and in bounded memory: what does not fit goes to a folder for a
while. Nothing is downloaded: extensions are neither installed nor loaded."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import Any, Literal
from weakref import finalize

import duckdb
import pyarrow as pa

from tactful.errors import TransientError
from tactful.history.lake import Source
from tactful.history.queries import BATCH_ROWS, Row

_WORLD = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)
_OF_FILES = ("parquet", "magic bytes", "thrift", "tprotocol", "stats size", "invalid unicode", "nanobind::str()")
"""What errors speak of that come of a file which is cut short or damaged, whatever class they have."""


class _Engine:
    """A database in memory, in which nothing is left when a connection to it is closed."""

    def __init__(self, memory: str, threads: int | None) -> None:
        overflow = mkdtemp(prefix="tactful-duckdb-")
        settings: dict[str, Any] = {
            "memory_limit": memory,
            "temp_directory": overflow,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
        if threads is not None:
            settings["threads"] = threads
        self._database = duckdb.connect(":memory:", config=settings)
        self._end = finalize(self, _end, self._database, overflow)

    def connection(self) -> duckdb.DuckDBPyConnection:
        return self._database.cursor()

    def close(self) -> None:
        self._end()


def _end(database: duckdb.DuckDBPyConnection, overflow: str) -> None:
    database.close()
    rmtree(overflow, ignore_errors=True)


class DuckDBQueries:
    """`memory` as DuckDB writes it; `threads` None: as many as there are cores. An engine takes longer to begin than
    many a question to be answered, so the one of a question that went well is kept for the next."""

    def __init__(self, memory: str = "1GB", threads: int | None = None) -> None:
        self._memory = memory
        self._threads = threads
        self._idle: deque[_Engine] = deque()

    @property
    def engine(self) -> Literal["duckdb"]:
        return "duckdb"

    @contextmanager
    def open(
        self, tables: Mapping[str, Source], rest: Mapping[str, pa.Table] | None = None
    ) -> Iterator["DuckDBSession"]:
        try:
            engine = self._idle.pop()
        except IndexError:
            engine = _Engine(self._memory, self._threads)
        session = None
        try:
            with engine.connection() as connection:
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
        finally:
            if session is not None and session.is_well and not self._idle:
                self._idle.append(engine)
            else:
                engine.close()

    def close(self) -> None:
        """What is kept is given back; whoever asks again begins anew."""
        while self._idle:
            self._idle.pop().close()


def _register(connection: duckdb.DuckDBPyConnection, name: str, source: Source, more: pa.Table | None) -> None:
    """One view, of the files and the rows in memory, that ends with the connection."""
    has_more = more is not None and more.num_rows > 0
    files = f"{name}_in_lake" if has_more else name
    if isinstance(source, Sequence):
        paths = ", ".join(f"'{_quoted(path)}'" for path in source)
        connection.execute(f'CREATE TEMP VIEW "{files}" AS FROM read_parquet([{paths}], hive_partitioning = true)')
    else:
        connection.register(files, source)
    if has_more:
        connection.register(f"{name}_in_tail", more)
        connection.execute(f'CREATE TEMP VIEW "{name}" AS FROM "{files}" UNION ALL BY NAME FROM "{name}_in_tail"')


class DuckDBSession:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = Lock()
        """Held by who breaks off, so that the connection is not closed under it."""
        self._is_over = self._is_broken_off = False
        self.is_well = True
        """Nothing went wrong in it so far."""

    def rows(self, query: str) -> Sequence[Row]:
        with self._going():
            return self._connection.execute(query).fetchall()

    def batches(self, query: str, most: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        with self._going():
            found: pa.RecordBatchReader = self._connection.sql(query).to_arrow_reader(most)
        while (batch := self._next(found)) is not None:
            yield batch

    def deal(self, query: str, by: str, folder: Path) -> None:
        with self._going():
            self._connection.execute(
                f"COPY ({query}) TO '{_quoted(folder)}' (FORMAT parquet, COMPRESSION lz4_raw, PARTITION_BY ({by}),"
                " OVERWRITE_OR_IGNORE)"
            )

    def break_off(self) -> None:
        with self._lock:
            self._is_broken_off = True
            if not self._is_over:
                self._connection.interrupt()

    @contextmanager
    def _going(self) -> Iterator[None]:
        if self._is_broken_off:
            raise TransientError("the question was broken off")
        was_well, self.is_well = self.is_well, False
        with _world():
            yield
        self.is_well = was_well

    def _next(self, found: pa.RecordBatchReader) -> pa.RecordBatch | None:
        with self._going():
            return next(found, None)

    def end(self) -> None:
        """Before the connection is closed."""
        with self._lock:
            self._is_over = True

    def lay(self, name: str, table: pa.Table) -> None:
        self._connection.execute(f'DROP VIEW IF EXISTS "{name}"')
        self._connection.register(name, table)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


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
