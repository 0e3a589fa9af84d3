"""Retention: the log lives as long as `[retention] log_days` says, and longer while a partition has not read it."""

from collections.abc import Sequence
from typing import Protocol

from tactful.runtime.ports import Checkpoint, Clock, Log
from tactful.values import DAY_US


class Positioned(Protocol):
    """What retention needs of a Store."""

    def checkpoint(self) -> Checkpoint: ...


def trim(log: Log, stores: Sequence[Positioned], clock: Clock, days: int) -> int:
    """Drop log files that are older and read by everybody; returns how many. 0 days: everything is kept."""
    if days <= 0:
        return 0
    read = {partition: store.checkpoint().position for partition, store in enumerate(stores)}
    return log.trim(clock.now_us() - days * DAY_US, read)
