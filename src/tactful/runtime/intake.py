"""Intake: where accepted records become durable; the promise of a 200 is made here (I1).

Group commit: everything that waits is appended in a single log.append, and then everybody who waited is answered, so
that a commit costs the same for one call as for a thousand. A group is handed to the one appending thread when the
event loop has gone through what is ready, and the next, with what came meanwhile, when that one is durable: one
hand-over each way, since threads that pass the interpreter to and fro cost more than SQLite does (measured: shortening
sys.setswitchinterval costs 10 %). What waits is bounded in bytes and in age: beyond that a caller is told to come back
(Busy), which loses nothing. Where the log fails, everybody in the group hears it, and nobody was promised anything.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from queue import SimpleQueue

from msgspec import Struct

from tactful.runtime.ports import Bells, Clock, Log, Quarantine, Quarantined
from tactful.values import SECOND_US


class Bounds(Struct, frozen=True):
    """How much may wait for the log before callers are told to come back."""

    waiting_bytes: int = 64 * 1024 * 1024
    waiting_us: int = 5 * SECOND_US
    """Real time, as all that a caller waits."""
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
        self._groups: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._waiting: deque[_Waiting] = deque()
        """Those not handed over yet; those that were are `_group`."""
        self._group: list[_Waiting] = []
        self._waiting_bytes = 0
        self._is_handing_over = False
        self._is_stopping = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Called in the event loop that will submit."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._append_for_ever, name="appender", daemon=True)
        self._thread.start()
        # A process before this one may have died between its commit and its ring.
        for partition in range(self.partitions):
            self._bells.ring(f"work-{partition}")

    async def stop(self) -> None:
        """What waits is still appended and answered; then nothing is taken any more."""
        self._is_stopping = True
        if self._thread is not None:
            await self._idle.wait()
            self._groups.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def submit(self, records: Sequence[tuple[int, bytes]], refused: Sequence[Quarantined] = ()) -> None:
        """Return when the (partition, encoded record) pairs are in the log and the refused in the quarantine, durably.

        Raises Busy where too much waits, TransientError where log or quarantine failed: then nothing may be
        acknowledged (though some of it may be on disk: the client sends again, repeats are dropped by messageId).
        """
        if not records and not refused:
            return
        assert self._loop is not None, "Intake.start was not called"
        self.check()
        waiting = _Waiting(records, refused, self._clock.real_us(), self._loop.create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += waiting.size
        if not self._is_handing_over:
            self._is_handing_over = True
            self._idle.clear()
            self._loop.call_soon(self._hand_over)
        await waiting.done

    def check(self) -> None:
        """Raise Busy where `submit` would; asked before a body is read, so that a flood costs little."""
        if self._is_stopping or self._thread is None:
            raise Busy(self._bounds.retry_after_s)
        oldest = self._group or self._waiting
        if oldest and (
            self._waiting_bytes > self._bounds.waiting_bytes
            or self._clock.real_us() - oldest[0].since > self._bounds.waiting_us
        ):
            raise Busy(self._bounds.retry_after_s)

    @property
    def waiting_bytes(self) -> int:
        """For /metrics and /readyz."""
        return self._waiting_bytes

    def _hand_over(self) -> None:
        """The next group, up to its size, to the appender; nothing else is with it now."""
        size = 0
        while self._waiting and size < self._bounds.group_bytes:
            self._group.append(self._waiting.popleft())
            size += self._group[-1].size
        self._groups.put(self._group)

    def _append_for_ever(self) -> None:
        assert self._loop is not None
        while (group := self._groups.get()) is not None:
            error: Exception | None = None
            try:
                self._append(group)
            except Exception as failure:  # The run loop: the callers hear of it, and the next group is tried.
                error = failure
            self._loop.call_soon_threadsafe(self._answer, error)

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

    def _answer(self, error: Exception | None) -> None:
        group, self._group = self._group, []
        for waiting in group:
            self._waiting_bytes -= waiting.size
            if waiting.done.done():  # Its request was cancelled.
                continue
            if error is None:
                waiting.done.set_result(None)
            else:
                waiting.done.set_exception(error)
        if self._waiting:
            self._hand_over()
        else:
            self._is_handing_over = False
            self._idle.set()
