"""SQL over the history with Spark, on a session that somebody else started (the extra `spark`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pyarrow.dataset import Dataset, FileSystemDataset
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import Row as SparkRow

from tactful.errors import TransientError
from tactful.history.lake import Source
from tactful.history.queries import BATCH_ROWS, Row

SCHEMES = {"s3": "s3a://"}
"""Before the paths of a filesystem, as Hadoop has it."""


class SparkQueries:
    """The tables are temporary views of the session while they are open."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    @property
    def engine(self) -> Literal["spark"]:
        return "spark"

    @contextmanager
    def open(
        self, tables: Mapping[str, Source], rest: Mapping[str, pa.Table] | None = None
    ) -> Iterator["SparkQueriesSession"]:
        for name, source in tables.items():
            found = self._files(source)
            more = (rest or {}).get(name)
            if more is not None and more.num_rows:
                found = found.unionByName(self._spark.createDataFrame(more).select(*found.columns))
            found.createOrReplaceTempView(name)
        try:
            yield SparkQueriesSession(self._spark)
        finally:
            for name in tables:
                self._spark.catalog.dropTempView(name)

    def _files(self, source: Source) -> DataFrame:
        """Files of a lake may have more columns of their own than others (docs/history.md): together they have all."""
        if isinstance(source, Dataset) and not isinstance(source, FileSystemDataset):
            return self._spark.createDataFrame(source.to_table())  # In memory: a lake that is tried out.
        reader = self._spark.read.option("mergeSchema", "true")
        if not isinstance(source, Dataset):
            return reader.parquet(*map(str, source))
        scheme = SCHEMES.get(source.filesystem.type_name, "")
        return reader.parquet(*(f"{scheme}{path}" for path in source.files))


class SparkQueriesSession:
    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._is_broken_off = False

    def rows(self, query: str) -> Sequence[Row]:
        self._go_on()
        found = self._spark.sql(query).collect()
        return [tuple(_plain(value) for value in row) for row in found]

    def batches(self, query: str, most: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Spark hands its answer over as a whole."""
        self._go_on()
        yield from self._spark.sql(query).toArrow().to_batches(most)

    def deal(self, query: str, by: str, folder: Path) -> None:
        self._go_on()
        self._spark.sql(query).write.partitionBy(by).mode("overwrite").parquet(str(folder))

    def break_off(self) -> None:
        """What runs already goes on to its end: the cluster may be others' as well."""
        self._is_broken_off = True

    def _go_on(self) -> None:
        if self._is_broken_off:
            raise TransientError("the question was broken off")

    def lay(self, name: str, table: pa.Table) -> None:
        self._spark.createDataFrame(table).createOrReplaceTempView(name)


def _plain(value: Any) -> Any:
    """Structs as mappings."""
    if isinstance(value, SparkRow):
        return {name: _plain(inner) for name, inner in value.asDict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
