"""The lake in memory: tables as they were appended, for tests and for trying things out."""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from tactful.history.buckets import Buckets
from tactful.history.keeping import behind, shaped, unexpired, without
from tactful.history.lake import Broken, Loss, Maintained, Source
from tactful.history.table import schema
from tactful.language.sql.layout import EVENTS, SHARED, TABLES, Layout


class MemorySnapshot:
    def __init__(
        self,
        positions: Mapping[int, int],
        seals: Mapping[int, int],
        since_us: int | None,
        layout: Layout,
        tables: Mapping[str, pa.Table],
        losses: Sequence[Loss],
    ) -> None:
        self.positions, self.since_us, self.layout = positions, since_us, layout
        self.losses = losses
        self._seals, self._tables = seals, tables

    def seals(self) -> Mapping[int, int]:
        return self._seals

    def source(self, table: str) -> Source:
        from pyarrow.dataset import dataset  # Here, since it is slow to load (history/lake.py).

        return dataset(self._tables[table])

    def others(self, table: str, paths: Collection[str]) -> Source:
        return self.source(table)


class MemoryLake:
    losses: Sequence[Loss] = ()
    """Nothing breaks here, but somebody may say so."""

    def __init__(self, buckets: int = 16) -> None:
        self._buckets = Buckets(buckets, buckets)
        self._positions: dict[int, int] = {}
        self._seals: dict[int, int] = {}
        self._since_us: int | None = None
        self._layout = self._wished = SHARED
        self._tables = {name: schema(name).empty_table() for name in TABLES}

    def buckets(self, table: str) -> Buckets:
        return self._buckets

    def snapshot(self) -> MemorySnapshot:
        places = dict(self._positions), dict(self._seals), self._since_us
        return MemorySnapshot(*places, self._layout, dict(self._tables), self.losses)

    def append(
        self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int] | None = None
    ) -> None:
        behind(self._positions, upto, tables)
        for name, rows in tables.items():
            self._tables[name] = pa.concat_tables([self._tables[name], shaped(name, rows, self._layout)])
        self._positions.update(upto)
        self._seals.update(seals or {})

    def begin(self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], since_us: int) -> None:
        self._since_us = since_us
        self.append(upto, tables)

    def damaged(self) -> Sequence[str]:
        return ()

    def broken(self) -> Sequence[Broken]:
        return ()

    def mend(self, broken: Sequence[Broken], tables: Mapping[str, pa.Table], losses: Sequence[Loss]) -> None:
        assert not broken, "nothing breaks here"

    def wish(self, layout: Layout) -> None:
        self._wished = layout

    def maintain(self, now_us: int, retention_us: Mapping[str, int]) -> Maintained:
        events, self._layout = self._tables[EVENTS], self._wished
        left, expired = unexpired(events, now_us, retention_us)
        self._tables[EVENTS] = shaped(EVENTS, left, self._layout)
        return Maintained(expired=expired)

    def erase(self, identifiers: Sequence[str]) -> int:
        left = {name: without(rows, identifiers) for name, rows in self._tables.items()}
        erased = sum(len(rows) - len(left[name]) for name, rows in self._tables.items())
        self._tables = left
        return erased
