"""The log is trimmed by age, and never ahead of a partition that has not read it."""

from typing import NamedTuple

from tactful.adapters.memory.log import MemoryLog
from tactful.operations.history.retention import trim
from tactful.runtime.ports import Checkpoint
from tactful.testing.clock import SimClock
from tactful.values import DAY_US


class At:
    """A store; `unsaid`: the last position of rows that are on their way to the trail."""

    def __init__(self, position: int, unsaid: int = 0) -> None:
        self._position, self._unsaid = position, unsaid

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(1, self._position, b"")

    def derived(self) -> list[tuple[int, int, bytes]]:
        return [(self._unsaid, self._unsaid, b"rows")] if self._unsaid else []


class Told(NamedTuple):
    """A trail of which each partition ends there."""

    last: int

    def end(self, partition: int) -> int:
        return self.last


TOLD = Told(5)


def written_daily(clock: SimClock, days: int) -> MemoryLog:
    log = MemoryLog(2, clock)
    for _ in range(days):
        log.append({0: [b"a"], 1: [b"b"]})
        clock.advance(DAY_US + 1)
    return log


def test_old_files_go_once_everybody_has_read_them() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5)], TOLD, clock, 2, {0: 5, 1: 5}) > 0
    assert log.start(0) > 0
    assert log.end(0) == 5


def test_a_partition_that_is_behind_keeps_them() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(0)], TOLD, clock, 2, {0: 5, 1: 5}) == 0
    assert log.start(1) == 0


def test_no_days_keep_everything() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5)], TOLD, clock, 0, {0: 5, 1: 5}) == 0


def test_what_the_lake_has_not_got_stays() -> None:
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5)], TOLD, clock, 2, {0: 5}) == 0
    assert trim(log, [At(5), At(5)], TOLD, clock, 2, {0: 5, 1: 1}) == 1
    assert (log.start(0), log.start(1)) == (1, 1)


def test_what_has_no_rows_keeps_nothing() -> None:
    """Records behind the last row of a partition, in which nothing more happens."""
    clock = SimClock(0)
    log = written_daily(clock, 5)
    assert trim(log, [At(5), At(5, unsaid=3)], Told(1), clock, 2, {0: 1, 1: 1}) == 1
    assert trim(log, [At(5), At(5)], Told(1), clock, 2, {0: 1, 1: 1}) > 0
    assert log.start(0) > 1
