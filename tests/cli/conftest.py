"""What tests of the command line share: a runner, and a new project."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tactful.app.application import COMMANDS, Application
from tactful.cli.main import command_line

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    group = command_line(Application(), COMMANDS, "0")

    def invoke(*arguments: object, text: str | None = None) -> Result:
        return CliRunner().invoke(group, [str(argument) for argument in arguments], input=text)

    return invoke


@pytest.fixture
def project(tmp_path: Path, run: Run) -> Path:
    folder = tmp_path / "shop"
    assert run("init", folder).exit_code == 0
    return folder
