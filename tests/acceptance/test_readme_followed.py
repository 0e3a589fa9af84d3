"""The first page, followed by somebody who types what it says: its commands in their order, in an empty folder, against
the server that one of them starts; and `make run` in a fresh copy of the repository."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.acceptance.installation import free_port
from tests.acceptance.waiting import until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
OWN = PAGE[PAGE.index("## Your own in five minutes") : PAGE.index("## What you can rely on")]
YAML = re.findall(r"`(shop/[\w/]+\.yaml)`.*?```yaml\n(.*?)```", OWN, re.DOTALL)
INLINE = re.compile(r"`(tactful [^`]+)`")
CURL = re.compile(r"(?:^ *|<code>)(curl .*?[^\\])(?:\n\n|</code>|\Z)", re.MULTILINE | re.DOTALL)
"""In what `init` prints and in what pages teach."""
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


def commands() -> Iterator[str]:
    """In the order of the page: those that stand on lines of their own, and those within a sentence."""
    found = [(match.start(), match[1]) for match in INLINE.finditer(OWN)]
    for block in BLOCK.finditer(OWN):
        lines = block[0].replace("\\\n", "").splitlines()
        found += [
            (block.start(), line.strip().removeprefix("$ "))
            for line in lines
            if re.match(r"    (\$ )?(tactful|curl|make) ", line)
        ]
    # A stable order: two lines of one block stand as they stood.
    return (command for _, command in sorted(found, key=lambda each: each[0]))


class Reader:
    """Somebody at a shell in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        binaries = Path(sys.executable).parent
        self.variables = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
        self.server: subprocess.Popen[bytes] | None = None

    def types(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", self._here(line)],
            cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def leaves_running(self, line: str) -> None:
        with (self.folder / "output").open("wb") as told:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec {self._here(line)} --port {self.port}"],
                cwd=self.folder, env=self.variables, stdout=told, stderr=told, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        until(lambda: "Tactful is at" in self.said(), self.said)

    def _here(self, line: str) -> str:
        """The page's port may be taken here."""
        return line.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")

    def page(self, path: str) -> str:
        """Also of somebody who is not known (404)."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            return error.read().decode()

    def sees(self, text: str, path: str) -> None:
        until(lambda: text in self.page(path), self.said)

    def said(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")

    @contextmanager
    def at_the_shell(self) -> Iterator["Reader"]:
        try:
            yield self
        finally:
            if self.server is not None:
                self.server.send_signal(signal.SIGTERM)
                self.server.wait(60)


def test_every_command_of_the_page_works_in_its_order(tmp_path: Path) -> None:
    seen, first = [], ""
    with Reader(tmp_path).at_the_shell() as reader:
        (tmp_path / "examples").mkdir()
        shutil.copy(ROOT / "examples/calls.jsonl", tmp_path / "examples")
        for command in commands():
            if command.startswith("make "):
                continue
            if command.startswith("tactful up"):
                reader.leaves_running(command)
                for name, body in YAML:
                    (tmp_path / name).write_text(body, encoding="utf-8")
                until(lambda: "segments/regulars.yaml" in reader.said(), reader.said)
                keys = tomllib.loads((tmp_path / "shop/tactful.toml").read_text(encoding="utf-8"))["sources"]
                reader.variables["WRITE_KEY"] = keys["server"]["write_key"]
                assert json.loads(reader.types(first))["success"] is True
                continue
            printed = reader.types(command)
            if command.startswith("tactful init"):
                (first,) = CURL.findall(printed)
            if command.startswith("curl"):
                assert json.loads(printed)["success"] is True, printed
            if command.startswith(
                "tactful profile"
            ):  # Of a past that is the page's own; the rest is compared in tests/cli.
                assert 'traits       email = "ada@shop.example"' in printed
            if command.startswith("tactful explain"):
                assert "started the journey cart_reminder" in printed
            seen.append(command.partition(" ")[2].partition(" ")[0])
    # It is the page that is followed, and not a page that has lost its commands.
    assert {"init", "eval", "try", "check", "explain", "measure", "journeys", "sending", "unmerge"} <= set(seen)
    assert {"preview", "segment", "backtest", "profile", "features"} <= set(seen)
    assert sum(command.startswith("-u") for command in seen) >= 3


@pytest.mark.long  # What decides it is in tests/operations/test_first_calls.py.
def test_the_first_calls_of_the_example_shop_are_kept_although_it_asks_first(tmp_path: Path) -> None:
    with Reader(tmp_path).at_the_shell() as reader:
        printed = reader.types("tactful init shop --begin shop --time-zone UTC")
        (call,) = CURL.findall(printed)
        reader.leaves_running("tactful up --project shop --data shop/data")
        taught = {page: reader.page(page) for page in ("/", "/live", "/people", "/outbox")}
        # Without a yes it is answered, counted, and said wherever somebody looks for it.
        assert json.loads(reader.types(re.sub(r',\s*"context".*(?=}\')', "", call, flags=re.DOTALL)))["success"]
        why = (
            "events are kept of who permits analytics ([consent] collect); 1 that came in without that was only counted"
        )
        reader.sees(why.capitalize(), "/people/u:ada")
        assert all(why.capitalize() in reader.page(page) for page in ("/", "/live", "/people", "/people?q=ada"))
        assert why in reader.types("! tactful explain ada --data shop/data 2>&1")
        assert "1 only counted, for want of consent" in reader.types("tactful doctor --project shop --data shop/data")
        # As it is printed, and as each page teaches it.
        assert json.loads(reader.types(call))["success"]
        reader.sees("Lamp Fjord", "/people/u:ada")
        for page, shown in taught.items():
            (one,) = CURL.findall(unescape(shown))
            assert json.loads(reader.types(one.replace("ada", f"ada{len(page)}")))["success"]
            reader.sees("Kettle", f"/people/u:ada{len(page)}")


@pytest.mark.long
@pytest.mark.external  # Installs as anybody would.
def test_a_fresh_copy_shows_a_reminder_within_two_minutes_of_work(tmp_path: Path) -> None:
    """What takes time is the installation of packages, from the network or a cache; the demo itself is in test_demo.py."""
    copy = tmp_path / "tactful"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True, timeout=120)
    port, temporary = free_port(), tmp_path / "temporary"
    temporary.mkdir()
    with (tmp_path / "output").open("wb") as told:
        made = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=copy, env={**os.environ, "TMPDIR": str(temporary)}, stdout=told, stderr=told,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        until(
            lambda: any("still here" in mail.read_text(errors="replace") for mail in temporary.glob("*/mail/*.eml")),
            lambda: (tmp_path / "output").read_text()[-3000:],
            600,
        )
        os.killpg(made.pid, signal.SIGINT)
        made.wait(60)
        said = (tmp_path / "output").read_text()
        assert "Traceback" not in said and "did not answer" not in said, said[-3000:]
        assert not list(temporary.glob("tactful-*")), "the data folder is thrown away"
    finally:
        if made.poll() is None:
            os.killpg(made.pid, signal.SIGKILL)
            made.wait()
