"""Intake: where accepted records become durable; the promise of a 200 is made here (I1).

Group commit: one thread appends everything that waits in a single log.append and then wakes everybody who waited, so
that a commit costs the same for one call as for a thousand. It starts at once when something waits; what arrives
meanwhile is the next group. What waits is bounded in bytes and in age: beyond that a caller is told to come back
(Busy), which costs it nothing and loses nothing. Where the log fails, everybody in the group hears it, and nobody was
promised anything.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Sequence
from queue import SimpleQueue

from msgspec import Struct

from tactful.runtime.ports import Bells, Clock, Log, Quarantine, Quarantined
from tactful.values import SECOND_US

SWITCH_INTERVAL_S = 0.0005
"""CPython hands the interpreter over every 5 ms by default, and the appender needs it after each call into the
engine: a commit of six statements would wait 30 ms behind a busy event loop."""


class Bounds(Struct, frozen=True):
    """How much may wait for the log before callers are told to come back."""

    waiting_bytes: int = 64 * 1024 * 1024
    waiting_us: int = 5 * SECOND_US
    group_bytes: int = 8 * 1024 * 1024
    """One append takes at most about so much."""
    retry_after_s: int = 2


class Busy(Exception):
    """The log has fallen behind; come back after `retry_after_s` whole seconds. Nothing was taken."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"the log has fallen behind; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class _Waiting:
    """One caller: what it wants on disk, and the future that it waits on."""

    __slots__ = ("done", "records", "refused", "since", "size")

    def __init__(
        self,
        records: Sequence[tuple[int, bytes]],
        refused: Sequence[Quarantined],
        since: int,
        done: asyncio.Future[None],
    ) -> None:
        self.records = records
        self.refused = refused
        self.size = sum([len(body) for _, body in records]) + sum([len(item.body) for item in refused])
        self.since = since
        self.done = done


class Intake:
    """Takes records from the coroutines of one event loop; `start` before the first, `stop` after the last."""

    def __init__(
        self, log: Log, quarantine: Quarantine, bells: Bells, clock: Clock, bounds: Bounds | None = None
    ) -> None:
        self.log = log
        self.partitions = log.partitions
        self._quarantine = quarantine
        self._bells = bells
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._order: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Called in the event loop that will submit."""
        self._loop = asyncio.get_running_loop()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread = threading.Thread(target=self._append_for_ever, name="appender", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """What waits is still appended and answered; then nothing is taken any more."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)  # It hands its last answers to the loop before it ends.

    async def submit(self, records: Sequence[tuple[int, bytes]], refused: Sequence[Quarantined] = ()) -> None:
        """Return when the (partition, encoded record) pairs are in the log and the refused in the quarantine, durably.

        Raises Busy where too much waits, TransientError where log or quarantine failed: then nothing may be
        acknowledged (though some of it may be on disk: the client sends again, repeats are dropped by messageId).
        """
        if not records and not refused:
            return
        assert self._loop is not None, "Intake.start was not called"
        self.check()
        now = self._clock.now_us()
        waiting = _Waiting(records, refused, now, self._loop.create_future())
        self._order.append(waiting)
        self._waiting_bytes += waiting.size
        self._queue.put(waiting)
        await waiting.done

    def check(self) -> None:
        """Raise Busy where `submit` would; asked before a body is read, so that a flood costs little."""
        if self._thread is None:
            raise Busy(self._bounds.retry_after_s)
        if self._order and (
            self._waiting_bytes > self._bounds.waiting_bytes
            or self._clock.now_us() - self._order[0].since > self._bounds.waiting_us
        ):
            raise Busy(self._bounds.retry_after_s)

    @property
    def waiting_bytes(self) -> int:
        """For /metrics and /readyz."""
        return self._waiting_bytes

    def _append_for_ever(self) -> None:
        is_stopping = False
        assert self._loop is not None
        while not is_stopping:
            group, is_stopping = self._next_group()
            if not group:
                continue
            error: Exception | None = None
            try:
                self._append(group)
            except (
                Exception
            ) as failure:  # The run loop: whatever failed, the callers hear of it and the next group is tried.
                error = failure
            self._loop.call_soon_threadsafe(self._answer, group, error)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """Everything that waits, up to the size of a group; waits for the first."""
        first = self._queue.get()
        if first is None:
            return [], True
        group, size = [first], first.size
        while size < self._bounds.group_bytes and not self._queue.empty():
            another = self._queue.get()
            if another is None:
                return group, True
            group.append(another)
            size += another.size
        return group, False

    def _append(self, group: list[_Waiting]) -> None:
        records: dict[int, list[bytes]] = {}
        refused: list[Quarantined] = []
        for waiting in group:
            for partition, body in waiting.records:
                if partition in records:
                    records[partition].append(body)
                else:
                    records[partition] = [body]
            refused += waiting.refused
        if records:
            self.log.append(records)
            for partition in records:
                self._bells.ring(f"work-{partition}")
        if refused:
            self._quarantine.put(refused)

    def _answer(self, group: list[_Waiting], error: Exception | None) -> None:
        for waiting in group:
            assert self._order.popleft() is waiting
            self._waiting_bytes -= waiting.size
            if waiting.done.done():  # Its request was cancelled.
                continue
            if error is None:
                waiting.done.set_result(None)
            else:
                waiting.done.set_exception(error)
