"""Work: one process's loop over the partitions that it owns, woken by bells and instants, never by polling."""

import gc
import logging
from collections.abc import Callable, Sequence

from tactful.errors import Fenced, TransientError
from tactful.runtime.ports import Bell, Clock
from tactful.runtime.worker import Worker
from tactful.values import SECOND_US

RETRY_US = 1_000_000
"""After the world failed (disk full, say), how long a partition rests before it starts again from its store. Real time:
a fast clock mends no disk sooner."""

PATIENCE_S = 60.0
"""Without a ring and with nothing due, a look at the clock, which somebody may have set forward meanwhile."""

_logger = logging.getLogger("tactful.work")


class Work:
    """Runs the workers that `make` builds, one per partition, until `should_stop`.

    A worker that the world failed is thrown away with all it held and built anew: what it had not committed is read
    from the log again. A fenced one is not: another process owns its partition now.
    """

    def __init__(
        self,
        partitions: Sequence[int],
        make: Callable[[int], Worker],
        bell: Bell,
        clock: Clock,
        should_stop: Callable[[], bool],
    ) -> None:
        self._make = make
        self._bell = bell
        self._clock = clock
        self._should_stop = should_stop
        self._workers: dict[int, Worker] = {}
        self._rests: dict[int, int] = dict.fromkeys(partitions, 0)

    def run(self) -> None:
        """Until told to stop, or until every partition has been fenced off.

        The collector of cycles is off meanwhile: a million small lists of people's states, none in a cycle, took it
        almost half of the time. Only a worker that was thrown away is a cycle, collected before the next is made.
        """
        gc.disable()
        try:
            while (self._workers or self._rests) and not self._should_stop():
                if not self.round():
                    self._bell.wait(self._patience_s())
        finally:
            gc.enable()

    def round(self) -> bool:
        """One turn of every partition; False where there was nothing to do."""
        is_busy = False
        now = self._clock.real_us()
        # A wall clock that was set back does not make a rest longer.
        for partition in [partition for partition, until in self._rests.items() if not now < until <= now + RETRY_US]:
            is_busy |= self._guarded(partition, lambda partition=partition: self._begin(partition))  # type: ignore[misc]  # a bound default
        for partition, worker in list(self._workers.items()):
            is_busy |= self._guarded(partition, worker.turn)
        return is_busy

    def _begin(self, partition: int) -> bool:
        gc.collect()
        self._workers[partition] = self._make(partition)
        del self._rests[partition]
        return True

    def _guarded(self, partition: int, act: Callable[[], bool]) -> bool:
        try:
            is_busy = act()
            if partition in self._workers:
                self._workers[partition].maintain()
        except Fenced:
            _logger.warning("partition %d is owned by another worker now; leaving it", partition)
            self._workers.pop(partition, None)
            self._rests.pop(partition, None)
            return False
        except TransientError as error:
            _logger.error("partition %d rests: %s", partition, error)  # noqa: TRY400  (the text says all)
            self._workers.pop(partition, None)
            self._rests[partition] = self._clock.real_us() + RETRY_US
            return False
        return is_busy

    def _patience_s(self) -> float | None:
        """How long until something is due by itself; None: only a bell can tell."""
        wakes = [wake for worker in self._workers.values() if (wake := worker.next_wake()) is not None]
        waits = [self._clock.until_s(min(wakes))] if wakes else []
        waits += [max(0, until - self._clock.real_us()) / SECOND_US for until in self._rests.values()]
        return min([*waits, PATIENCE_S]) if waits else None
