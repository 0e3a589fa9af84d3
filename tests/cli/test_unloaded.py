"""What a process of `tactful` does not load."""

import subprocess
import sys

CODE = """
import sys
from tactful.app.application import main
sys.argv = ["tactful", "--help"]
try:
    main()
except SystemExit:
    pass
import pyarrow
assert pyarrow.array([1, 2]).to_pylist() == [1, 2]
assert pyarrow.table({"a": ["x"]}).to_pylist() == [{"a": "x"}]
assert "pandas" not in sys.modules
"""


def test_columns_are_made_without_pandas_where_it_is_installed() -> None:
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
