"""Parquet, by pyarrow: only the columns that are wanted are read."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec.structs import replace

from tactful.adapters.tables.delimited import named
from tactful.errors import TransientError, UsageError
from tactful.operations.imports.tables import Batch, Column, FileFormat

ROWS = 4000


class Parquet:
    def __init__(self, path: Path, format: FileFormat) -> None:
        self.path = path
        self.format = replace(format, format="parquet")
        try:
            with pq.ParquetFile(path) as file:
                schema, self._rows = file.schema_arrow, file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{path} cannot be read as Parquet: {error}") from None
        self._names, self.notes = named(schema.names, path)
        self.columns = [Column(name, _kind(field.type)) for name, field in zip(self._names, schema, strict=True)]

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        places = [place for place, name in enumerate(self._names) if not wanted or name in wanted]
        names = [self._names[place] for place in places]
        before = 0
        try:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                chosen = [file.schema_arrow.names[place] for place in places]
                is_by_name = len(set(file.schema_arrow.names)) == len(file.schema_arrow.names)
                reading = file.iter_batches(ROWS, columns=chosen if is_by_name else None, use_threads=False)
                for batch in reading:
                    columns = [values(batch.column(at)) for at in (range(len(places)) if is_by_name else places)]
                    numbers = list(range(before + 1, before + 1 + batch.num_rows))
                    before += batch.num_rows
                    share = before / max(self._rows, 1)
                    yield Batch([], numbers, [], share, dict(zip(names, columns, strict=True)))
        except (pa.ArrowException, OSError) as error:
            raise TransientError(f"{self.path} could not be read to its end: {error}") from None


def values(column: Any) -> Sequence[Any]:
    """As Python has them; times as texts in ISO 8601, decimals as numbers, NaN as missing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        text = pc.strftime(column.cast(pa.timestamp("us", kind.tz)), "%Y-%m-%dT%H:%M:%S")
        if kind.tz is not None:
            utc = column.cast(pa.timestamp("us", "UTC"))
            text = pc.binary_join_element_wise(pc.strftime(utc, "%Y-%m-%dT%H:%M:%S"), "Z", "")
        return text.to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]  # likewise
    if pa.types.is_decimal(kind):
        return [None if one is None else float(one) for one in column.to_pylist()]
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if one is None else one.decode("utf-8", "replace") for one in column.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or (_is_number(kind) and not column.null_count):
        # By numpy, which is several times as fast.
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]  # likewise
    return column.to_pylist()  # type: ignore[no-any-return]  # likewise


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _kind(type: Any) -> str:
    if pa.types.is_dictionary(type):
        type = type.value_type
    for is_so, kind in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "number"),
        (pa.types.is_floating, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_temporal, "time"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_nested, "anything"),
    ):
        if is_so(type):
            return kind
    return "anything"
