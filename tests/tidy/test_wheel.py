"""The wheel is whole, and works where nothing else is installed."""

import re
import subprocess
import sys
import venv
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tests.tidy.house import ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_everything_of_the_package_is_in_it(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    kept = {str(path.relative_to("src")) for path in files("") if path.parts[:2] == ("src", "tactful")}
    assert len(kept) > 50
    assert kept - held == set()
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not any(name.startswith("tests") for name in held)
    assert "tactful/examples/shop/journeys/cart_reminder.yaml" in held


def locked(lock: str) -> dict[str, set[str]]:
    """Requirement to its hashes."""
    told = re.sub(r"^#.*\n", "", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = (entry.split("\\\n") for entry in re.split(r"\n(?! )", told.strip()))
    return {requirement.strip(): set(map(str.strip, hashes)) for requirement, *hashes in entries}


def test_what_runs_is_locked_as_what_is_tested() -> None:
    """So whoever installs one of the lock files has tried the hashes of both."""
    runs, tested = (
        {requirement.partition(" ;")[0]: hashes for requirement, hashes in locked(lock).items()}
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert {name: hashes for name, hashes in runs.items() if tested.get(name) != hashes} == {}


def link(site: Path) -> None:
    """What requirements.lock names and nothing else, from where it is installed already."""
    for each in map(Requirement, locked("requirements.lock")):
        if each.marker is None or each.marker.evaluate():
            found = distribution(each.name)
            assert each.specifier.contains(found.version), f"{each}: {found.version} is installed; make setup"
            for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(str(found.locate_file(top)))


def fetch(site: Path) -> None:
    """As anybody would, from the registry."""
    install(site, "--require-hashes", "-r", ROOT / "requirements.lock")


def install(site: Path, *words: str | Path) -> None:
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", site.parents[2] / "bin/python"]
    more = ["--disable-pip-version-check", "--quiet", "--no-compile"]
    subprocess.run([*pip, "install", *more, *words], check=True, timeout=500)


@pytest.mark.parametrize("have", [link, pytest.param(fetch, marks=[pytest.mark.long, pytest.mark.external])])
def test_it_works_in_an_empty_environment(wheel: Path, tmp_path: Path, have: Callable[[Path], None]) -> None:
    venv.create(tmp_path / "env")
    binaries = tmp_path / "env/bin"
    (site,) = (tmp_path / "env/lib").glob("*/site-packages")
    have(site)
    install(site, "--no-deps", wheel)

    def tactful(*words: str) -> str:
        return subprocess.run(
            [binaries / "tactful", *words], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    assert "Usage: tactful" in tactful("--help")
    tactful("init", "shop")
    tactful("check", "--project", "shop")
    tactful("init", "mine", "--begin", "shop")
    assert "13 messages" in tactful("check", "--project", "mine")
    line = '{"type": "page", "userId": "ada", "receivedAt": "2025-03-01T10:00:00Z"}'
    (tmp_path / "calls.jsonl").write_text(line)
    assert tactful("eval", 'any("*")', "--events", "calls.jsonl", "--engine", "both", "--json") == '{"ada": true}\n'
    assert tactful("schema", "segment") == (ROOT / "docs/schemas/segment.json").read_text(encoding="utf-8")
    assert "count(EVENT" in tactful("vocabulary", "--project", "shop")
    asked = "from tactful.web.console.compiled import environment; assert environment().list_templates()"
    subprocess.run([binaries / "python", "-c", asked], cwd=tmp_path, check=True, timeout=60)
