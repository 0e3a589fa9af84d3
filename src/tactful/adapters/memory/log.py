"""The log in memory, for tests and the simulator; simulated processes share one. What it returned is durable."""

from collections.abc import Mapping, Sequence
from itertools import islice

from tactful.runtime.ports import Clock
from tactful.values import DAY_US


class MemoryLog:
    """The port `Log`: a list of (time of append, record) by partition, from the first position kept."""

    def __init__(self, partitions: int, clock: Clock, *, slice_us: int = DAY_US) -> None:
        self.partitions = partitions
        self._clock = clock
        self._slice_us = slice_us
        self._records: list[list[bytes]] = [[] for _ in range(partitions)]
        self._starts = [0] * partitions
        self._cuts: list[tuple[int, list[int]]] = []
        """Of each closed slice: when it was closed, and the ends of its partitions."""
        self._started_us = clock.now_us()

    def append(self, records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        now_us = self._clock.now_us()
        if now_us - self._started_us >= self._slice_us:
            self._cuts.append((now_us, [self.end(partition) for partition in range(self.partitions)]))
            self._started_us = now_us
        firsts = {partition: self.end(partition) + 1 for partition, bodies in records.items() if bodies}
        for partition in firsts:
            self._records[partition].extend(records[partition])
        return firsts

    def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        begin = max(after, self._starts[partition])
        kept = self._records[partition]
        offset = begin - self._starts[partition]
        return list(enumerate(islice(kept, offset, offset + limit), start=begin + 1))

    def end(self, partition: int) -> int:
        return self._starts[partition] + len(self._records[partition])

    def start(self, partition: int) -> int:
        return self._starts[partition]

    def trim(self, before_us: int, keep_after: Mapping[int, int]) -> int:
        removed = 0
        while self._cuts:
            closed_us, ends = self._cuts[0]
            if closed_us > before_us or any(end > keep_after.get(partition, 0) for partition, end in enumerate(ends)):
                break
            for partition, end in enumerate(ends):
                del self._records[partition][: end - self._starts[partition]]
                self._starts[partition] = end
            del self._cuts[0]
            removed += 1
        return removed

    def power_cut(self) -> None:
        """Loses nothing: an append was durable when it returned."""

    def close(self) -> None:
        """Others may go on with it."""
