"""The disk fills up under load: callers are told to come again, nothing that was acknowledged is lost, and when there is
space again all goes on by itself.

Twice: on a small file system of its own (for which one has to be root), and with the system's limit on the size of a file,
which every process obeys and which can be lifted while it runs.
"""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.acceptance.customers import AUTHORIZATION, Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.installation import Running, project
from tests.acceptance.receivers import Hooks, Mailbox
from tests.acceptance.waiting import until

PROBE = json.dumps({"userId": "probe", "event": "Probe", "messageId": "probe"}).encode()


def probe(port: int) -> tuple[int, str | None]:
    """Status and Retry-After of a call; 0 where there was no answer."""
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/v1/track", PROBE, {"Authorization": AUTHORIZATION})
        answer = connection.getresponse()
        answer.read()
        connection.close()
    except (OSError, HTTPException):
        return 0, None
    return answer.status, answer.getheader("Retry-After")


def refusal(port: int) -> tuple[int, str | None] | None:
    answer = probe(port)
    return answer if answer[0] not in (200, 0) else None


def survive(running: Running, crowd: Crowd, mailbox: Mailbox, hooks: Hooks) -> None:
    """With space again: everything arrives, and the server was never started again from outside."""
    crowd.join()
    until(lambda: probe(running.port)[0] == 200, "a 200 for the call that was refused")
    running.await_quiet(len(crowd.customers))
    demand_all(running, [crowd], mailbox, hooks, ["probe"])
    assert running.stop() == 0


def test_files_that_may_not_grow(running: Running, mailbox: Mailbox, hooks: Hooks) -> None:
    running.start()
    crowd = Crowd(8, running.port, customers=200).start()
    crowd.await_sent(100)
    pids = [process.pid for process in running.processes()]
    largest = max(path.stat().st_size for path in running.data.rglob("*-wal"))
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest // 2, resource.RLIM_INFINITY))
    try:
        status, retry_after = until(lambda: refusal(running.port), running.said)
        assert (status, retry_after) == (503, "5")
        until(lambda: "Nothing was lost" in running.said(), "a word about the disk")
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    survive(running, crowd, mailbox, hooks)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a file system of its own wants root; the test with a limit on files runs without")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_full(tmp_path: Path, mailbox: Mailbox, hooks: Hooks) -> None:
    with small_disk(tmp_path / "disk", 48) as disk:
        running = Running(project(tmp_path / "project", mailbox.port, hooks.port), disk / "data")
        running.output = tmp_path / "output"
        try:
            running.start()
            crowd = Crowd(9, running.port, customers=200).start()
            crowd.await_sent(100)
            ballast = disk / "ballast"
            fill(ballast)
            status, retry_after = until(lambda: refusal(running.port), running.said)
            assert (status, retry_after) == (503, "5")
            assert crowd.is_busy()
            ballast.unlink()
            survive(running, crowd, mailbox, hooks)
        finally:
            running.kill_all()


def fill(ballast: Path) -> None:
    """Until nothing more fits."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
