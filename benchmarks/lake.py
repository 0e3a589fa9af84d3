"""The lake's upkeep: rows appended and dealt out a second, files there are in the end, and how long it takes until
nothing is left of a person. Everybody is in every append, and so in every file of their buckets. Run
`python -m benchmarks lake`.

The floor of erasing is to read the files with the person's rows, and to write them anew, with nothing besides.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import history_files
from benchmarks.place import Place, median, table
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.history.table import schema
from tactful.language.sql.layout import EVENTS, IDENTITY, SHARED
from tactful.values import HOUR_US

SIZE, QUICK_SIZE = 20_000_000, 60_000
EACH = 312_500
"""Rows of an append."""
NOW_US = 1_750_000_000_000_000
PERSONS = 7


def run(here: Place) -> None:
    measure(here.folder / "lake", here.scaled(SIZE, QUICK_SIZE))


def measure(folder: Path, events: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lake = DeltaLake(Folder(folder / "lake"))
    appending, keeping = _fill(lake, folder / "rows", events, max(2, events // EACH))
    # An hour after the last append, when the files that became others are gone: a person is looked for in those too.
    while lake.maintain(NOW_US + 2 * HOUR_US, {}).compacted:
        pass
    appended, files = _counted(lake)
    erasing, processor, floors = zip(*(_erase(lake, number) for number in range(PERSONS)), strict=True)
    rows = [
        ("events", f"{events:,} in {lake.buckets(EVENTS).now} buckets, {files} files"),
        ("appended", f"{appended / appending:,.0f} events/s"),
        ("dealt out and merged", f"{appended / keeping:,.0f} events/s"),
        ("a person erased, median of several", f"{median(list(erasing)):.2f} s, most {max(erasing):.2f} s"),
        ("  of the processor", f"{median(list(processor)):.2f} s"),
        ("its floor: their files read and written", f"{median(list(floors)):.2f} s"),
    ]
    table("the lake", rows)
    shutil.rmtree(folder)


def _fill(lake: DeltaLake, folder: Path, events: int, appends: int) -> tuple[float, float]:
    """Seconds of appends, and of the housekeeping after each."""
    appending = keeping = 0.0
    position = 0
    for ties, rows in _batches(folder, events, appends):
        last = position + len(rows)
        applied = pa.array(np.arange(position + 1, last + 1, dtype=np.int64) << 10)
        tables = {EVENTS: _placed(rows, applied), IDENTITY: _placed(ties, applied.slice(0, len(ties)))}
        begun = time.perf_counter()
        lake.append({0: last}, tables)
        appending += time.perf_counter() - begun
        begun = time.perf_counter()
        lake.maintain(NOW_US, {})
        keeping += time.perf_counter() - begun
        position = last
    return appending, keeping


def _placed(rows: pa.Table, applied: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index("applied"), "applied", applied)


def _batches(folder: Path, events: int, appends: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    made = history_files.write(folder, events, appends, NOW_US, SHARED, is_by_time=True)
    for ties, path in zip(made[IDENTITY], made[EVENTS], strict=True):
        read = [pq.ParquetFile(one).read().cast(schema(name)) for one, name in ((ties, IDENTITY), (path, EVENTS))]
        path.unlink()
        yield read[0], read[1]


def _counted(lake: DeltaLake) -> tuple[int, int]:
    paths = _paths(lake)
    return sum(pq.read_metadata(path).num_rows for path in paths), len(paths)


def _paths(lake: DeltaLake) -> list[Path]:
    source = lake.snapshot().source(EVENTS)
    assert isinstance(source, list)
    return source


def _erase(lake: DeltaLake, number: int) -> tuple[float, float, float]:
    """A person with a user's and a device's identifier: seconds, those of the processor, and those of the floor."""
    persons = [f"u:{number % 2}-{number}", f"a:{number % 2}-{number}"]
    held = [path for path in _paths(lake) if _has(path, persons)]
    before = time.perf_counter()
    for path in held:
        rows = pq.ParquetFile(path).read()
        pq.write_table(rows, path.parent / "floor", compression="zstd", compression_level=1)
    floor = time.perf_counter() - before
    for path in held:
        (path.parent / "floor").unlink(missing_ok=True)
    begun, busy = time.perf_counter(), time.process_time()
    erased = lake.erase(persons)
    took, busy = time.perf_counter() - begun, time.process_time() - busy
    assert erased
    assert not [path for path in _paths(lake) if _has(path, persons)]
    return took, busy, floor


def _has(path: Path, persons: list[str]) -> bool:
    held = set(pq.ParquetFile(path).read(columns=["identifier"]).column(0).unique().to_pylist())
    return not held.isdisjoint(persons)
