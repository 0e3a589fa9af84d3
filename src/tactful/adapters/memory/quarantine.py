"""The quarantine in memory, with the same bounds. What it returned is durable."""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from tactful.runtime.ports import Quarantined
from tactful.runtime.relay import untold
from tactful.values import DAY_US

BODY_BYTES = 64 << 10


class MemoryQuarantine:
    """The port `Quarantine`."""

    def __init__(self, *, items: int = 100_000, size: int = 256 << 20, age_us: int = 30 * DAY_US) -> None:
        self._items = items
        self._size = size
        self._age_us = age_us
        self._rows: dict[int, Quarantined] = {}
        self._last_id = 0
        self._forgotten = 0
        self._told: dict[int, int] = {}
        """By partition, the highest position put."""

    def put(self, items: Sequence[Quarantined]) -> None:
        new, told = untold(items, self._told)
        self._told |= told
        for one in new:
            if one.call and any((row.source, row.call) == (one.source, one.call) for row in self._rows.values()):
                continue
            self._last_id += 1
            self._rows[self._last_id] = replace(one, id=self._last_id, body=one.body[:BODY_BYTES])
        oldest_us = max((one.received_at for one in items), default=0) - self._age_us
        for id, row in list(self._rows.items()):
            is_over = len(self._rows) > self._items or sum(len(one.body) for one in self._rows.values()) > self._size
            if is_over or row.received_at < oldest_us:
                del self._rows[id]
                self._forgotten += 1

    def rows(self, before: int | None = None, limit: int = 100, code: str = "") -> list[Quarantined]:
        """Newest first."""
        rows = [row for id, row in reversed(self._rows.items()) if before is None or id < before]
        return [row for row in rows if code in ("", row.code)][:limit]

    def row(self, id: int) -> Quarantined | None:
        return self._rows.get(id)

    def remove(self, ids: Sequence[int]) -> int:
        return sum(self._rows.pop(id, None) is not None for id in ids)

    def counts(self) -> dict[str, int]:
        """By code, and `forgotten`."""
        return {**Counter(row.code for row in self._rows.values()), "forgotten": self._forgotten}

    def power_cut(self) -> None:
        """Loses nothing."""

    def close(self) -> None:
        """Others may go on with it."""
