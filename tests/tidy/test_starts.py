"""After a crash all processes start at once: none loads what it may never need, or only much later."""

import subprocess
import sys

import pytest

SLOW = {
    "working": ("aiohttp", "babel", "duckdb", "liquid", "numpy", "pandas", "pyarrow", "scipy", "sqlglot", "starlette"),
    "showing": ("duckdb", "liquid", "pandas", "pyarrow", "scipy", "sqlglot"),
    "archiving": ("aiohttp", "duckdb", "liquid", "pandas", "scipy", "starlette"),
    "surveying": ("aiohttp", "liquid", "pandas", "scipy", "starlette"),
    "delivering": ("duckdb", "numpy", "pandas", "pyarrow", "scipy", "sqlglot", "starlette"),
    "collecting": ("duckdb", "numpy", "pandas", "pyarrow", "scipy", "sqlglot"),
}


@pytest.mark.parametrize("process", SLOW)
def test_no_process_starts_with_what_it_need_not_have(process: str) -> None:
    modules = ["tactful.app.application", *([f"tactful.app.{process}"] if process != "working" else [])]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert set(SLOW[process]) & set(loaded.split()) == set()
