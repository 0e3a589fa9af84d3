"""What is loaded, by whom: a command answers soon, a process holds no memory for what it may never need, and the nursery
can be forked at any time."""

import subprocess
import sys

from tactful.adapters.nursery import ONE_THREAD
from tactful.app.application import NEEDED

SLOW = {
    "work": {"aiohttp", "babel", "duckdb", "liquid", "numpy", "pandas", "pyarrow", "scipy", "sqlglot", "starlette"},
    "deliver": {"duckdb", "numpy", "pandas", "pyarrow", "scipy", "sqlglot", "starlette"},
    "collect": {"duckdb", "numpy", "pandas", "pyarrow", "scipy", "sqlglot"},
    "show": {"duckdb", "pandas", "pyarrow", "scipy", "sqlglot"},
    "archive": {"duckdb", "pandas", "scipy"},
    "survey": {"pandas", "scipy"},
}
"""In the order in which `up` starts them: what the nursery has loaded for one is there for the next as well."""
CODE = """
import importlib, os, sys
from tactful.app.application import NEEDED
for process in sys.argv[1:]:
    for module in NEEDED.get(process, ()):
        importlib.import_module(module)
    print(process, len(os.listdir("/proc/self/task")), *sys.modules)
"""


def test_no_process_starts_with_what_it_need_not_have_and_the_nursery_has_one_thread() -> None:
    assert set(NEEDED) <= set(SLOW)
    command = [sys.executable, "-c", CODE, *SLOW]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=dict(ONE_THREAD))
    for line in done.stdout.splitlines():
        process, threads, *loaded = line.split()
        assert SLOW[process] & set(loaded) == set(), process
        assert threads == "1", f"a fork keeps one thread; with what {process} needs there are {threads}"
    assert len(done.stdout.splitlines()) == len(SLOW)
