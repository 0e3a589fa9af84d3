"""docs/lake.md: what it shows is run, over a lake that has lived a little."""

import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tactful.adapters.delta import compaction
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.language.sql.layout import EVENTS, Layout
from tests.contracts.lakes import event, refs, tables, tie, trait

PAGE = Path(__file__).parents[2] / "docs" / "lake.md"
LAST = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the snippets are run: a lake with rows in buckets and not, and with other columns in some files."""
    folder = tmp_path_factory.mktemp("read")
    lake = DeltaLake(Folder(folder / "lake"), 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "DEAL_ROWS", 7)
        for n in range(1, LAST + 1):
            row = event(0, n, name=_name(n), properties={"total": n * 1.5, "currency": "EUR"})
            lake.append({0: n}, tables(row, trait(0, n), tie(0, n, "a:1", "u:1")))
            if n == 8:
                lake.maintain(0, {})
                lake.wish(Layout(("total",)))
    assert len(refs(lake)) == LAST
    assert _codecs(lake.snapshot().source(EVENTS)) == {"LZ4", "ZSTD"}, "of files that stay and that do not"
    return folder


@pytest.mark.parametrize("engine", ["duckdb.sql", "pl.scan_delta", "to_pandas("])
def test_others_read_it_with_no_help(folder: Path, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    if "duckdb" in engine:  # What comes with Tactful suffices.
        monkeypatch.setitem(sys.modules, "polars", None)
        monkeypatch.setitem(sys.modules, "pandas", None)
    _agrees(folder, monkeypatch, engine)


def test_the_queries_of_the_page_about_the_tables_are_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    page = PAGE.with_name("history.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(code, "history.md", "exec"), found)
    spent, many = re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL)
    assert {key: total for key, _, total in found["history"].sql(spent).fetchall()} == _spent()
    assert sum(number for _, number in found["history"].sql(many).fetchall()) == LAST


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Py4J leaves its socket to the end of the process
def test_spark_reads_it_with_no_help(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _agrees(folder, monkeypatch, "SparkSession")


def _agrees(folder: Path, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.chdir(folder)
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL) if engine in one]
    found: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), found)
    try:
        assert {one["identifier"]: one["total"] for one in _rows(found["spent"])} == _spent()
    finally:
        if "spark" in found:
            found["spark"].stop()


def _codecs(files: Any) -> set[str]:
    return {pq.read_metadata(one).row_group(0).column(0).compression for one in files}


def _name(n: int) -> str:
    return "Order Completed" if n % 2 else "Product Viewed"


def _spent() -> dict[str, float]:
    totals: dict[str, float] = {}
    for n in range(1, LAST + 1, 2):
        key = event(0, n).identifier
        totals[key] = totals.get(key, 0) + n * 1.5
    return totals


def _rows(table: Any) -> list[dict[str, Any]]:
    """Of a table of Arrow, a data frame of Polars or of pandas, or rows of Spark."""
    if isinstance(table, list):
        return [row.asDict() for row in table]
    rows: list[dict[str, Any]]
    if isinstance(table, pa.Table):
        rows = table.to_pylist()
    else:
        rows = table.to_dicts() if hasattr(table, "to_dicts") else table.to_dict("records")
    return rows
