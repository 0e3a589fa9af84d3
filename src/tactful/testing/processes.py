"""Processes of the simulated installation: the production loops, with every port guarded.

A process runs until it would wait; its bell then raises Asleep instead of waiting. When it dies, the object goes with
all that it held; log, store, outbox, trail and receivers stay.
"""

from collections.abc import Callable
from math import ceil
from typing import Protocol

from tactful.errors import TransientError
from tactful.runtime.deliver import Deliverer
from tactful.runtime.work import Work
from tactful.testing.clock import SimClock
from tactful.testing.faults import Crash
from tactful.testing.loop import Asleep, SimLoop
from tactful.values import SECOND_US

PATIENCE = 1000
"""Rounds without sleep at one instant, after which a process must be busy for nothing."""


class SimBell:
    """The port `Bell` of one process: tells the process until when it may sleep.

    Without `has_net` a time-out counts for nothing: a loop that looks round once a minute anyway (Deliverer) would hide
    a lost wake-up.
    """

    def __init__(self, process: "Process", clock: SimClock, *, has_net: bool) -> None:
        self._has_net = has_net
        self._sleepless = 0
        self._process = process
        self._clock = clock

    def wait(self, timeout_s: float | None) -> None:
        """Return at once where somebody rang, or where there is no time to sleep."""
        process, now_us = self._process, self._clock.monotonic_us
        if process.is_rung:
            process.is_rung = False
            return
        process.sleeps_until = now_us + ceil(timeout_s * SECOND_US) if timeout_s is not None and self._has_net else None
        if process.sleeps_until is None or process.sleeps_until > now_us:
            self._sleepless = 0
            raise Asleep(process.sleeps_until)
        self._sleepless += 1
        assert self._sleepless < PATIENCE, f"{process.name} is busy for nothing"


class SimBells:
    """The port `Bells`: who has which name. The process that asks last has it; a dead one hears nothing."""

    def __init__(self) -> None:
        self._processes: dict[str, Process] = {}

    def ring(self, name: str) -> None:
        process = self._processes.get(name)
        if process is not None:
            process.is_rung = True

    def give(self, process: "Process", names: tuple[str, ...], clock: SimClock, *, has_net: bool) -> SimBell:
        self._processes.update(dict.fromkeys(names, process))
        return SimBell(process, clock, has_net=has_net)


class Process(Protocol):
    """`is_rung`: it has something to do; `sleeps_until`: monotonic microseconds, None for ever."""

    name: str
    is_alive: bool
    is_rung: bool
    sleeps_until: int | None
    died_of: BaseException | None
    """Set where it crashes: asyncio keeps what a task raises to itself, and no port may be called after it."""

    def run(self) -> None:
        """Go on until it would wait. Crash and errors come out of here."""
        ...

    def stop(self) -> None:
        """What SIGTERM does."""
        ...

    def die(self) -> None:
        """Nothing of it happens any more."""
        ...

    def is_ready(self, now_us: int) -> bool:
        """It would go on now."""
        ...

    def next_us(self) -> int | None: ...


class WorkProcess:
    """`tactful work`: the production Work over some partitions."""

    def __init__(self, name: str, make: Callable[["WorkProcess"], Work]) -> None:
        self.name = name
        self.is_alive = True
        self.is_rung = True
        self.sleeps_until: int | None = None
        self.died_of: BaseException | None = None
        self.is_stopping = False
        self._work = make(self)

    def run(self) -> None:
        try:
            self._work.run()
        except Asleep:
            return
        # Stopped, or all its partitions have another owner.
        self.is_alive = False

    def die(self) -> None:
        self.is_alive = False

    def stop(self) -> None:
        self.is_stopping = True
        self.is_rung = True

    def is_ready(self, now_us: int) -> bool:
        return self.is_rung or (self.sleeps_until is not None and self.sleeps_until <= now_us)

    def next_us(self) -> int | None:
        return self.sleeps_until


class DeliverProcess:
    """`tactful deliver`: the production Deliverer on a loop of its own."""

    def __init__(self, name: str, clock: SimClock, make: Callable[["DeliverProcess"], Deliverer]) -> None:
        self.name = name
        self.is_alive = True
        self.is_rung = True
        self.sleeps_until: int | None = None
        self.died_of: BaseException | None = None
        self._loop = SimLoop(clock)
        self._deliverer = make(self)
        self._is_begun = False
        self._main = self._loop.create_task(self._deliverer.run())

    def run(self) -> None:
        self._is_begun = True
        self._loop.drive()
        if self.died_of is not None:
            raise self.died_of
        if self._main.done():
            self.is_alive = False
            error = self._main.exception()
            if error is not None:
                raise error

    def die(self) -> None:
        self.is_alive = False
        self.died_of = self.died_of or Crash("killed")
        self._loop.end()

    def stop(self) -> None:
        self._deliverer.stop()

    def is_ready(self, now_us: int) -> bool:
        """Once it is told to stop nobody listens to the bell, which may have rung all the same."""
        at = self._loop.next_us()
        is_called = self.is_rung and (not self._is_begun or self._loop.is_listening())
        return is_called or (at is not None and at <= now_us)

    def next_us(self) -> int | None:
        return self._loop.next_us()


DEATHS = (Crash, TransientError)
"""What may end a process in a simulation; anything else is a bug of ours."""
