"""Retention: the log lives as long as `[retention] log_days` says, and longer while a partition has not read it, or the
lake has not got what was decided."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tactful.runtime.ports import Checkpoint, Clock, Log
from tactful.values import DAY_US


class Positioned(Protocol):
    """What retention needs of a Store."""

    def checkpoint(self) -> Checkpoint: ...


def trim(log: Log, stores: Sequence[Positioned], clock: Clock, days: int, archived: Mapping[int, int]) -> int:
    """Drop log files that are older, read by everybody and archived up to these positions; returns how many. 0 days:
    everything is kept."""
    if days <= 0:
        return 0
    read = {
        partition: min(store.checkpoint().position, archived.get(partition, 0))
        for partition, store in enumerate(stores)
    }
    return log.trim(clock.now_us() - days * DAY_US, read)
