"""The engine as it runs in life: `tactful up` with all its processes, pinned to the cores it may have."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.events.records import Event, decode
from tactful.runtime.ports import Clock

PATIENCE_S = 120
_TICKS = os.sysconf("SC_CLK_TCK")


class WallClock(Clock):
    def now_us(self) -> int:
        return time.time_ns() // 1000


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def pin(chosen: Iterable[int]) -> None:
    os.sched_setaffinity(0, set(chosen))


class Server:
    """`with Server(project, data, cores) as server:` is ready to collect on `server.port`."""

    def __init__(self, project: Path, data: Path, on: Iterable[int], options: Sequence[str] = ()) -> None:
        self._project = project
        self._options = options
        self.data = data
        self._cores = set(on)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: Watched | None = None

    def start(self) -> None:
        """Starts the processes and does not wait for them."""
        arguments = ["--project", str(self._project), "--data", str(self.data), "--port", str(self.port)]
        chosen = ",".join(map(str, self._cores))
        self._process = subprocess.Popen(
            ["taskset", "-c", chosen, sys.executable, "-m", "tactful", "up", *arguments, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.data.parent / "server.log").open("ab"),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        self.start()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1).close()
            except OSError:
                assert self._process is not None
                log = (self.data.parent / "server.log").read_text()
                assert self._process.poll() is None, f"the server did not start:\n{log}"
                assert time.monotonic() < deadline, f"the server is not ready:\n{log}"
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._watched:
            self._watched.close()
            self._watched = None
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)

    @property
    def watched(self) -> "Watched":
        if self._watched is None:
            self._watched = Watched(self.data)
        return self._watched

    def kill(self) -> None:
        """kill -9, the parent first, so that it starts nobody again."""
        for number in self.processes():
            os.kill(number, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def processes(self) -> dict[int, str]:
        """Process id to role, the parent first."""
        assert self._process is not None
        found = {self._process.pid: "up"}
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for number in children:
            words = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").split()
            found[int(number)] = words[1].decode() if words[:1] == [b"tactful"] else "?"
        return found

    def busy_s(self) -> dict[str, float]:
        """Processor seconds used so far, by role."""
        used: dict[str, float] = {}
        for number, role in self.processes().items():
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            used[role] = used.get(role, 0.0) + (int(fields[11]) + int(fields[12])) / _TICKS
        return used

    def memory(self) -> dict[str, tuple[int, int]]:
        """(resident, proportional) bytes by role; pages that processes share count once in the second."""
        used: dict[str, tuple[int, int]] = {}
        for number, role in self.processes().items():
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
            sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
            resident, shared = used.get(role, (0, 0))
            used[role] = (resident + sizes["Rss"], shared + sizes["Pss"])
        return used


class Watched:
    """How far the server is, seen from outside by what its files hold."""

    def __init__(self, data: Path) -> None:
        self._data = data
        partitions = len(list((data / "store").glob("*.db")))
        self.partitions = range(partitions)
        self.log = SqliteLog(data / "log", partitions, WallClock(), read_only=True)
        self.trail = SqliteTrail(data / "trail", read_only=True)

    def last_events(self) -> list[int]:
        """Per partition, the position of the newest event of the log."""
        return [self._last_event(partition) for partition in self.partitions]

    def _last_event(self, partition: int) -> int:
        end = self.log.end(partition)
        while end > 0:
            for position, body in reversed(self.log.read(partition, max(end - 100, 0), 100)):
                if position <= end and isinstance(decode(body), Event):
                    return position
            end -= 100
        return 0

    def wait(self, targets: list[int]) -> None:
        """Until the trail holds what these positions brought, which comes after their states were committed."""
        deadline, log = time.monotonic() + PATIENCE_S, self._data.parent / "server.log"
        for partition, target in enumerate(targets):
            while self.trail.end(partition) < target:
                if time.monotonic() > deadline:
                    said = log.read_text()[-2_000:] if log.exists() else ""
                    raise AssertionError(f"the worker does not catch up:\n{said}")
                time.sleep(0.005)

    def close(self) -> None:
        self.log.close()
        self.trail.close()
