"""SQL over the history with Spark, on a session that somebody else started (the extra `spark`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pyspark.sql import Row as SparkRow
from pyspark.sql import SparkSession

from tactful.history.queries import Row


class SparkQueries:
    """The tables are temporary views of the session while they are open."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    @property
    def engine(self) -> Literal["spark"]:
        return "spark"

    @contextmanager
    def open(self, files: Mapping[str, Sequence[Path]]) -> Iterator["SparkQueriesSession"]:
        for name, paths in files.items():
            self._spark.read.parquet(*map(str, paths)).createOrReplaceTempView(name)
        try:
            yield SparkQueriesSession(self._spark)
        finally:
            for name in files:
                self._spark.catalog.dropTempView(name)


class SparkQueriesSession:
    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def rows(self, query: str) -> Sequence[Row]:
        found = self._spark.sql(query).collect()
        return [tuple(_plain(value) for value in row) for row in found]


def _plain(value: Any) -> Any:
    """Structs as mappings."""
    if isinstance(value, SparkRow):
        return {name: _plain(inner) for name, inner in value.asDict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
