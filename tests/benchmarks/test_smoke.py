"""Every benchmark runs, with numbers too small to mean anything."""

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import NAMES

ROOT = Path(__file__).parents[2]


def test_a_quick_run_prints_figures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "engine", "memory", "waiting", "--quick", "--folder", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    for line in ("of the floor", "step()", "states: encode", "together, resident", "finding fifty who are due, us"):
        assert re.search(rf"{re.escape(line)}.* [\d.,]+$", ran.stdout, re.MULTILINE), ran.stdout


def test_the_readme_names_every_benchmark() -> None:
    readme = (ROOT / "benchmarks/README.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in readme] == []
