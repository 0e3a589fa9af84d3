"""Supervisor: the parent of `tactful up`. Starts the processes, starts again what dies, stops them in order.

Children are forked by the nursery (adapters/nursery.py). They hold the data folder's lock by inheritance, so a second
server is refused for as long as one of them lives; and each holds one end of a pipe, so that none outlives a parent
that was killed.
"""

import fcntl
import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tactful.adapters.nursery import LIFELINE
from tactful.errors import UsageError
from tactful.runtime.ports import Clock
from tactful.values import HOUR_US, SECOND_US

_logger = logging.getLogger("tactful.up")

_QUICK_US = 5 * SECOND_US
"""A process that lived shorter than this, in real time, waits before it is started again."""
_LONGEST_US = 60 * SECOND_US
"""Nobody waits longer than this to be started again."""
_STOP_S = 30.0


class Lock:
    """The data folder's lock; held until the process and all its children are gone."""

    def __init__(self, data: Path) -> None:
        try:
            data.mkdir(parents=True, exist_ok=True)
            self.descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UsageError(
                f"{data} cannot be written: {error.strerror}; the server's user has to own the data folder"
            ) from None
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self.descriptor)
            raise UsageError(
                f"another Tactful is running on {data}; stop it first, or give --data another folder"
            ) from None

    def release(self) -> None:
        os.close(self.descriptor)


class Process(Protocol):
    """What was started (adapters/nursery.py)."""

    def poll(self) -> int | None:
        """How it ended; None as long as it lives."""
        ...

    def send(self, number: signal.Signals) -> None: ...

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        ...


class Child(Struct):
    """One process: what it is called, how it is started."""

    name: str
    arguments: Sequence[str]
    process: Process | None = None
    started_at: int = 0
    failures: int = 0
    not_before: int = 0


class Supervisor:
    """Keeps the children alive until `stop` was asked for by a signal."""

    def __init__(self, begin: Callable[[Sequence[str]], Process], clock: Clock) -> None:
        """`begin` starts a process with that command line."""
        self._begin = begin
        self._clock = clock
        self._children: list[Child] = []
        self._wakeup, self._signalled = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._signalled, False)
        self._is_stopping = False

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT stop in order, and a child's end is noticed at once."""
        signal.set_wakeup_fd(self._signalled)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `tactful ARGUMENTS` as a child."""
        child = Child(name, arguments)
        self._children.append(child)
        self._spawn(child)

    def watch(self, hourly: Callable[[], None]) -> None:
        """Until told to stop: start again whatever ends, and keep house once an hour of the installation's clock."""
        next_hour = self._clock.now_us() + HOUR_US
        while not self._is_stopping:
            select.select([self._wakeup], [], [], min(self._patience_s(), self._clock.until_s(next_hour)))
            if self._clock.now_us() >= next_hour:
                next_hour = self._clock.now_us() + HOUR_US
                hourly()
            self.look_after()
        self.stop()

    def look_after(self) -> None:
        """Start again what has ended and rested; also to be called while something else is waited for."""
        self._drain()
        for child in self._children:
            self._check(child)

    def stop(self) -> None:
        """Ask the children to finish, the last started first; kill whoever does not."""
        for child in reversed(self._children):
            if child.process is None or child.process.poll() is not None:
                continue
            child.process.send(signal.SIGTERM)
            if not child.process.wait(_STOP_S):
                _logger.error("%s did not stop in time; killed", child.name)
                child.process.send(signal.SIGKILL)
                child.process.wait(_STOP_S)

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _spawn(self, child: Child) -> None:
        child.started_at = self._clock.real_us()
        child.process = self._begin(child.arguments)

    def _check(self, child: Child) -> None:
        now = self._clock.real_us()
        if child.process is not None:
            code = child.process.poll()
            if code is None or self._is_stopping:
                return
            child.process = None
            child.failures = 0 if now - child.started_at > _QUICK_US else child.failures + 1
            wait_us = min(2 ** (child.failures - 1) * SECOND_US, _LONGEST_US) if child.failures else 0
            child.not_before = now + wait_us
            _logger.error("%s ended with %d; starting it again in %d s", child.name, code, wait_us // SECOND_US)
        if self._rest_us(child) <= 0 and not self._is_stopping:
            self._spawn(child)

    def _rest_us(self, child: Child) -> int:
        """How long it still waits; where somebody has set the clock back meanwhile, no longer."""
        rest_us = child.not_before - self._clock.real_us()
        return rest_us if rest_us <= _LONGEST_US else 0

    def _patience_s(self) -> float:
        waits = [self._rest_us(child) for child in self._children if child.process is None]
        return max(0, min(waits)) / SECOND_US if waits else HOUR_US / SECOND_US

    def _drain(self) -> None:
        try:
            while os.read(self._wakeup, 1024):
                pass
        except BlockingIOError:
            return


def follow_parent() -> None:
    """In a child: stop in order when the parent is gone."""
    descriptor = os.environ.get(LIFELINE)
    if descriptor is None:
        return

    def wait() -> None:
        try:
            os.read(int(descriptor), 1)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


class StopSignal:
    """Remembers that a signal asked to stop, and wakes the loop that waits."""

    def __init__(self) -> None:
        self.asked = False
        self.rings: Callable[[], None] = lambda: None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
        self.rings()
