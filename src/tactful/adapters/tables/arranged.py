"""Rows put together: joined by a value, and brought behind each other, by DuckDB, which sorts on disk if need be.

Rows travel as they are (msgpack), beside their place and the texts by which they are compared, so that no value changes
its type on the way. Nothing is downloaded: extensions are neither installed nor loaded.
"""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from tactful.errors import TransientError, UsageError
from tactful.operations.imports.tables import BadRow, Batch, Column, FileFormat, Join, Row, Table

ROWS = 2000
MEMORY = "512MB"
_WORLD = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode
_pack = msgspec.json.Encoder().encode
_MAIN = pa.schema([("place", pa.int64()), ("number", pa.int64()), ("key", pa.string()), ("body", pa.binary())])
_OTHER = pa.schema([("key", pa.string()), ("body", pa.binary())])


class Arranged:
    """Reading and sorting are the first half of the way (`share`), and giving the rows out the second."""

    def __init__(self, table: Table, joins: Sequence[Join], together: Sequence[str]) -> None:
        self._table = table
        self._joins = joins
        self._together = together
        self.columns = [*table.columns, *(
            Column(f"{join.name}.{column.name}", column.kind) for join in joins for column in join.table.columns
        )]  # fmt: skip

    @property
    def path(self) -> Any:
        return self._table.path

    @property
    def format(self) -> FileFormat:
        return self._table.format

    @property
    def notes(self) -> Sequence[str]:
        return [*self._table.notes, *(note for join in self._joins for note in join.table.notes)]

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        with _database() as connection:
            own = {*wanted, *self._together, *(join.column for join in self._joins)}
            self._bad: list[BadRow] = []
            for place, join in enumerate(self._joins):
                self._load_other(connection, f"other{place}", join, wanted)
            columns = "".join(f", k{place} VARCHAR" for place in range(len(self._joins)))
            connection.execute(f"CREATE TABLE main (place BIGINT, number BIGINT, key VARCHAR, body BLOB{columns})")
            for batch, share in self._load_main(connection, own):
                yield Batch([], [], batch, share / 2)
            yield from self._give(connection)

    def _load_other(self, connection: Any, name: str, join: Join, wanted: Collection[str]) -> None:
        prefix = f"{join.name}."
        own = {one.removeprefix(prefix) for one in wanted if one.startswith(prefix)} | {join.other}
        connection.execute(f"CREATE TABLE {name} (key VARCHAR, body BLOB)")
        for batch in join.table.batches(own):
            keyed = [(text(row.get(join.other)), row) for row in batch.rows]
            bodies = [
                (key, _encode({prefix + one: row[one] for one in own if one in row})) for key, row in keyed if key
            ]
            _insert(connection, name, _OTHER, bodies)
        twice = connection.execute(f"SELECT key FROM {name} GROUP BY key HAVING count(*) > 1 LIMIT 1").fetchall()
        if twice:
            raise UsageError(
                f"{join.table.path} has {join.other} {twice[0][0]!r} more than once: it cannot be joined by it"
            )

    def _load_main(self, connection: Any, own: Collection[str]) -> Iterator[tuple[list[BadRow], float]]:
        place = 0
        schema = _MAIN
        for number in range(len(self._joins)):
            schema = schema.append(pa.field(f"k{number}", pa.string()))
        for batch in self._table.batches(
            {one for one in own if one in {column.name for column in self._table.columns}}
        ):
            rows = []
            for number, row in zip(batch.numbers, batch.rows, strict=True):
                keys = [text(row.get(join.column)) for join in self._joins]
                rows.append((place, number, self._key(row), _encode(row), *keys))
                place += 1
            _insert(connection, "main", schema, rows)
            yield batch.bad, batch.share

    def _key(self, row: Row) -> str | None:
        found = [text(row.get(column)) for column in self._together]
        return _pack(found).decode() if found and None not in found else None

    def _give(self, connection: Any) -> Iterator[Batch]:
        joined = "".join(f" LEFT JOIN other{one} ON main.k{one} = other{one}.key" for one in range(len(self._joins)))
        bodies = "".join(f", other{one}.body" for one in range(len(self._joins)))
        first = "coalesce(firsts.place, main.place)"
        connection.execute(
            "CREATE TABLE firsts AS SELECT key, min(place) AS place FROM main WHERE key NOT NULL GROUP BY key"
        )
        total = max(connection.execute("SELECT count(*) FROM main").fetchall()[0][0], 1)
        query = (
            f"SELECT main.number, main.body{bodies} FROM main LEFT JOIN firsts ON main.key = firsts.key{joined} "
            f"ORDER BY {first}, main.place"
        )
        given = 0
        for batch in connection.sql(query).to_arrow_reader(ROWS):
            columns = [column.to_pylist() for column in batch.columns]
            rows = []
            for _, body, *others in zip(*columns, strict=True):
                row = _decode(body)
                for other in others:
                    if other is not None:
                        row |= _decode(other)
                rows.append(row)
            given += len(rows)
            yield Batch(rows, columns[0], [], 0.5 + given / total / 2)


def text(value: Any) -> str | None:
    """By what values of several files are compared: 17850.0 is 17850."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value.strip() if isinstance(value, str) else str(value)


def _insert(connection: Any, name: str, schema: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
        arriving = pa.Table.from_arrays(columns, schema=schema)
        connection.register("arriving", arriving)
        connection.execute(f"INSERT INTO {name} SELECT * FROM arriving")
        connection.unregister("arriving")


@contextmanager
def _database() -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="tactful-import-") as folder:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "threads": 1,
        }
        try:
            with duckdb.connect(f"{folder}/rows.db", config=settings) as connection:
                connection.execute("SET enable_progress_bar = false")
                yield connection
        except _WORLD as error:
            raise TransientError(f"the rows could not be put in order: {error}") from error
