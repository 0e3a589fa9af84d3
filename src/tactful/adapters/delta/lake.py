"""The lake as one Delta table for each table of the history.

An append is a commit of every table that has rows, and `events` last: its positions are the lake's, and another table
that is further is *ahead*, by rows that were never said to be in the lake. Readers take it at the version before, and
the next writer takes those rows out again. A writer holds the *pen*, a number that stands in every table; whoever
begins to write takes the next one, in all of them, and so whoever held the last can no longer commit anything, however
late.

What is appended stands in one file for each table, not dealt out to buckets; housekeeping deals it out when there is
enough of it, and splits buckets that have too much (compaction.py). So an append costs the same however many there are.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from tactful.adapters.delta import erasing, housekeeping, layouts, mending
from tactful.adapters.delta.places import Place
from tactful.adapters.delta.tables import File, Table
from tactful.adapters.delta.writing import Writer
from tactful.errors import UsageError
from tactful.history.buckets import Buckets
from tactful.history.lake import Broken, Loss, Maintained, Source
from tactful.language.sql.layout import EVENTS, SHARED, TABLES, Layout

_BUCKETS, _SINCE = "tactful.buckets", "tactful.since"


class DeltaSnapshot:
    def __init__(
        self,
        place: Place,
        positions: Mapping[int, int],
        seals: Mapping[int, int],
        since_us: int | None,
        layout: Layout,
        files: Mapping[str, Sequence[File]],
        losses: Sequence[Loss],
    ) -> None:
        self.positions, self.since_us, self.layout, self.losses = positions, since_us, layout, losses
        self._place, self._seals, self._files = place, seals, files

    def seals(self) -> Mapping[int, int]:
        return self._seals

    def source(self, table: str) -> Source:
        own = self.layout if table == EVENTS else SHARED
        return self._place.source(table, [one.path for one in self._files[table]], own)

    def others(self, table: str, paths: Collection[str]) -> Source:
        found = [one.path for one in self._files[table] if one.path not in paths]
        return self._place.source(table, found, SHARED) if found else []


class DeltaLake:
    """`buckets` is what a lake that is made begins with; one that exists goes by its own."""

    def __init__(self, place: Place, buckets: int = 16) -> None:
        self._place = place
        self._tables = {name: Table(place, name) for name in TABLES}
        # Each is a few questions over a network, which need not wait for one another.
        with ThreadPoolExecutor(len(TABLES)) as threads:
            marks = [{_BUCKETS: str(buckets)} if name == EVENTS else {} for name in self._tables]
            list(threads.map(Table.create, self._tables.values(), marks))
        held = self._tables[EVENTS].now.metadata().configuration.get(_BUCKETS)
        if held is None:
            raise UsageError(
                f"{place.uri(EVENTS)} is a Delta table, and none of a lake of Tactful's: choose another place"
            )
        for table in self._tables.values():
            layouts.demand_ours(table)
        self._writer = Writer(self._tables, int(held))

    def buckets(self, table: str) -> Buckets:
        return self._writer.buckets(self._tables[table])

    def snapshot(self) -> DeltaSnapshot:
        events = self._tables[EVENTS]
        events.refresh()
        positions = events.positions()
        # The first file is what DuckDB takes the columns from: one with the least of them, and not the empty one.
        known = layouts.known(events)
        held = [one for one in events.files() if one.rows] or events.files()
        files = {EVENTS: sorted(held, key=lambda one: (len(known[one.layout].own), one.path))}
        others = [table for name, table in self._tables.items() if name != EVENTS]

        def known_to(table: Table) -> list[File]:
            table.refresh()
            return table.files_of(table.until(positions))

        files |= zip((table.name for table in others), self._place.each(known_to, others), strict=True)
        layout = self._place.readable([known[one] for one in sorted({file.layout for file in held})])
        since = events.now.metadata().configuration.get(_SINCE)
        since_us = None if since is None else int(since)
        losses = mending.losses(events)
        return DeltaSnapshot(self._place, positions, events.seals(), since_us, layout, files, losses)

    def append(
        self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int] | None = None
    ) -> None:
        with self._place.turn():
            self._writer.append(upto, tables, seals or {})

    def begin(self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], since_us: int) -> None:
        with self._place.turn():
            self._tables[EVENTS].say({_SINCE: str(since_us)})
            self._writer.append(upto, tables, {})

    def damaged(self) -> Sequence[str]:
        return [path for table in self._tables.values() for path in table.damaged()]

    def broken(self) -> Sequence[Broken]:
        return mending.broken(self._tables.values())

    def mend(self, broken: Sequence[Broken], tables: Mapping[str, pa.Table], losses: Sequence[Loss]) -> None:
        with self._place.turn():
            mending.mend(self._writer, broken, tables, losses)

    def wish(self, layout: Layout) -> None:
        with self._place.turn():
            layouts.wish(self._tables[EVENTS], layout)

    def maintain(self, now_us: int, retention_us: Mapping[str, int]) -> Maintained:
        with self._place.turn():
            return housekeeping.maintain(self._writer, now_us, retention_us)

    def erase(self, identifiers: Sequence[str]) -> int:
        with self._place.turn():
            return erasing.erase(self._writer, identifiers)
