"""The log is trimmed by age, and never ahead of a partition that has not read it."""

from tactful.adapters.memory.log import MemoryLog
from tactful.operations.retention import trim
from tactful.runtime.ports import Checkpoint
from tactful.testing.clock import SimClock
from tactful.values import DAY_US


class At:
    def __init__(self, position: int) -> None:
        self._position = position

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(1, self._position, b"")


def written_daily(clock: SimClock, days: int) -> MemoryLog:
    log = MemoryLog(2, clock)
    for _ in range(days):
        log.append({0: [b"a"], 1: [b"b"]})
        clock.advance(DAY_US + 1)
    return log


def test_old_files_go_once_everybody_has_read_them() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5)], clock, 2, {0: 5, 1: 5}) > 0
    assert log.start(0) > 0
    assert log.end(0) == 5


def test_a_partition_that_is_behind_keeps_them() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(0)], clock, 2, {0: 5, 1: 5}) == 0
    assert log.start(1) == 0


def test_no_days_keep_everything() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5)], clock, 0, {0: 5, 1: 5}) == 0


def test_what_the_lake_has_not_got_stays() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5)], clock, 2, {0: 5}) == 0
    assert trim(log, [At(5), At(5)], clock, 2, {0: 5, 1: 1}) == 1
    assert (log.start(0), log.start(1)) == (1, 1)
