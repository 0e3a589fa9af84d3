"""Power cuts, as SQLite sees them: the unsynced tail of a write-ahead log is gone, or is rubbish.

The files are copied while they are in use, and the copy's log is cut at any length. What was synced is never cut: for
the log that is everything up to the last append that returned, for the store everything up to the last checkpoint.
"""

import random
import shutil
from pathlib import Path

import pytest

from tactful.adapters.sqlite.connection import Schema, Tuning, open_database
from tactful.adapters.sqlite.ledger import TUNING as LEDGER
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.logfile import TUNING as LOG
from tactful.adapters.sqlite.outbox_schema import TUNING as OUTBOX
from tactful.adapters.sqlite.quarantine import TUNING as QUARANTINE
from tactful.adapters.sqlite.store import TUNING as STORE
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.adapters.sqlite.trailfile import TUNING as TRAIL
from tactful.events.derived import encode_groups
from tactful.runtime.ports import StateWrite
from tests.contracts.values import HandClock, commit, group

SEED = 20250312


def cut(file: Path, folder: Path, length: int, tail: bytes = b"") -> None:
    """A copy of a database in use, whose write-ahead log ends after `length` bytes, and then with rubbish."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(file, folder / file.name)
    wal = Path(f"{file}-wal")
    (folder / wal.name).write_bytes(wal.read_bytes()[:length] + tail)


def wal_length(file: Path) -> int:
    return Path(f"{file}-wal").stat().st_size


def test_a_store_that_lost_its_tail_is_a_store_of_an_earlier_turn(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    store = SqliteStore(tmp_path / "store", 0)
    file = tmp_path / "store" / "0.db"
    synced = 0
    found = set()
    for version in range(40):
        states = [StateWrite(f"u:{n}", b"%d " % (version + 1) * draw.randrange(1, 400), version + n) for n in range(30)]
        store.commit(commit(version, version + 1, states, derived=b"%d" % version, relayed=version - 5))
        if version == 25:
            store._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            synced = version + 1
            continue  # Until the next commit begins the log anew, all of it is synced and cannot be cut.
        for tail in (b"", draw.randbytes(5_000), bytes(9_000)):
            cut(file, tmp_path / "after", draw.randrange(wal_length(file) + 1), tail)
            after = SqliteStore(tmp_path / "after", 0)
            head = after.checkpoint()
            assert synced <= head.version <= version + 1
            assert head.position == head.version
            states_after = after.load([f"u:{n}" for n in range(30)])
            assert {body.split()[0] for body in states_after.values()} <= {b"%d" % head.version}
            assert len(states_after) == (30 if head.version else 0)
            if head.version:
                assert after.next_wake() == head.version - 1
                assert [last for _, last, _ in after.derived()] == list(
                    range(max(1, head.version - 5), head.version + 1)
                )
            after.commit(commit(head.version, 99))
            after.close()
            found.add(head.version)
    store.close()
    assert len(found) > 10, "the cuts fell on many turns"


def test_a_log_keeps_whatever_it_acknowledged(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    clock = HandClock()
    log = SqliteLog(tmp_path / "log", 2, clock, slice_us=1_000_000)
    file = tmp_path / "log" / "00000001.db"
    for turn in range(30):
        acknowledged = wal_length(file)
        log.append({0: [draw.randbytes(draw.randrange(3_000)) for _ in range(3)], 1: [b"x"] * (turn % 3)})
        for length in (acknowledged, draw.randrange(acknowledged, wal_length(file)), wal_length(file)):
            cut(file, tmp_path / "after", length, draw.randbytes(draw.randrange(100)))
            after = SqliteLog(tmp_path / "after", 2, clock)
            whole = 3 * (turn + 1) if length == wal_length(file) else 3 * turn
            assert after.end(0) == whole, "acknowledged is there; half an append is not"
            assert [position for position, _ in after.read(0, 0, 999)] == list(range(1, whole + 1))
            assert after.append({0: [b"next"], 1: [b"next"]})[0] == whole + 1
            after.close()
    log.close()


def test_what_the_trail_synced_stays(tmp_path: Path) -> None:
    trail = SqliteTrail(tmp_path / "trail")
    file = tmp_path / "trail" / "0.db"
    for position in range(1, 20):
        trail.append(0, position, position, encode_groups([group(position)]))
        if position == 10:
            assert trail.sync(0) == 10
            synced = wal_length(file)
    for length in range(synced, wal_length(file), 777):
        cut(file, tmp_path / "after", length)
        after = SqliteTrail(tmp_path / "after")
        end = after.end(0)
        assert 10 <= end <= 19
        assert len(after.recent(0, None, 99)) == end
        after.append(0, 5, 19, encode_groups([group(position) for position in range(5, 20)]))
        assert all(after.group(0, position, "u:1") for position in range(1, 20)), "told again, nothing is missing"
        after.close()
    trail.close()


@pytest.mark.parametrize(
    ("tuning", "level"),
    [(LOG, 2), (OUTBOX, 2), (QUARANTINE, 2), (LEDGER, 2), (STORE, 1), (TRAIL, 1)],
    ids=["log", "outbox", "quarantine", "ledger", "store", "trail"],
)
def test_each_file_is_synced_as_its_port_demands(tmp_path: Path, tuning: Tuning, level: int) -> None:
    """2 is FULL, at each commit. 1 is NORMAL, around each checkpoint; without that a power cut could mix old and new pages."""
    connection = open_database(tmp_path / "a.db", Schema("sample", 1, (("CREATE TABLE a (b)",),)), tuning)
    assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_write_ahead_log_stays_bounded_under_constant_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = 256 << 10
    monkeypatch.setattr("tactful.adapters.sqlite.store._CHECKPOINT_BYTES", every)
    store = SqliteStore(tmp_path, 0)
    written = 0
    for version in range(400):
        states = [StateWrite(f"u:{(version * 7 + n) % 500}", b"x" * 700, n) for n in range(50)]
        store.commit(commit(version, version + 1, states))
        written += 50 * (700 + 2048)
        store.maintain()
    assert wal_length(tmp_path / "0.db") < 16 * every < written / 10
    assert store._checkpoints.failure is None
    store.close()
    store = SqliteStore(tmp_path, 0)
    assert store.checkpoint().version == 400
    store.close()
