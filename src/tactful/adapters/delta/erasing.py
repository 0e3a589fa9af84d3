"""Taking people out of the lake: the files that hold them are written anew without them, and are gone at once, with
every older file that still lies there. Which files those are, their footers say. No predicate is ever committed: Delta
keeps those in its log, and they would name whom they erase."""

from collections.abc import Collection, Iterator, Sequence
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
            for rows in _erase(writer, writer.pen(), wanted):
                erased += rows
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


class _Found(NamedTuple):
    """Of a table the files that may have something of them."""

    table: Table
    named: Sequence[File]
    stale: Sequence[str]
    """That the table does not name."""
    is_all: bool
    """Whether `named` are all files of the table."""


def _erase(writer: Writer, pen: int, wanted: Collection[str]) -> Iterator[int]:
    """All files are looked at, and written anew, some at once; then one table after the other is committed: how many
    rows."""
    tables = [table for table in writer.tables.values() if set(PEOPLE) & set(schema(table.name).names)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = _found(writer, threads, tables, wanted)
        # The largest first, so that none is left over for the end.
        works = sorted(((one, file) for one in found for file in one.named), key=lambda work: -work[1].size)

        def anew(work: tuple[_Found, File]) -> _Anew | None:
            held, file = work
            return _anew(writer, held.table, file, wanted, is_kept=held.is_all and file is held.named[0])

        done = [(held, new) for (held, _), new in zip(works, threads.map(anew, works), strict=True) if new is not None]
    for held in found:
        mine = [new for other, new in done if other is held]
        if mine:
            held.table.commit(pen, [one.added for one in mine if one.added is not None], [one.file for one in mine])
        for path in [*(one.file.path for one in mine), *held.stale]:
            held.table.place.delete(held.table.name, path)
        yield sum(one.erased for one in mine)


def _found(
    writer: Writer, threads: ThreadPoolExecutor, tables: Sequence[Table], wanted: Collection[str]
) -> list[_Found]:
    list(threads.map(Table.refresh, tables))
    stale = dict(zip([table.name for table in tables], threads.map(unnamed, tables), strict=True))
    paths = [(table, path) for table in tables for path in (*(one.path for one in table.files()), *stale[table.name])]
    now = {(table.name, one.path) for table in tables for one in table.files()}

    def may(one: tuple[Table, str]) -> bool:
        table, path = one
        buckets = writer.buckets(table)
        # What is stale may be of a time when there were fewer.
        held = {int(at) for at in buckets.dealt(wanted)} if (table.name, path) in now else buckets.ever(wanted)
        return _may(table, path, wanted, held)

    looked = threads.map(may, paths)
    mine = {(table.name, path) for (table, path), is_so in zip(paths, looked, strict=True) if is_so}
    found = []
    for table in tables:
        named = [one for one in table.files() if (table.name, one.path) in mine]
        old = [path for path in stale[table.name] if (table.name, path) in mine]
        found.append(_Found(table, named, old, len(named) == len(table.files())))
    return found


def _may(table: Table, path: str, wanted: Collection[str], buckets: Collection[int]) -> bool:
    """Whether a file may have something of them: by its bucket, its footer, and the columns that name people."""
    columns = [one for one in PEOPLE if one in schema(table.name).names]
    mentioned = MENTIONED in schema(table.name).names
    bucket = bucket_in(path)
    if bucket is not None and bucket not in buckets:
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
