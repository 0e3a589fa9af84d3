"""Mending a lake: rows of files that are missing or damaged, made anew from the log, where it still has them.

A file's entry in Delta's log says where its rows were decided. What was decided there is made once more, by the code
that made it first, and what stands in another file is left out. Rows of one record and one identifier are always in one
file: an append holds whole records, and dealing out goes by identifier. So what comes out is what was in the file, but
for events that have expired since, which housekeeping takes out again.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.derived import REF_BITS
from tactful.history.buckets import Buckets
from tactful.history.columns import Batch
from tactful.history.lake import Broken, Lake, Loss, Source
from tactful.language.sql.layout import ZONES
from tactful.operations.history.new_lake import trimmed
from tactful.runtime.decided import READ, stretch
from tactful.runtime.house import House
from tactful.runtime.seals import Seals


class Mending(Struct, frozen=True):
    """What `tactful lake mend` is about to do."""

    broken: Sequence[Broken]
    tables: Mapping[str, pa.Table]
    """The rows that are had again."""
    losses: Sequence[Loss]

    @property
    def rows(self) -> int:
        return sum(map(len, self.tables.values()))


def mending(lake: Lake, house: House, zones: pa.Table) -> Mending:
    """Everything is looked at and nothing changed. `zones` is that table, which no log has. Raises UsageError where
    lake and log have parted, TransientError where the world fails."""
    snapshot = lake.snapshot()
    if parted := Seals(house.log, house.name).parted(snapshot.positions, snapshot.seals()):
        raise UsageError(f"{parted}: this lake is not to be mended from this log")
    broken = lake.broken()
    if not broken:
        return Mending((), {}, ())
    gone: dict[str, list[Broken]] = {}
    for one in broken:
        gone.setdefault(one.table, []).append(one)
    made: dict[str, list[pa.Table]] = {}
    for tables in _decided(house, snapshot.positions, broken):
        for name in gone.keys() & tables.keys():
            made.setdefault(name, []).append(_of(tables[name], gone[name], lake.buckets(name)))
    found = {}
    for name, some in made.items():
        rows = pa.concat_tables(some)
        if len(rows):
            paths = {one.path for one in gone[name]}
            found[name] = _missing(rows, snapshot.others(name, paths))
    if any(one.rows for one in gone.get(ZONES, ())):
        found[ZONES] = zones
    starts = trimmed(house.log)
    return Mending(broken, found, [loss for name in gone for loss in _lost(name, gone[name], found, starts)])


def _decided(house: House, positions: Mapping[int, int], broken: Sequence[Broken]) -> Iterator[dict[str, pa.Table]]:
    """What the log still has of the places where the files' rows were decided, a stretch at a time."""
    spans = [one.applied for one in broken if one.applied is not None]
    if not spans:
        return
    first, last = min(least for least, _ in spans) >> REF_BITS, max(most for _, most in spans) >> REF_BITS
    for partition in range(house.log.partitions):
        at = max(first - 1, house.log.start(partition))
        end = min(last, positions.get(partition, 0))
        while at < end:
            read = stretch(house.log, house.trail, partition, at, min(READ, end - at))
            if read.upto == at:
                break
            batch = Batch()
            read.into(batch)
            # A piece of the trail may go further than was asked for.
            beyond = (end + 1) << REF_BITS
            yield {name: rows.filter(pc.less(rows.column("applied"), beyond)) for name, rows in batch.tables().items()}
            at = read.upto


def _of(rows: pa.Table, gone: Sequence[Broken], buckets: Buckets) -> pa.Table:
    """Those that may have been in one of these files."""
    applied = rows.column("applied").to_numpy()
    held = buckets.of_each(rows.column("identifier")) if "identifier" in rows.column_names else None
    may = np.zeros(len(rows), np.bool_)
    for one in gone:
        if one.applied is not None:
            inside = (applied >= one.applied[0]) & (applied <= one.applied[1])
            may |= inside if one.bucket is None or held is None else inside & (held == one.bucket)
    return rows.filter(pa.array(may))


def _missing(rows: pa.Table, intact: Source) -> pa.Table:
    """Those that stand in no other file."""
    names = [name for name in ("applied", "identifier") if name in rows.column_names]
    keys = rows.select(names).append_column("row", pa.array(np.arange(len(rows))))
    left: npt.NDArray[np.int64] = _unjoined(keys, intact, names)
    return rows.take(pa.array(np.sort(left)))


def _unjoined(keys: pa.Table, intact: Source, names: Sequence[str]) -> npt.NDArray[np.int64]:
    from pyarrow.dataset import dataset, field  # Here, since it is slow to load (history/lake.py).

    applied = keys.column("applied")
    least, most = pc.min_max(applied).as_py().values()
    inside = (field("applied") >= least) & (field("applied") <= most)
    sources = [dataset(path) for path in intact] if isinstance(intact, Sequence) else [intact]
    for source in sources:
        others = source.to_table(columns=list(names), filter=inside).group_by(list(names)).aggregate([])
        keys = keys.join(others, keys=list(names), join_type="left anti")
    found: npt.NDArray[np.int64] = keys.column("row").to_numpy()
    return found


def _lost(
    name: str, gone: Sequence[Broken], found: Mapping[str, pa.Table], starts: Mapping[int, int]
) -> Iterator[Loss]:
    """Of files whose rows go back to before the log: at most so many as are not had again."""
    trimmed_to = max(starts.values(), default=0)
    old = [one for one in gone if one.applied is not None and one.applied[0] >> REF_BITS <= trimmed_to]
    had = len(found[name]) if name in found else 0
    rows = sum(one.rows for one in gone) - had
    for one in old:
        if rows > 0 and one.rows:
            from_us, until_us = one.times or (0, 0)
            yield Loss(name, one.path, min(rows, one.rows), from_us, until_us)
            rows -= one.rows
