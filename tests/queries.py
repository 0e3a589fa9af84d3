"""One engine of SQL for all tests of a process: to begin takes it longer than most answers."""

from tactful.adapters.duckdb_queries import DuckDBQueries

QUERIES = DuckDBQueries(threads=1)
