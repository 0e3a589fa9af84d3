"""Large calls are read fewer at a time: the archiver's memory is bounded by their bytes, not by their number alone."""

import pyarrow as pa
import pytest

from tactful.adapters.memory.lake import MemoryLake
from tactful.history.columns import Batch
from tactful.runtime import decided
from tactful.runtime.archive import Archiver, Pace
from tactful.runtime.decided import stretch
from tests.histories import Life, lived


@pytest.fixture
def life() -> Life:
    return lived(
        {},
        [
            {
                "type": "track",
                "event": "Seen",
                "anonymousId": f"a{place % 5}",
                "messageId": f"m{place}",
                "properties": {"text": "x" * 1000},
                "receivedAt": f"2026-01-02T00:{place:02}:00Z",
            }
            for place in range(40)
        ],
    )


def rows(batch: Batch) -> list[str]:
    return sorted(repr(row) for table in batch.tables().values() for row in pa.Table.to_pylist(table))


def test_large_calls_come_fewer_at_a_time(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided, "_LOOK", 3)
    log, trail, at, sizes = life.house.log, life.house.trail, 0, []
    batch, at_once = Batch(), Batch()
    while (read := stretch(log, trail, 0, at, most_bytes=1)).upto > at:
        read.into(batch)
        sizes.append(read.size)
        at = read.upto
    every = stretch(log, trail, 0, 0)
    every.into(at_once)
    assert rows(batch) == rows(at_once)
    assert len(sizes) > 1
    assert max(sizes) < every.size == sum(sizes)


def test_an_append_takes_no_more_than_so_many_bytes(life: Life) -> None:
    lake, pace = MemoryLake(), Pace(most_bytes=1, read=3)
    archiver = Archiver(life.house.log, life.house.trail, lake, life.clock, pace=pace, name=life.house.name)
    archiver.append()
    assert 0 < lake.snapshot().positions[0] < life.house.log.end(0)
    archiver.archive()
    assert lake.snapshot().positions[0] == life.house.trail.end(0)
