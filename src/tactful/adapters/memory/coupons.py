"""Coupons in memory, among the rows of their outbox."""

from collections import Counter
from collections.abc import Iterable

from tactful.adapters.memory.outbox_rows import Rows
from tactful.runtime.claiming import Given, Pool


class MemoryCoupons:
    """The port `Coupons`."""

    def __init__(self, table: Rows) -> None:
        self._table = table

    def load(self, pool: str, codes: Iterable[str], at_us: int) -> int:
        before = len(self._table.codes)
        for code in codes:
            self._table.codes.setdefault((pool, code), None)
        return len(self._table.codes) - before

    def pools(self) -> list[Pool]:
        every = Counter(pool for pool, _ in self._table.codes)
        left = Counter(pool for (pool, _), one in self._table.codes.items() if one is None)
        return [Pool(pool, every[pool], left[pool]) for pool in sorted(every)]

    def given(self, pool: str, after: str, limit: int) -> list[Given]:
        known = [one for one in self._table.codes.values() if one is not None and one.pool == pool and one.code > after]
        return sorted(known, key=lambda one: one.code)[:limit]
