"""Taking people out of the lake: the files that hold them are written anew without them, and are gone at once, with
every older file that still lies there. Which files those are, their footers say. No predicate is ever committed: Delta
keeps those in its log, and they would name whom they erase."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from tactful.adapters.delta.files import MENTIONS, holds, mentions
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


class _Anew(NamedTuple):
    """A file that is to go."""

    file: File
    erased: int
    added: AddAction | None
    """What stands in its place; None where no row is left."""


def _erase(writer: Writer, table: Table, pen: int, wanted: Collection[str]) -> int:
    table.refresh()
    files, stale = table.files(), unnamed(table)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        paths = [*(one.path for one in files), *stale]
        looked = threads.map(lambda path: _may(table, path, wanted, writer.buckets), paths)
        may = dict(zip(paths, looked, strict=True))
        held = [one for one in files if may[one.path]]
        is_last = len(held) == len(files)
        done = threads.map(lambda one: _anew(writer, table, one, wanted, is_kept=is_last and one is held[0]), held)
        anew = [one for one in done if one is not None]
    if anew:
        table.commit(pen, [one.added for one in anew if one.added is not None], [one.file for one in anew])
    for path in [*(one.file.path for one in anew), *(path for path in stale if may[path])]:
        table.place.delete(table.name, path)
    return sum(one.erased for one in anew)


def _may(table: Table, path: str, wanted: Collection[str], buckets: int) -> bool:
    """Whether a file may have something of them: by its bucket, its footer, and the columns that name people."""
    columns = [one for one in PEOPLE if one in schema(table.name).names]
    mentioned = MENTIONED in schema(table.name).names
    bucket = bucket_in(path)
    if bucket is not None and bucket not in {bucket_of(one, buckets) for one in wanted}:
        columns.remove("identifier")
    if mentioned and mentions(table.place.note(table.name, path, MENTIONS), wanted):
        return True
    if not columns:
        return False
    footer = table.place.footer(table.name, path)
    asked = [one for one in columns if holds(footer, one, wanted)]
    if not asked:
        return False
    rows = table.place.read(table.name, path, asked)
    values = pa.array(sorted(wanted), pa.string())
    return any(pc.any(pc.is_in(rows.column(one), values)).as_py() for one in asked)


def _anew(writer: Writer, table: Table, file: File, wanted: Collection[str], *, is_kept: bool) -> _Anew | None:
    """Without them; None where no row is theirs and nobody of them is mentioned. `is_kept`: a file stands in its place
    even if it is empty, since a table has at least one."""
    rows = table.place.read(table.name, file.path)
    left = without(rows, wanted)
    if left is rows:
        return None
    stays = is_kept or len(left)
    added = writer.write(table, writer.shaped(table, left), bucket=file.bucket) if stays else None
    return _Anew(file, len(rows) - len(left), added)
