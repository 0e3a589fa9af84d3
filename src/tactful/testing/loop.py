"""An event loop for asyncio that is driven by hand: no sockets, no threads, no waiting, the same order every time.

It runs what is ready when told to, and says when its next timer is due. What is meant for a thread is called at once; a
function that would block says so by raising Asleep, and is called again whenever the loop is driven.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from math import ceil
from typing import Any, ParamSpec, TypeVar

from tactful.testing.clock import SimClock
from tactful.values import SECOND_US

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Asleep(BaseException):
    """Raised where a process would wait: until somebody rings, or until the instant (monotonic; None: for ever)."""

    def __init__(self, until_us: int | None) -> None:
        super().__init__(until_us)
        self.until_us = until_us


class _Threads(ThreadPoolExecutor):
    """Calls at once what it is given, and keeps what would block."""

    def __init__(self) -> None:
        super().__init__(1)
        self.blocked: list[tuple[Future[Any], Callable[[], Any], int | None]] = []

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        self._call(future, lambda: fn(*args, **kwargs))
        return future

    def retry(self) -> None:
        blocked, self.blocked = self.blocked, []
        for future, function, _ in blocked:
            if not future.done():
                self._call(future, function)

    def _call(self, future: Future[Any], function: Callable[[], Any]) -> None:
        try:
            future.set_result(function())
        except Asleep as asleep:
            self.blocked.append((future, function, asleep.until_us))


class _Selector:
    """Stands where the loop would wait for sockets: it is stopped there instead."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.timeout_s: float | None = None

    def select(self, timeout_s: float | None) -> list[object]:
        self.timeout_s = timeout_s
        if timeout_s is None or timeout_s > 0:
            self._stop()
        return []


class SimLoop(asyncio.BaseEventLoop):
    def __init__(self, clock: SimClock) -> None:
        super().__init__()
        self._clock = clock
        self._selector = _Selector(self.stop)
        self._stopped_us = clock.monotonic_us
        self._threads = _Threads()
        self.set_default_executor(self._threads)
        # Tasks that died with their process are not looked at.
        self.set_exception_handler(lambda loop, context: None)

    def drive(self) -> None:
        """Run until there is nothing to do at this instant."""
        self._threads.retry()
        self.run_forever()
        self._stopped_us = self._clock.monotonic_us

    def next_us(self) -> int | None:
        """Monotonic instant of the next timer, never before it."""
        waits = [until for future, _, until in self._threads.blocked if until is not None and not future.done()]
        if self._selector.timeout_s is not None:
            waits.append(self._stopped_us + ceil(self._selector.timeout_s * SECOND_US))
        return min(waits, default=None)

    def is_listening(self) -> bool:
        """Something waits to be rung."""
        return any(not future.done() for future, _, _ in self._threads.blocked)

    def end(self) -> None:
        """Nothing of it will ever run again."""
        for task in asyncio.all_tasks(self):
            with suppress(BaseException):
                coroutine = task.get_coro()
                coroutine.close()
        self.close()

    def time(self) -> float:
        return self._clock.monotonic_us / SECOND_US

    def _process_events(self, events: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits in select()."""
