"""An installation in memory that has lived through a file of tracking calls, for tests of its history.

The production workers decide, at the instants at which they would: the clock goes from one receipt or wake-up to the
next. What passes the gate is taken for sent at once. `archive()` brings what was decided into the lake; what was decided
later is the tail of `history()`.
"""

from collections.abc import Mapping, Sequence

from tactful.adapters.memory.house import MemoryHouse
from tactful.adapters.memory.lake import MemoryLake
from tactful.events.identifiers import partition_of
from tactful.events.records import Launch, Publish, Record, Steer, Threshold, encode
from tactful.history.lake import Lake
from tactful.journeys.definition import CHANNELS
from tactful.operations.definitions.declaring import declared
from tactful.operations.evaluation.evaluate_lines import Line, read_lines
from tactful.operations.history.opened import History
from tactful.operations.history.terms import terms_of
from tactful.runtime.archive import Archiver
from tactful.runtime.decided import LiveTail
from tactful.runtime.ports import Verdict
from tactful.runtime.settings import Settings, naming_of, plan_settings
from tactful.testing.clock import SimClock
from tactful.values import parse_time
from tests.queries import QUERIES

STILL = 10_000
"""Turns at one instant after which somebody is busy for nothing."""


class Life:
    """Everything that is in `house` was decided by its workers; `clock` stands at the newest instant."""

    def __init__(self, settings: Settings, partitions: int, at_us: int, lake: Lake | None = None) -> None:
        self.clock = SimClock(at_us)
        self.house = MemoryHouse(settings, self.clock, partitions)
        self.workers = [self.house.worker(partition, self.clock) for partition in range(partitions)]
        self.lake = lake or MemoryLake(buckets=4)
        self.tail = LiveTail(self.house.log, self.house.trail, self.house.name)

    def publish(self, files: Mapping[str, str], author: str = "test") -> None:
        """Put these definitions in force now."""
        now, settings = self.clock.now_us(), plan_settings(self.house.settings)
        self.take(Publish(now, dict(files), settings, author))

    def live(self, lines: Sequence[Line]) -> None:
        """Tracking calls, each at its receivedAt; those before the clock's instant at once."""
        for _, record in read_lines(lines, naming_of(self.house.settings.identity), with_repeats=True):
            self.until(record.received_at)
            self.take(record)

    def take(self, record: Record) -> None:
        """One record, now, and whatever follows from it at this instant."""
        everybody = isinstance(record, Publish | Threshold | Launch | Steer)
        partition = 0 if everybody else partition_of(getattr(record, "key"), self.house.log.partitions)  # noqa: B009  (of those that have one)
        self.house.log.append({partition: [encode(record)]})
        self.settle()

    def until(self, at_us: int) -> None:
        """Let time pass, with everybody working at every instant at which something is due."""
        self.settle()
        while (wake := self._next_wake()) is not None and wake <= at_us:
            self._go(wake)
            self.settle()
        self._go(at_us)
        self.settle()

    def settle(self) -> None:
        """Until nobody has anything to do at this instant."""
        for _ in range(STILL):
            is_busy = [worker.turn() for worker in self.workers]
            if not any(is_busy) and not self._send():
                return
        raise AssertionError("the workers are busy for nothing")

    def archive(self) -> Archiver:
        """Everything that was decided so far; with housekeeping, so that files have what definitions wish."""
        house, wishes = self.house, lambda: declared(self._published())
        found = Archiver(house.log, house.trail, self.lake, self.clock, wishes, name=house.name)
        found.archive()
        while found.keep_house():
            pass
        return found

    def history(self) -> History:
        """Of everything, archived or not, by the plan in force."""
        publish = self._published()
        return History(self.lake, QUERIES, self.tail, terms_of(publish) if publish is not None else None)

    def _published(self) -> Publish | None:
        plan = self.house.plan(0)
        return plan.plan.publish if plan is not None else None

    def _send(self) -> bool:
        outbox = self.house.outbox
        names = [one.intent.intent for channel in CHANNELS for one in outbox.claimed(channel)]
        if names:
            outbox.hand_off(names, "test")
            outbox.finish([Verdict(name, "sent", "") for name in names], self.clock.now_us())
            self.workers[0].report()
        return bool(names)

    def _next_wake(self) -> int | None:
        wakes = [worker.next_wake() for worker in self.workers]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _go(self, at_us: int) -> None:
        self.clock.advance(max(0, at_us - self.clock.now_us()))


def lived(
    files: Mapping[str, str],
    lines: Sequence[Line],
    settings: Settings | None = None,
    partitions: int = 2,
    begin: str = "2026-01-01T00:00:00Z",
    lake: Lake | None = None,
) -> Life:
    """Definitions published at `begin`, and then the calls of the lines, each with its receivedAt. Nothing is archived
    yet."""
    at_us = parse_time(begin)
    assert at_us is not None
    life = Life(settings or Settings(), partitions, at_us, lake)
    life.publish(files)
    life.live(lines)
    return life
