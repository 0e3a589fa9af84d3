"""A whole `tactful up` in processes of its own, that a test may start, stop, kill, look into and start again."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import SystemRandom
from typing import Any

from click.testing import CliRunner
from msgspec import Struct

from tactful.adapters.installation import Installation as House
from tactful.adapters.supervisor import Lock
from tactful.app.application import COMMANDS, Application
from tactful.app.clocks import SystemClock
from tactful.cli.main import command_line
from tactful.errors import TransientError, UsageError
from tactful.operations.reading.reader import Reader
from tactful.operations.stories import Overview
from tactful.runtime.ports import OutboxRow
from tactful.runtime.settings import Settings
from tests.acceptance.waiting import until

WRITE_KEY = "acceptance-server"
SETTINGS = """
[workspace]
name = "Kettle Shop"
public_url = "https://mail.example.test"

[sources.shop]
write_key = "{write_key}"
trust = "server"

[channels.email]
from = "Kettle Shop <hello@shop.example>"
smtp_url = "smtp://127.0.0.1:{smtp_port}?starttls=never"

[channels.webhook]
secret = "{secret}"
allow_private = true

[engine]
partitions = {partitions}
workers = 2

[history]
every = "1s"
"""
SECRET = "a-secret-of-the-test"
FILES = {
    "journeys/thanks.yaml": "start: {event: Order Completed}\nsend: {email: thanks}\n",
    "journeys/reminder.yaml": (
        "start: {event: Product Added}\nwait: 1s\nunless: Order Completed\nsend: {email: reminder}\n"
    ),
    "journeys/hook.yaml": 'start: {event: Signed Up}\nsend: {webhook: "http://127.0.0.1:{hook_port}/hook"}\n',
    "messages/thanks.yaml": (
        'purpose: email_marketing\nsubject: "Thank you, {{ profile.name }}"\n'
        'html: "<p>Thanks.</p><a href={{ unsubscribe_url }}>No more</a>"\ntext: "Thanks. {{ unsubscribe_url }}"\n'
    ),
    "messages/reminder.yaml": (
        'purpose: email_marketing\nsubject: "Still thinking, {{ profile.name }}?"\n'
        'html: "<p>{{ event.properties.name }}</p><a href={{ unsubscribe_url }}>No more</a>"\n'
        'text: "{{ event.properties.name }} {{ unsubscribe_url }}"\n'
    ),
    "segments/buyers.yaml": 'when: any("Order Completed", last="30d")\n',
}


def free_port() -> int:
    """Below those that the machine gives to connections, so that none takes it before its server does."""
    draw = SystemRandom()
    while True:
        port = draw.randrange(12_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def project(folder: Path, smtp_port: int, hook_port: int, partitions: int = 2) -> Path:
    """A project with a journey that sends at once, one that waits, and one that calls a webhook."""
    settings = SETTINGS.format(write_key=WRITE_KEY, smtp_port=smtp_port, secret=SECRET, partitions=partitions)
    files = {"tactful.toml": settings, **FILES}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{hook_port}", str(hook_port)))
    return folder


class Process(Struct, frozen=True):
    pid: int
    name: str
    """`work`, `deliver`, `collect`, `archive`."""


class Running:
    """`tactful up` on a project and a data folder; what its processes say goes to `output`."""

    def __init__(self, project: Path, data: Path, port: int = 0) -> None:
        self.project = project
        self.data = data
        self.port = port or free_port()
        self.output = data.parent / f"{data.name}.output"
        self.words: Sequence[str] = ()
        """More options of the command."""
        self._supervisor: subprocess.Popen[bytes] | None = None

    # ---- starting and stopping ---------------------------------------------------------------------------------

    def start(self, variables: Mapping[str, str] | None = None) -> None:
        """Start, and return when it answers that it is ready."""
        self.launch(variables)
        self.await_ready()

    def launch(self, variables: Mapping[str, str] | None = None) -> None:
        with self.output.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [
                    *command("up"),
                    "--project",
                    str(self.project),
                    "--data",
                    str(self.data),
                    "--port",
                    str(self.port),
                    *self.words,
                ],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(variables or {})},
                start_new_session=True,
            )

    def await_ready(self) -> None:
        until(self.is_ready, lambda: f"readiness; its output:\n{self.said()[-3000:]}")

    def is_ready(self) -> bool:
        code = self.supervisor.poll()
        assert code is None, f"`tactful up` ended with {code}:\n{self.said()[-3000:]}"
        try:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            is_ready = connection.getresponse().status == 200
            connection.close()
        except (OSError, HTTPException):
            return False
        return is_ready

    def stop(self) -> int:
        """Ask to stop; returns the exit code when all processes are gone."""
        processes = self.processes()
        self.supervisor.send_signal(signal.SIGTERM)
        code = self.supervisor.wait(60)
        left = [process for process in processes if is_alive(process.pid)]
        assert left == [], f"left over after a stop: {left}"
        return code

    def kill_supervisor(self) -> None:
        """SIGKILL; its processes must end by themselves, soon; also one that it was just starting, whom no list has."""
        processes = self.processes()
        self.supervisor.kill()
        self.supervisor.wait(60)
        until(
            lambda: not any(is_alive(process.pid) for process in processes) and not self._is_locked(),
            lambda: f"the end of orphans {processes}; its output:\n{self.said()[-3000:]}",
        )

    def _is_locked(self) -> bool:
        try:
            Lock(self.data).release()
        except UsageError:
            return True
        return False

    def kill_all(self) -> None:
        """Everything at the same instant: first all are halted, then killed."""
        if self._supervisor is None or self._supervisor.poll() is not None:
            return
        processes = self.processes()
        pids = [self.supervisor.pid, *(process.pid for process in processes)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                signal_to(pid, number)
        self.supervisor.wait(60)
        until(lambda: not any(map(is_alive, pids)) and not self._is_locked(), "the end of what was killed")

    @property
    def supervisor(self) -> subprocess.Popen[bytes]:
        assert self._supervisor is not None, "not started"
        return self._supervisor

    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    # ---- processes ---------------------------------------------------------------------------------------------

    def processes(self, name: str = "") -> list[Process]:
        """The children that live, by what they do."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
                words = folder.joinpath("cmdline").read_bytes().decode().replace("\0", " ").split()
            except OSError:
                continue
            # Each names itself, as soon as it is there.
            if parent == self.supervisor.pid and words[:1] == ["tactful"] and is_alive(int(folder.name)):
                found.append(Process(int(folder.name), words[1]))
        return sorted(
            (process for process in found if name in ("", process.name)),
            key=lambda process: (process.name, process.pid),
        )

    # ---- looking -----------------------------------------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        """`tactful events --json`."""
        return [json.loads(line) for line in asked("events", "--data", str(self.data), "--json").splitlines()]

    def overview(self) -> Overview:
        """What the engine says of itself, read from its files beside it."""
        house = self._house()
        try:
            return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine).overview()
        finally:
            house.close()

    def intents(self) -> list[OutboxRow]:
        """The whole outbox."""
        house = self._house()
        try:
            return house.outbox.rows(limit=1_000_000)
        finally:
            house.close()

    def unreported(self) -> int:
        house = self._house()
        try:
            return len(house.outbox.unreported(1_000_000))
        finally:
            house.close()

    def _house(self) -> House:
        return House(self.data, Settings(), SystemClock(), read_only=True)

    def is_quiet(self, intents: int) -> bool:
        """Everything in the log is applied, so many intents were made, each has ended, and the log knows how."""
        try:
            seen = self.overview()
            open_ends = seen.messages.get("waiting", 0) + seen.messages.get("claimed", 0)
            is_told = seen.lag == 0 and open_ends == 0 and sum(seen.messages.values()) >= intents
            return is_told and self.unreported() == 0 and self.overview().lag == 0
        except (UsageError, TransientError):
            return False

    def await_quiet(self, intents: int, seconds: float = 60) -> None:
        until(
            lambda: self.is_quiet(intents),
            lambda: f"quiet with {intents} intents: {self.overview()}; its output:\n{self.said()[-3000:]}",
            seconds,
        )


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tactful", *words]


def run(*words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One command of `tactful`, to its end."""
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(variables or {})},
    )


def asked(*words: str) -> str:
    """What a command says that only looks. In this process: such a one is asked again and again until something is so, and
    to start takes it longer than to answer."""
    done = CliRunner().invoke(command_line(Application(), COMMANDS), words)
    assert done.exit_code == 0, done.output
    return done.stdout


def is_alive(pid: int) -> bool:
    """Lives, and is not only waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def signal_to(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
