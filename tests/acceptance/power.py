"""A power cut, as it may leave a data folder: what was never synced is gone from some drawn point on.

Processes are killed first, so that the files hold all that was written. Then each write-ahead log of the files that are
not synced at each commit (store and trail) loses a tail of drawn length, to any byte, except for what is known to have
been synced: what a checkpoint has begun to copy back, and of the trail what the store has forgotten since. Log, outbox
and quarantine are synced at each commit and stay whole. The wal-index (-shm) is memory, and gone.
"""

import sqlite3
import struct
from pathlib import Path
from random import Random

WAL_HEADER = 32
FRAME_HEADER = 24
_ATTEMPTED_AT = 128
"""In the wal-index: how many frames the newest checkpoint set out to copy (https://sqlite.org/walformat.html)."""


def cut_power(data: Path, draw: Random) -> dict[str, int]:
    """Cut the tails; returns by file how many bytes went."""
    lost = {}
    for store in sorted((data / "store").glob("*.db")):
        trail = data / "trail" / store.name
        needed = needed_of_trail(store, trail)
        lost[f"store/{store.name}"] = cut(store, kept_by_checkpoint(store), draw)
        if trail.exists():
            least = max(kept_by_checkpoint(trail), needed)
            lost[f"trail/{trail.name}"] = cut(trail, least, draw)
    for shared in data.rglob("*.db-shm"):
        shared.unlink()
    return lost


def cut(file: Path, least: int, draw: Random) -> int:
    wal = Path(f"{file}-wal")
    size = wal.stat().st_size if wal.exists() else 0
    if size <= least:
        return 0
    # Often near the end, sometimes all of it.
    kept = least + int((size - least) * draw.choice((0.0, draw.random(), 1 - draw.random() ** 3)))
    with wal.open("r+b") as opened:
        opened.truncate(kept)
    return size - kept


def kept_by_checkpoint(file: Path) -> int:
    """Bytes of the write-ahead log that a checkpoint had synced."""
    shared = Path(f"{file}-shm")
    if not shared.exists():
        return 0
    body = shared.read_bytes()
    (attempted,) = struct.unpack_from("=I", body, _ATTEMPTED_AT) if len(body) >= _ATTEMPTED_AT + 4 else (0,)
    (page_size,) = struct.unpack(">H", file.read_bytes()[16:18]) if file.stat().st_size >= 18 else (4096,)
    return WAL_HEADER + attempted * (FRAME_HEADER + page_size) if attempted else 0


def needed_of_trail(store: Path, trail: Path) -> int:
    """Bytes of the trail's write-ahead log with what the store has forgotten, which it does only after a sync."""
    wal = Path(f"{trail}-wal")
    if not wal.exists():
        return 0
    with sqlite3.connect(copied(store)) as connection:
        (oldest,) = connection.execute("SELECT min(last) FROM derived").fetchone()
    whole = wal.read_bytes()
    with sqlite3.connect(copied(trail)) as connection:
        (forgotten,) = connection.execute(
            "SELECT max(last) FROM piece WHERE ? IS NULL OR last < ?", (oldest, oldest)
        ).fetchone()
    if forgotten is None:
        return 0
    # The shortest tail-less log with which the trail still holds it.
    low, high = 0, len(whole)
    while low < high:
        middle = (low + high) // 2
        if end_with(trail, whole[:middle]) >= forgotten:
            high = middle
        else:
            low = middle + 1
    return high


def end_with(trail: Path, wal: bytes) -> int:
    copy = Path(copied(trail))
    Path(f"{copy}-wal").write_bytes(wal)
    with sqlite3.connect(copy) as connection:
        try:
            (end,) = connection.execute("SELECT max(last) FROM piece").fetchone()
        except sqlite3.OperationalError:  # Not even the table was there.
            return 0
    return int(end or 0)


def copied(file: Path) -> str:
    """A copy to look into: opening the file itself would change it."""
    folder = file.parent.parent / "copies"
    folder.mkdir(exist_ok=True)
    copy = folder / file.name
    for suffix in ("", "-wal"):
        source, target = Path(f"{file}{suffix}"), Path(f"{copy}{suffix}")
        target.unlink(missing_ok=True)
        if source.exists():
            target.write_bytes(source.read_bytes())
    Path(f"{copy}-shm").unlink(missing_ok=True)
    return str(copy)
