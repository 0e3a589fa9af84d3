"""`tactful init`: what it asks at a terminal, what it takes without one, and what it ends with."""

import json
import os
import pty
import re
import select
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def typed(folder: Path, *answers: str, options: tuple[str, ...] = ()) -> str:
    """What stands on a terminal after `tactful init FOLDER` and these answers, each to a question of its own."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tactful", "init", str(folder), *options],
            {**os.environ, "TZ": ":Asia/Tokyo"},
        )
    shown, asked = "", list(answers)
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:
            break  # The terminal is closed: the command has ended.
        if asked and shown.endswith("]: "):
            os.write(terminal, f"{asked.pop(0)}\n".encode())
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert not asked
    return shown.replace("\r\n", "\n")


def settings(folder: Path) -> str:
    return (folder / "tactful.toml").read_text(encoding="utf-8")


def test_three_questions_and_enter_is_an_answer(tmp_path: Path) -> None:
    shown = typed(tmp_path / "lamps", "", "", "")
    assert re.findall(r"^([^?\n]*\?)[^\n]*\[(.*?)\]: ", shown, re.MULTILINE) == [
        ("What is your shop or app called?", "lamps"),
        ("Begin empty, or as the example shop, to change it?", "empty"),
        ("In which time zone are most of its people?", "Asia/Tokyo"),
    ]
    assert 'name = "lamps"\ntime_zone = "Asia/Tokyo"' in settings(tmp_path / "lamps")


def test_an_answer_that_is_none_is_asked_for_again(tmp_path: Path) -> None:
    shown = typed(tmp_path / "made", "Lamps & Chairs", "bazaar", "shop", "Mars/Olympus", "Europe/Lisbon")
    assert "'bazaar' is not one of" in shown
    assert "there is no time zone 'Mars/Olympus'" in shown
    assert 'name = "Lamps & Chairs"\ntime_zone = "Europe/Lisbon"' in settings(tmp_path / "made")
    assert (tmp_path / "made" / "journeys" / "win_back.yaml").exists()


def test_what_an_option_says_is_not_asked(tmp_path: Path) -> None:
    shown = typed(tmp_path / "made", "Lamps", options=("--begin", "shop", "--time-zone", "UTC"))
    assert shown.count("]: ") == 1


@pytest.mark.parametrize("begin", ["empty", "shop"])
def test_without_a_terminal_nothing_is_asked_and_the_curl_line_is_whole(tmp_path: Path, run: Run, begin: str) -> None:
    folder = tmp_path / "my shop"
    result = run("init", str(folder), "--begin", begin)
    assert result.exit_code == 0, result.output
    (call,) = re.findall(r"^  (curl .*?)\n\n", result.output, re.MULTILINE | re.DOTALL)
    words = shlex.split(call.replace("\\\n", ""))
    key = words[words.index("-u") + 1].removesuffix(":")
    assert f'write_key = "{key}"\ntrust = "server"' in settings(folder)
    body = json.loads(words[words.index("-d") + 1])
    assert body["event"] == "Product Added"
    assert ("who permits analytics" in result.output) == ("context" in body) == (begin == "shop")
    (start,) = (line for line in result.output.splitlines() if line.startswith("  tactful up "))
    assert shlex.split(start)[-1] == str(folder / "data")


def test_what_is_in_the_way_is_said_before_anything_is_asked(tmp_path: Path, run: Run) -> None:
    assert run("init", str(tmp_path / "made")).exit_code == 0
    again = run("init", str(tmp_path / "made"))
    assert again.exit_code == 1
    assert "already has tactful.toml" in again.output
    assert run("init", str(tmp_path / "other"), "--time-zone", "Mars/Olympus").exit_code == 2
