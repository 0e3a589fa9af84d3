"""Delta's log and whatever else the lake says of itself name nobody, and nothing is left of whoever was erased."""

from pathlib import Path

import pytest

from tactful.adapters.delta import compaction, housekeeping
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.history.cells import Row
from tactful.history.lake import Source
from tactful.language.sql.layout import TABLES, Layout
from tests.contracts.lakes import event, tables, tie, trait

KEYS = ("u:planted-1", "e:planted-2@shop.example", "a:planted-3")
SECRETS = (*KEYS, "planted")
HOUR_US = 3_600_000_000


def lived(folder: Path, monkeypatch: pytest.MonkeyPatch) -> DeltaLake:
    """Appended, merged, dealt out to buckets that grow in number, with columns of their own, with a shortened log."""
    monkeypatch.setattr(compaction, "DEAL_ROWS", 30)
    monkeypatch.setattr(compaction, "BUCKET_ROWS", 5)
    monkeypatch.setattr(housekeeping, "CHECKPOINT_EVERY", 6)
    lake = DeltaLake(Folder(folder), 4)
    lake.wish(Layout(("sku",)))
    for n in range(1, 22):
        key = KEYS[n % 3]
        rows: list[Row] = [
            event(0, n, key, ids=KEYS, properties={"sku": f"planted-{n}", "note": "planted"}),
            trait(0, n, key),
        ]
        rows += [event(0, n, f"u:{n}", ids=(f"u:{n}", *KEYS)), tie(0, n, f"a:{n}", key)]
        lake.append({0: n}, tables(*rows))
        if n % 7 == 0:
            lake.maintain(n * HOUR_US, {})
    return lake


def said(folder: Path, *, is_all: bool) -> bytes:
    """All bytes below, as they are and unpacked; of data files only where all are meant."""
    found = b""
    for path in folder.rglob("*"):
        if path.is_file() and (is_all or path.suffix != ".parquet" or "_delta_log" in path.parts):
            found += str(path.relative_to(folder)).encode() + path.read_bytes()
            if path.suffix == ".parquet":
                found += _unpacked(path)
    return found


def _unpacked(path: Path) -> bytes:
    import pyarrow.parquet as pq

    return str(pq.read_table(path).to_pylist()).encode() + str(pq.read_metadata(path).metadata).encode()


def test_what_the_lake_says_of_itself_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(tmp_path, monkeypatch)
    assert len(list(tmp_path.rglob("*.checkpoint.parquet"))) > 3
    log = said(tmp_path, is_all=False)
    assert not [one for one in SECRETS if one.encode() in log]
    assert b"minValues" in log
    assert b"planted" in said(tmp_path, is_all=True)


def test_nothing_is_left_of_who_is_erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of files that held them go too, and lists in which they are mentioned."""
    lake = lived(tmp_path, monkeypatch)
    named = sum(len(_files(lake.snapshot().source(name))) for name in TABLES)
    assert named < len([path for path in tmp_path.rglob("*.parquet") if "_delta_log" not in path.parts])
    assert lake.erase(KEYS) == 21 * 3
    everything = said(tmp_path, is_all=True)
    assert not [one for one in SECRETS if one.encode() in everything]
    assert b"u:20" in everything


def _files(source: Source) -> list[object]:
    assert not hasattr(source, "files")
    return list(source)
