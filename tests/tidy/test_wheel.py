"""The wheel is whole, and works where nothing else is installed."""

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

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


@pytest.mark.external  # Fetches the dependencies as anybody would.
def test_it_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / "bin"
    pip: list[str | Path] = [binaries / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # The versions of the lock file, so that a release of somebody else's cannot break this test.
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True, timeout=500)
    subprocess.run([*pip, "--no-deps", wheel], check=True, timeout=500)

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
