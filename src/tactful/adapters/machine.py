"""The machine as Linux tells of it: /proc for the processes, the file system for the disk. Reads, and asks nothing."""

import os
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tactful.runtime.machine import Machine, Process

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


def look(data: Path, parent: int) -> Machine:
    """`parent` is the process that started the others. What is gone by the time it is looked at is left out."""
    disk = shutil.disk_usage(data)
    return Machine(_processes(parent), disk.total, disk.free, _parts(data))


def _processes(parent: int) -> tuple[Process, ...]:
    if not PROC.is_dir():
        return ()
    found = []
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError, ValueError, IndexError):
            # The name stands in brackets and may hold anything; behind it the parent is the second word.
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            pid = int(folder.name)
            if parent in (pid, int(words[1])):
                cpu_s = (int(words[11]) + int(words[12])) / _TICKS
                found.append(Process(_name(folder), pid, _memory(folder), cpu_s))
    return tuple(sorted(found, key=lambda one: (one.pid != parent, one.name, one.pid)))


def _name(folder: Path) -> str:
    """`tactful work --project ... --partitions 0,1` is `work 0,1`, also where the words are one text with blanks, as of
    what names itself."""
    words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ").split()
    starts = [number for number, word in enumerate(words) if word == "tactful" or word.endswith("/tactful")]
    if not starts or not words[starts[0] + 1 :]:
        return Path(words[0]).name if words else folder.name
    start = starts[0]
    command = words[start + 1]
    for option in ("--partitions", "--number"):
        if option in words[start:]:
            value = words[words.index(option) + 1]
            return f"{command} {value}" if option == "--partitions" or value != "0" else command
    return command


def _memory(folder: Path) -> int:
    """The proportional share where the system tells it, else what is resident."""
    with suppress(OSError):
        lines = (folder / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    lines = (folder / "status").read_text().splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS:")), 0)


def _parts(data: Path) -> dict[str, int]:
    """`outbox.db` and `outbox.db-wal` are one part; links are not followed."""
    sizes: Counter[str] = Counter()
    with os.scandir(data) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                sizes[entry.name] += _below(entry.path)
            elif entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    sizes[entry.name.partition(".")[0]] += entry.stat(follow_symlinks=False).st_size
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def _below(folder: str) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118  (a million mails: half the time)
    return total
