"""A lake of which files are gone or damaged: what the log still has comes back, row for row, and the rest is said."""

from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest

from tactful.adapters.delta import compaction
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.errors import TransientError, UsageError
from tactful.events.records import Tick, encode
from tactful.history.table import schema
from tactful.history.timezones import zone_table
from tactful.language.sql.layout import EVENTS, TABLES, TRAITS, ZONES
from tactful.operations.history.archived import said_of
from tactful.operations.history.lake_mending import Mending, mending
from tactful.runtime.archive import Archiver, Pace
from tactful.testing.clock import SimClock
from tactful.values import DAY_US
from tests.contracts.lakes import loaded
from tests.histories import Life, lived
from tests.history.test_archive import FILES, lines
from tests.tries import seeds

ZONE_ROWS = zone_table().slice(0, 9)


def rows(lake: DeltaLake) -> dict[str, list[str]]:
    snapshot = lake.snapshot()
    return {name: sorted(map(repr, loaded(snapshot.source(name), schema(name).names))) for name in TABLES}


def archived(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int = 32) -> tuple[Life, DeltaLake]:
    """Some files dealt out to buckets and merged, some not, as the archiver leaves them."""
    monkeypatch.setattr(compaction, "DEAL_ROWS", 16)
    monkeypatch.setattr(compaction, "BUCKET_ROWS", 9)
    lake = DeltaLake(Folder(folder / "lake"), 3)
    life = lived(FILES, lines(number), lake=lake)
    ports = life.house.log, life.house.trail, lake, life.clock
    zones = {ZONES: ZONE_ROWS}
    archiver = Archiver(*ports, pace=Pace(rows=8, read=3), first=lambda: zones, name=life.house.name)
    for tidied in (True, False):
        while archiver.behind():
            archiver.append()
        if tidied:
            while archiver.keep_house():
                pass
            life.live([{**one, "messageId": f"again {at}"} for at, one in enumerate(lines(9)[:9])])
    return life, lake


def files(lake: DeltaLake, *tables: str) -> list[Path]:
    """That count."""
    found, names = lake.snapshot(), tables or TABLES
    return sorted(path for name in names for path in found.source(name) if isinstance(path, Path))


def damage(path: Path, draw: Random) -> None:
    body = path.read_bytes()
    match draw.choice(("gone", "short", "empty", "zeros", "another byte")):
        case "gone":
            path.unlink()
        case "short":
            path.write_bytes(body[: len(body) // 2])
        case "empty":
            path.write_bytes(b"")
        case "zeros":
            path.write_bytes(body[:-40] + bytes(40))
        case "another byte":
            footer = pq.read_metadata(path)
            if not footer.num_rows:
                path.unlink()  # In which no byte says anything.
                return
            column = footer.row_group(0).column(draw.randrange(5))
            last = (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size
            at = draw.randrange(last - 3, last)
            path.write_bytes(body[:at] + bytes((body[at] ^ (1 << draw.randrange(8)),)) + body[at + 1 :])


def mended(life: Life, lake: DeltaLake) -> Mending:
    found = mending(lake, life.house, ZONE_ROWS)
    lake.mend(found.broken, found.tables, found.losses)
    return found


@pytest.mark.parametrize("seed", seeds(2, 12))
def test_what_the_log_has_comes_back_row_for_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    life, lake = archived(tmp_path, monkeypatch)
    before, draw = rows(lake), Random(seed)
    life.live([{**lines(1)[0], "messageId": "late", "receivedAt": "2026-01-09T00:00:00Z"}])  # Not in the lake yet.
    chosen = draw.sample(files(lake), draw.choice((1, 3, 9)))
    for path in chosen:
        damage(path, draw)
    found = mended(life, lake)
    assert sorted(one.path.rsplit("/", 1)[-1] for one in found.broken) == sorted(path.name for path in chosen)
    assert found.losses == []
    assert rows(lake) == before
    assert not lake.broken() and not lake.damaged()
    assert not mending(lake, life.house, ZONE_ROWS).broken
    life.archive()
    assert len(rows(lake)[EVENTS]) == len(before[EVENTS]) + 1


def test_a_table_of_which_every_file_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life, lake = archived(tmp_path, monkeypatch)
    before = rows(lake)
    for path in files(lake):
        path.unlink()
    mended(life, lake)
    assert rows(lake) == before


def test_what_the_log_no_longer_has_is_said_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life, lake = archived(tmp_path, monkeypatch)
    before, log = rows(lake), life.house.log
    life.clock.advance(3 * DAY_US)
    log.append({one: [encode(Tick(life.clock.now_us(), 1))] for one in range(2)})
    life.settle()
    assert log.trim(SimClock(life.clock.now_us() + 9 * DAY_US).now_us(), {0: 1 << 40, 1: 1 << 40})
    gone = files(lake, EVENTS)[:2]
    for path in gone:
        path.unlink()
    found = mending(lake, life.house, ZONE_ROWS)
    lacking = sum(one.rows for one in found.broken) - found.rows
    assert lacking > 0
    assert sum(one.rows for one in found.losses) == lacking
    assert lake.snapshot().losses == (), "nothing is changed by looking"
    lake.mend(found.broken, found.tables, found.losses)
    lake.mend(found.broken, {}, found.losses)  # As by whoever was cut off before the last commit.
    assert len(rows(lake)[EVENTS]) == len(before[EVENTS]) - lacking
    assert set(rows(lake)[EVENTS]) < set(before[EVENTS])
    assert rows(lake)[TRAITS] == before[TRAITS]
    (said,) = said_of(lake.snapshot().losses)
    assert f"up to {lacking} rows of events, from 2026-01-02T00:" in said
    with life.history().open() as opened:
        assert opened.losses == lake.snapshot().losses


def test_a_lake_of_another_log_is_not_mended_from_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, lake = archived(tmp_path, monkeypatch)
    files(lake, EVENTS)[0].unlink()
    with pytest.raises(UsageError, match="not to be mended from this log"):
        mending(lake, lived(FILES, lines(4)).house, ZONE_ROWS)


def test_what_cannot_be_looked_at_is_not_taken_for_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, lake = archived(tmp_path, monkeypatch, 8)
    path = files(lake, EVENTS)[0]
    path.unlink()
    path.mkdir()  # An error, and not that it is missing.
    with pytest.raises(TransientError, match="could not be read"):
        lake.broken()
