"""`make run` as it is, with the clock running fast: reminders soon, one process tree that is small, and a time that stands
while nobody runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tactful.values import DAY_US, parse_time
from tests.acceptance.installation import free_port, run
from tests.acceptance.waiting import until

RUN = Path("examples/shop/run.py").absolute()
MOST_MB = 1000


class Demo:
    def __init__(self, folder: Path) -> None:
        self.data, self.port, self._output = folder / "data", free_port(), folder / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self._mails: dict[Path, EmailMessage] = {}

    def start(self) -> None:
        words = [sys.executable, str(RUN), "--port", str(self.port), "--data", str(self.data)]
        with self._output.open("ab") as told:
            self._process = subprocess.Popen(
                words, stdout=told, stderr=told, stdin=subprocess.DEVNULL, start_new_session=True
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def said(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def clock(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/clock", timeout=20) as answer:
            return dict(json.load(answer))

    def reminders(self) -> list[EmailMessage]:
        """Each mail is read once, however often they are asked for."""
        for file in (self.data / "mail").glob("*.eml"):
            if file not in self._mails:
                self._mails[file] = message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default)
        return [mail for mail in self._mails.values() if str(mail["Subject"]).endswith("still here")]

    def memory_mb(self) -> float:
        """Of the whole tree; what processes share counts for each by its part."""
        return sum(map(_proportional, _tree(self.process.pid))) / 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield from _tree(child)


def _proportional(pid: int) -> int:
    match = re.search(r"^Pss: +([0-9]+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1])


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    try:
        yield made
    finally:
        made.kill()


def test_reminders_come_soon_and_the_time_stands_while_nobody_runs_it(demo: Demo) -> None:
    demo.start()
    (mail, *_) = until(demo.reminders, lambda: f"a cart reminder; {demo.said()[-3000:]}", 120)
    assert "in your cart" in str(mail.get_body(("plain",)))
    assert demo.memory_mb() < MOST_MB

    told = demo.clock()
    assert told["speed"] == 120
    assert parse_time(told["now"]) == told["now_us"]
    listed = run("coupons", "list", "--data", str(demo.data), "--json").stdout
    assert {json.loads(line)["pool"] for line in listed.splitlines()} == {"fjord", "win_back"}
    assert demo.stop() == 0, demo.said()[-3000:]
    assert "Traceback" not in demo.said()

    refused = run("up", "--project", str(demo.data / "project"), "--data", str(demo.data), "--port", str(demo.port))
    assert refused.returncode == 1
    assert "runs fast" in refused.stderr
    stood = json.loads((demo.data / "clock.json").read_text())["at_us"]
    assert stood >= told["now_us"]
    demo.start()
    again = until(lambda: _clock_of(demo), lambda: demo.said()[-3000:], 60)
    assert stood <= again["now_us"] < stood + DAY_US
    assert demo.stop() == 0
    assert "Traceback" not in demo.said()


def _clock_of(demo: Demo) -> dict[str, Any]:
    try:
        return demo.clock()
    except OSError:
        return {}


def test_a_message_that_would_really_leave_stops_the_fast_clock(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "shop")).returncode == 0
    words = ("up", "--dev", "--speed", "60", "--project", str(tmp_path / "shop"), "--data", str(tmp_path / "data"))
    refused = run(*words, variables={"TACTFUL_SMS_URL": "json://sms.example.test/{address}"})
    assert refused.returncode == 1
    assert "channels.sms.url" in refused.stderr
    assert not (tmp_path / "data").exists()
