"""Retention: the log lives as long as `[retention] log_days` says, and longer while a partition has not read it, or the
lake has not got what was decided."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tactful.runtime.ports import Checkpoint, Clock, Log
from tactful.values import DAY_US


class Positioned(Protocol):
    """What retention needs of a Store."""

    def checkpoint(self) -> Checkpoint: ...
    def derived(self) -> list[tuple[int, int, bytes]]: ...


class Ended(Protocol):
    """What it needs of a Trail."""

    def end(self, partition: int) -> int: ...


def trim(
    log: Log, stores: Sequence[Positioned], trail: Ended, clock: Clock, days: int, archived: Mapping[int, int]
) -> int:
    """Drop log files that are older, read by everybody and archived up to these positions; returns how many. 0 days:
    everything is kept."""
    if days <= 0:
        return 0
    read = {
        partition: _through(store, trail, partition, archived.get(partition, 0))
        for partition, store in enumerate(stores)
    }
    return log.trim(clock.now_us() - days * DAY_US, read)


def _through(store: Positioned, trail: Ended, partition: int, archived: int) -> int:
    """Up to where nobody needs the log: what was read, and of which the lake has the rows. Behind the last row there
    are none to be had, be it for days; rows that were committed before we looked are in the trail, or on their way."""
    read = store.checkpoint().position
    if trail.end(partition) > archived or any(last > archived for _, last, _ in store.derived()):
        return min(read, archived)
    return read
