"""SQLite between real processes: several that append while another reads, and processes that are killed."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.logfile import LogFile
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.store import SqliteStore
from tests.contracts.values import HandClock

ROOT = Path(__file__).parents[2]
SEED = 20250311


@contextmanager
def process(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    command = [sys.executable, "-m", "tests.contracts.processes", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        try:
            yield started, started.stdout
        finally:
            started.kill()


def test_several_processes_append_while_another_reads(tmp_path: Path) -> None:
    number, writers = 150, 3
    reader = SqliteLog(tmp_path, 2, HandClock(), read_only=True)
    seen: list[tuple[int, bytes]] = []
    with ExitStack() as running:
        started = [running.enter_context(process("append", tmp_path, f"w{n}", number, 40)) for n in range(writers)]
        for one, lines in started:
            while lines.readline():
                seen += reader.read(0, len(seen), 7)
            assert one.wait() == 0
    while found := reader.read(0, len(seen), 1000):
        seen += found
    assert [position for position, _ in seen] == list(range(1, 2 * writers * number + 1)), "no gap and no repeat"
    assert len(list(tmp_path.glob("*.db"))) > writers, "files were cut meanwhile"
    for writer in range(writers):
        mine = [body.decode() for _, body in seen if body.startswith(b"w%d" % writer)]
        assert mine == [f"w{writer} {n} {half}" for n in range(number) for half in "ab"], "in the order of the writer"
    pairs = [body[:-1] for _, body in seen]
    assert pairs[::2] == pairs[1::2], "what one append brought stands together"
    assert reader.end(1) == writers * number
    reader.close()


def test_a_killed_appender_loses_nothing_that_it_said(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    said: dict[int, str] = {}
    for life in range(8):
        with process("append", tmp_path, f"life{life}", 10_000, 15) as (started, lines):
            for _ in range(draw.randrange(1, 60)):
                name, n, first, _ = lines.readline().split()
                said[int(first)] = f"{name} {n}"
            started.kill()
            for line in lines:  # What it said before the blow, too.
                if line.endswith("\n"):
                    name, n, first, _ = line.split()
                    said[int(first)] = f"{name} {n}"
    log = SqliteLog(tmp_path, 2, HandClock())
    records = {}
    for partition in (0, 1):
        after = 0
        while found := log.read(partition, after, 100):
            assert [position for position, _ in found] == list(range(after + 1, after + 1 + len(found)))
            records.update({(partition, position): body.decode() for position, body in found})
            after = found[-1][0]
        assert after == log.end(partition)
    assert {position: records[0, position] for position in said} == {first: f"{text} a" for first, text in said.items()}
    assert log.append({0: [b"on it goes"]}) == {0: log.end(0)}
    assert log.end(0) == 2 * log.end(1) + 1, "an append is whole in all partitions, or nowhere"
    log.close()


def test_a_killed_store_is_whole(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    version = 0
    for _ in range(5):
        with process("commit_states", tmp_path) as (started, lines):
            for _ in range(draw.randrange(1, 80)):
                version = int(lines.readline())
            started.kill()
            version = int(([line for line in lines if line.endswith("\n")] or [str(version)])[-1])
        store = SqliteStore(tmp_path, 0)
        found = store.checkpoint().version
        assert found >= version, "a commit that returned survives the death of the process"
        assert store.load([f"u:{n}" for n in range(20)]) == {f"u:{n}": b"%d " % found * 100 for n in range(20)}
        assert (store.due(10**9, 99), store.next_wake()) == ([f"u:{n}" for n in range(20)], found - 1)
        store.close()


def test_a_killed_outbox_has_what_it_took(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    for life in range(4):
        with process("put", path) as (started, lines):
            last = [lines.readline() for _ in range(10 + 7 * life)][-1]
            started.kill()
            last = ([line for line in lines if line.endswith("\n")] or [last])[-1]
        outbox = SqliteOutbox(path)
        assert outbox.row(f"{int(last)}.2") is not None
        rows = {row.intent.intent for row in outbox.rows(limit=10**6)}
        assert outbox.counts() == {"waiting": len(rows)}
        assert {name.split(".")[0] + ".1" for name in rows} <= rows
        assert {name.split(".")[0] + ".2" for name in rows} <= rows
        outbox.close()


def test_what_is_written_just_before_the_closing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = HandClock()
    log = SqliteLog(tmp_path, 2, clock, slice_us=100)
    reader = SqliteLog(tmp_path, 2, clock, read_only=True)
    log.append({0: [b"a"]})
    assert reader.read(0, 0, 9) == [(1, b"a")]
    real = LogFile.is_closed
    said = iter([b"b"])

    def is_closed(file: LogFile) -> bool:
        """Between the reader's two looks another process appends, and closes the file by the append after."""
        for body in said:
            log.append({0: [body]})
            clock.us += 100
            log.append({0: [b"c"]})
        return real(file)

    monkeypatch.setattr(LogFile, "is_closed", is_closed)
    assert reader.read(0, 1, 9) == [(2, b"b")]
    assert reader.read(0, 2, 9) == [(3, b"c")]
    log.close()
    reader.close()


@pytest.mark.parametrize("left", ["empty", "no schema", "no header"])
def test_what_a_crash_left_half_made_is_finished(tmp_path: Path, left: str) -> None:
    clock = HandClock()
    log = SqliteLog(tmp_path, 2, clock, slice_us=100)
    log.append({0: [b"a", b"b"], 1: [b"x"]})
    reader = SqliteLog(tmp_path, 2, clock, read_only=True)
    clock.us += 100
    _close_the_newest(log, clock)
    half = tmp_path / "00000002.db"
    _leave(half, left)
    assert reader.read(0, 2, 9) == []
    assert reader.end(0) == 2
    log.close()
    log = SqliteLog(tmp_path, 2, clock, slice_us=100)
    assert log.append({0: [b"c"]}) == {0: 3}
    assert (reader.read(0, 2, 9), reader.end(0), reader.end(1)) == ([(3, b"c")], 3, 1)
    log.close()
    reader.close()


def _close_the_newest(log: SqliteLog, clock: HandClock) -> None:
    """The closing mark is set, and the process dies before it makes the next file."""
    with log._turn():
        _, file = log._writer()
        assert file.append([], clock.now_us(), 0) is None


def _leave(path: Path, left: str) -> None:
    path.touch()
    if left == "no schema":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    elif left == "no header":
        LogFile(path, 2, read_only=False).close()
