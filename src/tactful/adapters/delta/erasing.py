"""Taking people out of the lake: the files that hold them are written anew without them, and are gone at once, with
every older file that still lies there. Which files those are, their footers say. No predicate is ever committed: Delta
keeps those in its log, and they would name whom they erase."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from tactful.adapters.delta.files import holds, mentions
from tactful.adapters.delta.housekeeping import unnamed
from tactful.adapters.delta.tables import ConflictError, File, Table, bucket_in
from tactful.adapters.delta.writing import Writer
from tactful.errors import TransientError
from tactful.history.buckets import bucket_of
from tactful.history.keeping import MENTIONED, PEOPLE, without
from tactful.history.table import schema

_TRIES = 5
_AT_ONCE = 4


def erase(writer: Writer, identifiers: Sequence[str]) -> int:
    """How many rows; what another writer did meanwhile is looked at again."""
    wanted, erased = frozenset(identifiers), 0
    if not wanted:
        return 0
    for _ in range(_TRIES):
        try:
            pen = writer.pen()
            for table in writer.tables.values():
                if set(PEOPLE) & set(schema(table.name).names):
                    erased += _erase(writer, table, pen, wanted)
        except ConflictError:
            writer.lose()
        else:
            return erased
    raise TransientError("others are writing to the lake again and again: erase once more")


def _erase(writer: Writer, table: Table, pen: int, wanted: Collection[str]) -> int:
    table.refresh()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        paths = [one.path for one in table.files()]
        stale = [*unnamed(table)]
        may = dict(
            zip(
                [*paths, *stale],
                threads.map(lambda path: _may(table, path, wanted, writer.buckets), [*paths, *stale]),
                strict=True,
            )
        )
        held = [one for one in table.files() if may[one.path]]
        left = list(threads.map(lambda one: _left(table, one, wanted), held))
    erased, added, removed = 0, [], []
    for file, (before, rows) in zip(held, left, strict=True):
        if rows is None:
            continue
        erased += before - len(rows)
        removed.append(file)
        if len(rows) or len(removed) == len(table.files()):
            added.append(writer.write(table, writer.shaped(table, rows), bucket=file.bucket))
    if removed:
        table.commit(pen, added, removed)
    for path in [*(one.path for one in removed), *(path for path in stale if may[path])]:
        table.place.delete(table.name, path)
    return erased


def _may(table: Table, path: str, wanted: Collection[str], buckets: int) -> bool:
    """Whether a file may have something of them: by its bucket, its footer, and the columns that name people."""
    columns = [one for one in PEOPLE if one in schema(table.name).names]
    mentioned = MENTIONED in schema(table.name).names
    bucket = bucket_in(path)
    if bucket is not None and bucket not in {bucket_of(one, buckets) for one in wanted}:
        columns.remove("identifier")
        if not columns and not mentioned:
            return False
    footer = table.place.footer(table.name, path)
    if mentioned and mentions(footer, wanted):
        return True
    asked = [one for one in columns if holds(footer, one, wanted)]
    if not asked:
        return False
    rows = table.place.read(table.name, path, asked)
    values = pa.array(sorted(wanted), pa.string())
    return any(pc.any(pc.is_in(rows.column(one), values)).as_py() for one in asked)


def _left(table: Table, file: File, wanted: Collection[str]) -> tuple[int, pa.Table | None]:
    """How many rows it had, and those that are left; None where none goes and nobody is mentioned."""
    rows = table.place.read(table.name, file.path)
    left = without(rows, wanted)
    return len(rows), None if left is rows else left
