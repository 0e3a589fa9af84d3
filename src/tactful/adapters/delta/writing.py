"""Who may write, and the writing of rows (see lake.py)."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
from deltalake.transaction import AddAction

from tactful.adapters.delta import layouts
from tactful.adapters.delta.files import labelled
from tactful.adapters.delta.tables import ConflictError, Table, new_path
from tactful.errors import Fenced, TransientError
from tactful.history.buckets import Buckets
from tactful.history.keeping import arranged, behind, shaped
from tactful.history.table import GROUP_ROWS
from tactful.language.sql.layout import EVENTS, SHARED

_TRIES = 5


class Writer:
    def __init__(self, tables: Mapping[str, Table], buckets: int) -> None:
        """`buckets`: how many there were at first."""
        self.tables, self._first = tables, buckets
        self.events = tables[EVENTS]
        self._others = [table for name, table in tables.items() if name != EVENTS]
        self._pen = 0

    def append(self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int]) -> None:
        """See Lake.append. Our pen may have been taken by somebody who has appended nothing: then it is taken back."""
        for _ in range(_TRIES):
            pen = self.pen()
            before = self.events.positions()
            behind(before, upto, tables)
            try:
                held = {name: rows for name, rows in tables.items() if len(rows)}
                self._append(pen, _all_of(before, upto), held, seals)
            except ConflictError:
                self._pen = 0
            except BaseException:
                self._pen = 0
                raise
            else:
                return
        raise Fenced("somebody else writes to the lake")

    def buckets(self, table: Table) -> Buckets:
        return Buckets(self._first, table.buckets or self._first)

    def pen(self) -> int:
        """Of this writer, who from then on is the only one; nothing is ahead then."""
        for _ in range(_TRIES):
            if self._pen:
                return self._pen
            try:
                self._pen = self._take()
            except ConflictError:
                continue
        raise TransientError("several are writing to the lake at once, again and again: one archiver is enough")

    def lose(self) -> None:
        """Somebody else has it; what we know of the tables may be old."""
        self._pen = 0

    def shaped(self, table: Table, rows: pa.Table) -> pa.Table:
        """As files of this table are from now on."""
        return shaped(table.name, rows, layouts.wished(self.events) if table.name == EVENTS else SHARED)

    def write(
        self,
        table: Table,
        rows: pa.Table,
        *,
        bucket: int | None = None,
        changes: bool = True,
        is_brief: bool = False,
    ) -> AddAction:
        """A file with these rows, shaped and in their order, for a commit. `is_brief`: it is to be dealt out soon."""
        layout = layouts.wished(self.events) if table.name == EVENTS else SHARED
        path = new_path(bucket, layouts.digest(layout), is_dealt=table.has_buckets)
        size = table.place.write(table.name, path, labelled(table.name, rows), GROUP_ROWS, is_brief=is_brief)
        return table.adding(path, size, bucket, rows, changes=changes)

    def ordered(self, table: Table, tables: Sequence[pa.Table]) -> pa.Table:
        """These rows, shaped, in their order."""
        return arranged(table.name, pa.concat_tables(tables), self.buckets(table))[0]

    def dealt(
        self, table: Table, tables: Sequence[pa.Table], buckets: Buckets | None = None
    ) -> Iterable[tuple[int, pa.Table]]:
        """These rows, shaped, by bucket and in their order."""
        rows, held = arranged(table.name, pa.concat_tables(tables), buckets or self.buckets(table))
        ends = np.flatnonzero(np.diff(held)) + 1
        for first, end in zip([0, *ends], [*ends, len(held)], strict=True):
            if end > first:
                yield int(held[first]), rows.slice(first, end - first)

    def _take(self) -> int:
        self.events.refresh()
        pen = self.events.pen + 1
        self.events.commit(pen)
        positions = self.events.positions()
        for table in self._others:
            table.refresh()
            if not table.is_ahead(positions):
                table.commit(pen)
                continue
            then = table.until(positions)
            had = {one.path for one in table.files_of(then)}
            ahead = [one for one in table.files() if one.path not in had]
            table.commit(pen, removed=ahead, positions=_all_of(table.positions(), table.positions(then), 0))
        return pen

    def _append(
        self, pen: int, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int]
    ) -> None:
        for table in self._others:
            if table.name in tables:
                table.commit(pen, [self._fresh(table, tables[table.name])], positions=upto)
        fresh = [self._fresh(self.events, tables[EVENTS])] if EVENTS in tables else []
        self.events.commit(pen, fresh, positions=upto, seals=seals)

    def _fresh(self, table: Table, rows: pa.Table) -> AddAction:
        return self.write(table, self.shaped(table, rows), is_brief=table.has_buckets)


def _all_of(before: Mapping[int, int], upto: Mapping[int, int], otherwise: int | None = None) -> dict[int, int]:
    """Without a gap, so that they can be read one after another."""
    last = max([*before, *upto], default=-1)
    return {one: upto.get(one, before.get(one, 0) if otherwise is None else otherwise) for one in range(last + 1)}
