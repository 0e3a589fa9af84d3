"""Kept: an answer that takes longer than a page may, worked out beside it and shown with its age."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tactful.runtime.ports import Clock
from tactful.values import SECOND_US

Value = TypeVar("Value")
PATIENCE_S = 0.05
"""So long a page waits for an answer; one that takes longer is shown by the next page."""
_log = logging.getLogger(__name__)


class Kept(Generic[Value]):
    """`work` is asked again where its last answer is older than `lasts_s`, once at a time, by whoever wants it next."""

    def __init__(self, work: Callable[[], Awaitable[Value]], clock: Clock, lasts_s: float) -> None:
        self._work = work
        self._clock = clock
        self._lasts_us = int(lasts_s * SECOND_US)
        self._value: Value | None = None
        self._at_us = 0
        self._task: asyncio.Task[None] | None = None

    async def get(self, patience_s: float = PATIENCE_S) -> Value | None:
        """The newest answer; None where there is none yet. Where it is old, a new one is asked for, and waited for so
        long before the old one is given."""
        is_old = self._value is None or self._clock.real_us() - self._at_us >= self._lasts_us
        if is_old and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask())
        if is_old and self._task is not None:
            await asyncio.wait({self._task}, timeout=patience_s)
        return self._value

    async def _ask(self) -> None:
        try:
            self._value = await self._work()
            self._at_us = self._clock.real_us()
        except Exception:
            _log.exception("what a page shows could not be worked out")
