"""The wall clock of processes that a test starts: set to an instant, and set again while they run.

Python imports `sitecustomize` from PYTHONPATH before anything else; ours puts a distance, which it reads from a file each
time, between `time.time_ns` and the machine's clock. Nothing else of a process knows of it; monotonic clocks go on.
"""

import time
from pathlib import Path

from tactful.values import format_time, parse_time

_CUSTOM = """
import time
_machine = time.time_ns
def _shifted():
    with open({file!r}) as file:
        return _machine() + int(file.read())
time.time_ns = _shifted
"""


class WallClock:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "distance"
        folder.mkdir()
        self._distance_ns = 0
        self._write()
        (folder / "sitecustomize.py").write_text(_CUSTOM.format(file=str(self._file)))

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of whatever is to go by this clock."""
        return {"PYTHONPATH": str(self._folder)}

    def set_to(self, at: str) -> None:
        """An instant as ISO 8601 with Z."""
        wanted = parse_time(at)
        assert wanted is not None
        self._distance_ns = wanted * 1000 - time.time_ns()
        self._write()

    def shift(self, minutes: int) -> None:
        self._distance_ns += minutes * 60_000_000_000
        self._write()

    def now_us(self) -> int:
        return (time.time_ns() + self._distance_ns) // 1000

    def now(self) -> str:
        return format_time(self.now_us())

    def _write(self) -> None:
        # In one go: somebody may be reading.
        other = self._file.with_suffix(".new")
        other.write_text(str(self._distance_ns))
        other.rename(self._file)
