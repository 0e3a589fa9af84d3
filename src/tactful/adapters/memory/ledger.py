"""The ledger of consent in memory. What it returned is durable."""

from collections.abc import Sequence

from msgspec.structs import replace

from tactful.consent.ledger import Entry, fresh


class MemoryLedger:
    """The port `Ledger`."""

    def __init__(self) -> None:
        self._entries: dict[int, list[Entry]] = {}

    def append(self, partition: int, entries: Sequence[Entry]) -> None:
        known = self._entries.setdefault(partition, [])
        known += fresh(partition, known[-1:], entries, lambda number: known[number - 1])

    def end(self, partition: int) -> int:
        return len(self._entries.get(partition, ()))

    def entries(self, partition: int, first: int, last: int) -> list[Entry]:
        return self._entries.get(partition, [])[max(0, first - 1) : max(0, last)]

    def of(self, keys: Sequence[str]) -> list[tuple[int, Entry]]:
        found = [
            (one.opening.at, partition, one)
            for partition, entries in self._entries.items()
            for one in entries
            if one.opening is not None and one.opening.key in keys
        ]
        return [(partition, one) for _, partition, one in sorted(found, key=lambda row: (*row[:2], row[2].number))]

    def forget(self, keys: Sequence[str]) -> int:
        going = self.of(keys)
        for partition, one in going:
            self._entries[partition][one.number - 1] = replace(one, opening=None)
        return len(going)

    def power_cut(self) -> None:
        """Loses nothing."""

    def close(self) -> None:
        """Others may go on with it."""
