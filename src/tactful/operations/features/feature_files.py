"""Tables of features as files, Parquet or Arrow by the ending, and what is in them at a glance; read by pieces."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from tactful.errors import UsageError
from tactful.operations.features.tables import Table
from tactful.operations.plain import plain
from tactful.segments.features import RESERVED
from tactful.values import Time

ENDINGS = (".parquet", ".arrow")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Column(Struct):
    """Of one feature. `least`, `greatest` and `total` of numbers (durations are seconds, true is 1)."""

    present: int = 0
    least: float | None = None
    greatest: float | None = None
    total: float = 0.0

    @property
    def mean(self) -> float | None:
        return self.total / self.present if self.present and self.least is not None else None


class Summary(Struct):
    """`rows` by instant, in microseconds."""

    rows: dict[int, int]
    columns: dict[str, Column]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def summed(table: Table, summary: Summary) -> Iterator[pa.RecordBatch]:
    """The same pieces; `summary` (one of `empty(...)`) has counted them when all are read."""
    for batch in table.batches:
        for at, number in _instants(batch):
            summary.rows[at] += number
        for name, column in summary.columns.items():
            _count(column, batch.column(name))
        yield batch


def empty(table: Table) -> Summary:
    columns = {field.name: Column() for field in table.schema if field.name not in RESERVED}
    return Summary(dict.fromkeys(table.instants, 0), columns)


def _instants(batch: pa.RecordBatch) -> Sequence[tuple[int, int]]:
    """A piece is of one instant."""
    return [(batch.column("at")[0].value, batch.num_rows)] if batch.num_rows else []


def _count(column: Column, values: pa.Array) -> None:
    present = len(values) - values.null_count
    column.present += present
    if not present or pa.types.is_string(values.type) or pa.types.is_timestamp(values.type):
        return
    numbers = values.cast(pa.float64())
    ends: Mapping[str, Any] = pc.min_max(numbers).as_py()
    column.least = ends["min"] if column.least is None else min(column.least, ends["min"])
    column.greatest = ends["max"] if column.greatest is None else max(column.greatest, ends["max"])
    column.total += pc.sum(numbers).as_py()


def check(path: Path) -> None:
    """Raises UsageError where no table can be written there."""
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path}: a table of features ends in {' or '.join(ENDINGS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}")


def write(table: Table, path: Path) -> None:
    """The whole file or none: it has its name when it is complete. Raises UsageError where it cannot be written."""
    check(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            _write(table, file, is_parquet=path.suffix == ".parquet")
        unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # Where nothing can be written nothing can be removed.
            unfinished.unlink(missing_ok=True)


def _write(table: Table, file: BinaryIO, *, is_parquet: bool) -> None:
    if is_parquet:
        with pq.ParquetWriter(file, table.schema, compression="zstd") as rows:
            for batch in table.batches:
                rows.write_batch(batch)
        return
    with pa.ipc.new_file(file, table.schema) as pieces:
        for batch in table.batches:
            pieces.write_batch(batch)


def as_json(value: object) -> object:
    """A value of a row as JSON has it (LANGUAGE.md 3.8): a time as ISO 8601, a whole number without a fraction."""
    if isinstance(value, datetime):
        return plain(Time((value - EPOCH) // timedelta(microseconds=1)))
    return plain(value)
