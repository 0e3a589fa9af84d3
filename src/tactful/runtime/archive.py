"""Archive: the loop that brings what was decided into the lake, exactly once (DESIGN 7: history).

It waits until what the lake lacks has a certain age, and then takes all there is, piece by piece, so that files stay
few and little is in memory: until then log and trail keep it, and questions see it as the tail. With the rows goes up
to where they go, in one commit; so after a crash, or an append of which nobody knows what became of it, the lake says
where to go on. Housekeeping comes between: of the lake, and of the log once the lake has it.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
from msgspec import Struct

from tactful.errors import Fenced, TransientError
from tactful.history.columns import Batch
from tactful.history.lake import Lake
from tactful.language.sql.layout import SHARED, Layout
from tactful.runtime.decided import MOST_BYTES, READ, stretch
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Bell, Clock, Log
from tactful.runtime.seals import Seals
from tactful.values import HOUR_US, SECOND_US

RETRY_US, MOST_RETRY_US = SECOND_US // 4, 32 * SECOND_US
"""After the world failed (a disk full, S3 away), so long it rests, and twice as long each time, up to the most. Real
time."""
PATIENCE_S = 60.0
"""Without a ring, a look all the same: whoever should have rung may have died."""
_logger = logging.getLogger("tactful.archive")


class Pace(Struct, frozen=True, kw_only=True):
    """How much at a time, and how often."""

    rows: int = 200_000
    """Of one append, about; what they need of memory is the loop's."""
    most_bytes: int = 4 * MOST_BYTES
    """Of the records that one append brings, about: fewer rows where calls are large."""
    read: int = READ
    """Positions of one look into the log."""
    every_us: int = 30 * SECOND_US
    """So old may be what the lake lacks. Real time."""
    rest_us: int = HOUR_US
    """Between two rounds of housekeeping while nothing is appended."""


class Declared(Struct, frozen=True):
    """What the plan in force says of the lake."""

    layout: Layout = SHARED
    retention_us: Mapping[str, int] = {}
    """By event name."""


class Archiver:
    """One for each lake; two do no harm, and one of them does the other's work again for nothing."""

    def __init__(
        self,
        log: Log,
        trail: Trail,
        lake: Lake,
        clock: Clock,
        declared: Callable[[], Declared] = Declared,
        archived: Callable[[Mapping[int, int]], None] = lambda positions: None,
        pace: Pace | None = None,
        first: Callable[[], Mapping[str, pa.Table]] = dict,
        name: str = "",
    ) -> None:
        """`declared` is asked before each append; `archived` is told up to where the lake has everything, after each
        round of housekeeping; `first` gives what a new lake has beside what is decided (time zones, for others);
        `name` is the installation's."""
        self._log = log
        self._trail = trail
        self._lake = lake
        self._clock = clock
        self._declared = declared
        self._archived = archived
        self._pace = pace or Pace()
        self._first = first
        self._seals = Seals(log, name)
        self._wished: Layout | None = None
        self._since: int | None = None
        """When it was first seen that the lake lacks something; None: it does not."""
        self._kept_at: int | None = None
        """When housekeeping was done last, or (None) it is to be done."""
        self.positions = self._known()

    def turn(self, *, is_late: bool = False) -> bool:
        """Do what there is to do now; False where that was nothing. `is_late`: what the lake lacks has waited already.
        Raises TransientError where the world fails; then an archiver made anew goes on."""
        now = self._clock.real_us()
        if self.behind():
            if self._since is None:
                self._since = now
            if is_late or _is_over(self._since, self._pace.every_us, now):
                self.archive()
                return True
        if self._kept_at is None or _is_over(self._kept_at, self._pace.rest_us, now):
            return self._keep_house()
        return False

    def next_turn(self) -> int | None:
        """The real instant at which to take a turn even if nobody rings; None: when somebody does."""
        waits = [] if self._since is None else [self._since + self._pace.every_us]
        return min([*waits, *([] if self._kept_at is None else [self._kept_at + self._pace.rest_us])], default=None)

    def is_waiting(self) -> bool:
        """It knows already that there is something, and no ring would tell it more."""
        return self._since is not None

    def behind(self) -> int:
        """How many positions the lake lacks."""
        return sum(max(0, end - self.positions.get(partition, 0)) for partition, end in self._ends().items())

    def archive(self) -> None:
        """Everything that was decided up to now."""
        self._since = self._kept_at = None
        ends = self._ends()
        self._wish()
        while any(end > self.positions.get(partition, 0) for partition, end in ends.items()):
            self.append(ends)

    def append(self, ends: Mapping[int, int] | None = None) -> None:
        """As many rows as one append takes, always of the partition with most left, up to `ends` or all there is."""
        tables, upto = self._next(ends or self._ends())
        if not self.positions:
            tables |= self._first()
        try:
            self._lake.append(upto, tables, self._seals.of(upto))
        except Fenced as error:
            _logger.warning("somebody else archives as well: %s", error)
            self.positions = self._known()
            return
        self.positions = upto

    def _next(self, ends: Mapping[int, int]) -> tuple[dict[str, pa.Table], dict[int, int]]:
        """The tables of an append, and up to where they go."""
        left = {one: end - self.positions.get(one, 0) for one, end in ends.items()}
        batch, upto, size = Batch(), dict(self.positions), 0
        while batch.rows < self._pace.rows and size < self._pace.most_bytes:
            partition = max(left, key=left.__getitem__)
            if left[partition] <= 0:
                break
            after = upto.get(partition, 0)
            read = stretch(self._log, self._trail, partition, after, self._pace.read)
            read.into(batch)
            size += read.size
            upto[partition] = read.upto
            left[partition] -= read.upto - after
        return batch.tables(), upto

    def keep_house(self) -> bool:
        """A bounded piece; True where there may be more."""
        declared = self._declared()
        done = self._lake.maintain(self._clock.now_us(), declared.retention_us)
        if done.compacted or done.expired:
            return True
        self._kept_at = self._clock.real_us()
        self._archived(self.positions)
        return False

    def _keep_house(self) -> bool:
        """A file that cannot be read holds up housekeeping, and with it trimming, but not what is to be appended."""
        try:
            return self.keep_house()
        except TransientError as error:
            text = "the lake cannot be tidied, and the log is not trimmed: %s"
            _logger.error(text, error)  # noqa: TRY400  (the text says all)
            self._kept_at = self._clock.real_us()
            return False

    def _wish(self) -> None:
        layout = self._declared().layout
        if layout != self._wished:
            self._lake.wish(layout)
            self._wished = layout

    def _ends(self) -> dict[int, int]:
        return {partition: self._trail.end(partition) for partition in range(self._log.partitions)}

    def _known(self) -> dict[int, int]:
        """Raises TransientError where lake and log have parted (seals.py)."""
        snapshot = self._lake.snapshot()
        positions = dict(snapshot.positions)
        self._seals.demand(positions, snapshot.seals())
        return positions


@contextmanager
def thrifty() -> Iterator[None]:
    """For a process that takes thousands of events at a time, none of them in a cycle, and asks for much memory again
    and again: what it gives back stays its own, which Arrow's usual pool (mimalloc) pays for with a page fault each
    time, an eighth of the whole."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        pa.set_memory_pool(usual)


class Archive:
    """One process's loop: an archiver, made anew where the world failed it."""

    def __init__(
        self, make: Callable[[], Archiver], bell: Bell, quiet: Bell, clock: Clock, should_stop: Callable[[], bool]
    ) -> None:
        """`bell` is rung when anything was decided, `quiet` only to stop."""
        self._make = make
        self._bell = bell
        self._quiet = quiet
        self._clock = clock
        self._should_stop = should_stop
        self._archiver: Archiver | None = None
        self._rests_since: int | None = None
        self._failures = 0
        """One after another."""

    def run(self) -> None:
        """Until told to stop. What is there by then stays for the next start."""
        with thrifty():
            while not self._should_stop():
                if not self.round():
                    self._wait()

    def round(self) -> bool:
        """One turn; False where there was nothing to do."""
        if self._rests_since is not None and not _is_over(self._rests_since, self._rest_us(), self._clock.real_us()):
            return False
        self._rests_since = None
        try:
            if self._archiver is None:
                gc.collect()
                self._archiver = self._make()
            has_done = self._archiver.turn(is_late=self._failures > 0)
        except TransientError as error:
            _logger.error("the lake rests: %s", error)  # noqa: TRY400  (the text says all)
            self._archiver = None
            self._rests_since = self._clock.real_us()
            self._failures += 1
            return False
        self._failures = 0
        return has_done

    def _rest_us(self) -> int:
        """Doubled no further than the most asks for."""
        return min(RETRY_US << min(self._failures - 1, MOST_RETRY_US.bit_length()), MOST_RETRY_US)

    def _wait(self) -> None:
        now, until = self._clock.real_us(), None
        if self._rests_since is not None:
            until = self._rests_since + self._rest_us()
        elif self._archiver is not None:
            until = self._archiver.next_turn()
        patience = PATIENCE_S if until is None else min(PATIENCE_S, max(0, until - now) / SECOND_US)
        is_deaf = self._rests_since is not None or (self._archiver is not None and self._archiver.is_waiting())
        (self._quiet if is_deaf else self._bell).wait(patience)


def _is_over(since: int, lasts_us: int, now: int) -> bool:
    """Where the wall clock was set back meanwhile, it is over as well."""
    return not since <= now < since + lasts_us
