"""Who is dead is known, and nobody is taken for dead while it lives."""

import subprocess
import sys
from pathlib import Path

from tactful.adapters.alive import Alive, gone

CHILD = """
import sys
from pathlib import Path
from tactful.adapters.alive import Alive
alive = Alive(Path(sys.argv[1]), sys.argv[2])
print("here", flush=True)
sys.stdin.read()
"""


def child(folder: Path, name: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "here\n"
    return process


def test_a_killed_process_is_gone_and_a_living_one_is_not(tmp_path: Path) -> None:
    one, other = child(tmp_path, "one"), child(tmp_path, "other")
    try:
        assert gone(tmp_path, ["one", "other", "never was"]) == ["never was"]
        one.kill()
        one.wait()
        assert gone(tmp_path, ["one", "other"]) == ["one"]
        later = Alive(tmp_path, "later")
        assert gone(tmp_path, ["one", "other", "later"]) == ["one"], "swept away, it stays dead"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["later.alive", "other.alive"]
        later.close()
        assert gone(tmp_path, ["later", "other"]) == ["later"]
    finally:
        for process in (one, other):
            process.communicate()
    assert gone(tmp_path, ["other"]) == ["other"]
