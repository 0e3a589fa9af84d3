"""The machine: the processes that we started, and what lies in a folder."""

import os
import subprocess
import sys
from pathlib import Path

from tactful.adapters import machine


def test_children_are_seen_by_their_command(tmp_path: Path) -> None:
    script = "import sys; print(flush=True); sys.stdin.read()"
    # The words of a command line are what tells them apart; nothing else of it is needed here.
    arguments = [sys.executable, "-c", script, "tactful", "work", "--partitions", "0,2"]
    child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()  # Between fork and exec it has our words, or none, and no memory of its own.
    try:
        seen = {one.name: one for one in machine.look(tmp_path, os.getpid()).processes}
        assert seen["work 0,2"].pid == child.pid
        assert seen["work 0,2"].memory_bytes > 1_000_000
        assert seen["work 0,2"].cpu_s >= 0
    finally:
        child.communicate()


def test_what_lies_in_a_folder_is_summed_by_its_first_name(tmp_path: Path) -> None:
    (tmp_path / "log" / "0").mkdir(parents=True)
    (tmp_path / "log" / "0" / "a").write_bytes(bytes(300))
    (tmp_path / "log" / "b").write_bytes(bytes(20))
    (tmp_path / "outbox.db").write_bytes(bytes(100))
    (tmp_path / "outbox.db-wal").write_bytes(bytes(5))
    (tmp_path / "away").symlink_to("/")
    found = machine.look(tmp_path, os.getpid())
    assert found.parts == {"log": 320, "outbox": 105}
    assert found.disk_bytes > found.free_bytes > 0
