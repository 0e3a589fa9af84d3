"""Buckets of a lake grow in number with its rows: nothing of what it says changes, whoever dies in between."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tactful.adapters.delta import compaction
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.tables import bucket_in
from tactful.language.sql.layout import EVENTS, IDENTITY, TRAITS
from tests.contracts.lake_process import HOUR_US, step
from tests.contracts.lakes import event, loaded, make_bucket, refs, s3_place, s3_server, tables
from tests.contracts.test_lake_faults import Crash, dying, finish, is_whole, open_at

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def crowded(monkeypatch: Patch) -> None:
    monkeypatch.setattr(compaction, "DEAL_ROWS", 10)
    monkeypatch.setattr(compaction, "BUCKET_ROWS", 6)


def is_dealt(lake: DeltaLake) -> None:
    """Every row lies in the bucket where it is looked for."""
    for name in (EVENTS, TRAITS, IDENTITY):
        source = lake.snapshot().source(name)
        if not isinstance(source, Sequence):
            continue  # On S3, where only rows are looked at.
        for path in source:
            assert isinstance(path, Path)
            bucket = bucket_in("/".join(path.parts[-2:]))
            found = {one for (one,) in loaded([path], ["identifier"])}
            assert bucket is None or {lake.buckets(name).of(one) for one in found} <= {bucket}


def test_they_grow_until_none_is_crowded(tmp_path: Path) -> None:
    lake = open_at(tmp_path)
    for hour in range(6):
        step(lake, 25, 150)
        lake.maintain(hour * HOUR_US, {})
        is_whole(lake)
        is_dealt(lake)
    assert lake.buckets(EVENTS).first == 4
    assert lake.buckets(EVENTS).now > 20
    assert lake.buckets(IDENTITY).now < lake.buckets(TRAITS).now < lake.buckets(EVENTS).now
    # Whoever opens it with another setting goes by what it is.
    again = DeltaLake(Folder(tmp_path), 7)
    assert again.buckets(EVENTS) == lake.buckets(EVENTS)
    finish(again, 170)
    is_dealt(again)


def test_they_grow_on_s3() -> None:
    with s3_server() as endpoint:
        make_bucket(endpoint, "grown")
        place = s3_place(endpoint, "s3://grown/lake")
        lake = DeltaLake(place, 4)
        step(lake, 60, 99)
        lake.maintain(0, {})
        is_whole(lake)
        assert DeltaLake(place, 4).buckets(EVENTS).now > 10
        is_whole(DeltaLake(place, 4))
        before = len(refs(lake))
        assert 0 < lake.erase(["u:1"]) < before
        assert ("u:1",) not in loaded(lake.snapshot().source(EVENTS), ["identifier"])


def test_housekeeping_comes_to_an_end(tmp_path: Path) -> None:
    """Also where one person has more rows than a bucket should, whom no split parts."""
    lake = open_at(tmp_path)
    lake.append({0: 200}, tables(*(event(0, at, "u:1") for at in range(1, 201))))
    done = [lake.maintain(0, {}).compacted for _ in range(3)]
    assert done[0] > 0
    assert done[-1] == 0
    is_dealt(lake)


def test_who_is_erased_is_in_no_file_of_before_either(tmp_path: Path) -> None:
    lake = open_at(tmp_path)
    people = [f"u:{number}" for number in range(40)]
    lake.append({0: 120}, tables(*(event(0, at, people[at % 40]) for at in range(1, 121))))
    lake.maintain(0, {})
    assert lake.buckets(EVENTS).now > 10
    for one in people[:6]:
        assert lake.erase([one]) == 3
        assert not [path for path in (tmp_path / EVENTS).rglob("*.parquet") if _has(path, one)]


def _has(path: Path, identifier: str) -> bool:
    return "_delta_log" not in path.parts and (identifier,) in loaded([path], ["identifier"])


@pytest.mark.parametrize(
    ("after", "is_done"),
    [
        pytest.param(after, is_done, marks=[] if after == 12 else pytest.mark.long)
        for after in range(1, 30)
        for is_done in (False, True)
    ],
)
def test_it_may_die_at_any_commit_of_a_split(tmp_path: Path, monkeypatch: Patch, after: int, is_done: bool) -> None:
    lake = open_at(tmp_path)
    step(lake, 60, 99)
    with monkeypatch.context() as patch:
        dying(patch, after, is_done=is_done)
        new = open_at(tmp_path)
        with pytest.raises(Crash):
            new.maintain(0, {})
    is_whole(lake)
    is_dealt(lake)
    new = open_at(tmp_path)
    new.maintain(0, {})
    is_whole(new)
    is_dealt(new)
    finish(new, 70)
    is_dealt(new)
