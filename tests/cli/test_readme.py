"""The first page, followed as it is read: its files, its commands, and what it says that they print."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run

PAGE = Path("README.md").read_text(encoding="utf-8")
CALLS = Path("examples/calls.jsonl").read_bytes()
YAML = re.findall(r"`shop/([\w/]+\.yaml)`.*?```yaml\n(.*?)```", PAGE, re.DOTALL)


def shown(command: str) -> str:
    """What stands under `$ COMMAND`."""
    (found,) = re.findall(rf"^    \$ {re.escape(command)}[^\n]*\n((?:    [^\n]*\n|\n(?=    ))*)", PAGE, re.MULTILINE)
    return "\n".join(line.removeprefix("    ") for line in found.splitlines())


def arguments(command: str) -> list[str]:
    (line,) = re.findall(rf"^    (?:\$ )?tactful ({re.escape(command)}[^\n]*)$", PAGE, re.MULTILINE)
    return [quoted or bare for quoted, bare in re.findall(r"'([^']*)'|(\S+)", line)]


@pytest.fixture
def here(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project that the page makes, and the file of events that it names."""
    monkeypatch.chdir(tmp_path)
    assert run("init", "shop").exit_code == 0
    for name, body in YAML:
        (tmp_path / "shop" / name).write_text(body, encoding="utf-8")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/calls.jsonl").write_bytes(CALLS)
    return tmp_path


def test_the_files_of_the_page_are_a_project(here: Path, run: Run) -> None:
    assert [name for name, _ in YAML] == ["segments/regulars.yaml", "journeys/cart_reminder.yaml"]
    result = run("check", "--project", "shop")
    assert result.output == "fine: 2 segments, 1 journey, 1 message\n"


def test_what_check_says_of_a_slip(here: Path, run: Run) -> None:
    path = here / "shop" / "segments" / "regulars.yaml"
    path.write_text(path.read_text().replace("count(", "cuont("))
    said = re.search(r"^    (segments/regulars\.yaml.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert said is not None
    printed = "\n".join(line.removeprefix("    ") for line in said[1].splitlines())
    assert run("check", "--project", "shop").output.startswith(printed)


@pytest.mark.parametrize("command", ["preview", "backtest", "profile"])
def test_what_is_said_of_the_past(here: Path, run: Run, command: str) -> None:
    taken = run(*arguments("import"))
    assert taken.exit_code == 0, taken.output
    result = run(*arguments(command))
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == shown(f"tactful {command}").strip()


@pytest.mark.parametrize("command", ["eval", "try shop"])
def test_what_a_command_prints(here: Path, run: Run, command: str) -> None:
    result = run(*arguments(command))
    assert result.exit_code == 0, result.output
    story = result.output[result.output.index("2025-03-12T12:14:02") :] if command == "try shop" else result.output
    assert story.strip() == shown(f"tactful {command}").strip()
