"""The nursery on its own, in a process that may take orphans and bury whoever ends."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, signal, sys
from tactful.adapters.nursery import Nursery

nursery = Nursery(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT))
told = []
for words in (["--version"], ["no-such-command"], ["check", "--project", sys.argv[1]], ["survey", "--help"]):
    one = nursery.start(words)
    assert os.stat(f"/proc/{one.pid}").st_uid == os.getuid()
    assert one.wait(60)
    told.append(one.poll())
os.kill(nursery._process.pid, signal.SIGKILL)
again = nursery.start(["--version"])
assert again.wait(60)
told.append(again.poll())
again.send(signal.SIGTERM)  # It has ended; nobody else is hit.
nursery.close()
print(told, file=sys.stderr)
"""


def test_who_is_forked_does_what_it_was_asked_for_and_its_end_is_known(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "lock")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=dict(os.environ))
    assert done.stderr.splitlines()[-1] == "[0, 2, 2, 0, 0]", done.stderr
    assert "leaked" not in done.stderr, "DuckDB complains of what was never given back"
    assert done.stdout.count("tactful, version") == 2
