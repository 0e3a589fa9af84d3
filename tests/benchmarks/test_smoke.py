"""Every benchmark runs, with numbers too small to mean anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES

ROOT = Path(__file__).parents[2]


FIGURES = {
    "waiting": ("of the state, above", "finding fifty who are due, us"),
    "engine": ("of the floor", "step()", "states: encode"),
    "memory": ("bytes of a state", "together, resident"),
}


@pytest.mark.parametrize(
    "name", ["waiting", pytest.param("engine", marks=pytest.mark.long), pytest.param("memory", marks=pytest.mark.long)]
)
def test_a_quick_run_prints_figures(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "benchmarks", name, "--quick", "--folder", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    for line in FIGURES[name]:
        assert re.search(rf"{re.escape(line)}.* [\d.,]+", ran.stdout), ran.stdout


def test_the_readme_names_every_benchmark() -> None:
    readme = (ROOT / "benchmarks/README.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in readme] == []
