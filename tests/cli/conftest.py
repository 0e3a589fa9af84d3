"""What tests of the command line share: a runner, a new project, and a data folder in which something has happened."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tactful.app.application import COMMANDS, Application
from tactful.cli.main import command_line
from tests.previewing.opening import wandering

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    group = command_line(Application(), COMMANDS)

    def invoke(*arguments: object, text: str | None = None) -> Result:
        return CliRunner().invoke(group, [str(argument) for argument in arguments], input=text)

    return invoke


@pytest.fixture
def project(tmp_path: Path, run: Run) -> Path:
    folder = tmp_path / "shop"
    assert run("init", folder).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `calls.jsonl`: twenty people of January 2026."""
    folder = tmp_path_factory.mktemp("lived")
    (folder / "calls.jsonl").write_bytes(b"\n".join(wandering(20, 300)) + b"\n")
    return folder


@pytest.fixture
def data(lived: Path, project: Path, run: Run) -> Path:
    """Where they were replayed, once for a file of tests, which changes nothing there."""
    data = lived / "data"
    if not data.exists():
        given = ("import", lived / "calls.jsonl", "--replay", "--yes", "--project", project, "--data", data)
        assert run(*given).exit_code == 0
    return data
