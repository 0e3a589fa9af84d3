"""Reports: what journeys and segments did, kept after it was computed, so that a page need not wait for it.

A report over millions of rows takes seconds. It is computed on the slow desk, one at a time for the same question; who
asks meanwhile is shown the last one, and that a newer one is coming. One that is younger than REST times as long as it
took is not computed again, whatever happened since, so that a page that is kept open costs a share of one thread and no
more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Clock
from tactful.values import HOUR_US, SECOND_US
from tactful.web.desk import Desk

if TYPE_CHECKING:
    from tactful.operations.journeys.measuring import Report  # Slow to import, and wanted here only.

Answer = TypeVar("Answer")
PATIENCE_S = 0.06
"""So long a page waits for a report, since most are computed by then."""
REST = 10
LEAST_US = 2 * SECOND_US
KEPT = 64


class Question(NamedTuple):
    journey: str
    from_us: int
    until_us: int


class Kept(Struct, Generic[Answer], frozen=True):
    """An answer as of `at`, when what it changes with stood so."""

    report: Answer
    at: int
    took_us: int
    stood: tuple[int, ...]
    done_us: int
    """In the world, whatever the speed of the installation."""


class Shown(Struct, Generic[Answer], frozen=True):
    kept: Kept[Answer] | None
    """None: the first is being computed."""
    is_coming: bool
    """A newer one is being computed."""
    problem: str = ""
    """Why there is none."""


class Reports:
    def __init__(self, slow: Desk, clock: Clock) -> None:
        self._slow, self._clock = slow, clock
        self._kept: OrderedDict[Hashable, Kept[Any]] = OrderedDict()
        self._coming: dict[Hashable, asyncio.Task[Kept[Any]]] = {}

    async def ask(self, question: Question, stands: tuple[int, ...]) -> "Shown[Report]":
        """The newest report that there is; `stands` says how far the trail goes now (written_to)."""
        return await self.answer(question, stands, lambda reader: reader.measure(*question))

    async def answer(
        self,
        question: Hashable,
        stands: tuple[int, ...],
        compute: Callable[[Reader], Answer],
        patience_s: float | None = None,
    ) -> Shown[Answer]:
        """The same of any question to a reader that takes long, and whose answer changes with what is in `stands`: how
        far the trail goes, and where it is of the last days, the hour (passing)."""
        kept = self._kept.get(question)
        if kept is not None and (kept.stood == stands or self._rests(kept)):
            self._kept.move_to_end(question)
            return Shown(kept, is_coming=False)
        task = self._coming.get(question)
        if task is None:
            task = self._coming[question] = asyncio.get_running_loop().create_task(self._compute(stands, compute))
            task.add_done_callback(lambda done: self._take(question, done))
        done, _ = await asyncio.wait([task], timeout=PATIENCE_S if patience_s is None else patience_s)
        if not done:
            return Shown(kept, is_coming=True)
        error = task.exception()
        return Shown(kept, is_coming=False, problem=str(error)) if error else Shown(task.result(), is_coming=False)

    def _rests(self, kept: Kept[Any]) -> bool:
        return self._clock.real_us() - kept.done_us < max(LEAST_US, REST * kept.took_us)

    async def _compute(self, stood: tuple[int, ...], compute: Callable[[Reader], Answer]) -> Kept[Answer]:
        def ask(reader: Reader) -> Kept[Answer]:
            began = self._clock.real_us()
            found, done = compute(reader), self._clock.real_us()
            return Kept(found, self._clock.now_us(), done - began, stood, done)

        return await self._slow.ask(ask)

    def _take(self, question: Hashable, done: "asyncio.Task[Kept[Any]]") -> None:
        self._coming.pop(question, None)
        if not done.cancelled() and done.exception() is None:
            self._kept[question] = done.result()
            self._kept.move_to_end(question)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def written_to(reader: Reader) -> tuple[int, ...]:
    """How far the trail of each partition goes."""
    return tuple(reader.trail.end(partition) for partition in range(len(reader.people_states())))


def passing(reader: Reader, now_us: int) -> tuple[int, ...]:
    """The same of what is asked of the last days: each hour another one ends."""
    return (*written_to(reader), now_us // HOUR_US)


def age(span_us: int) -> str:
    """How old a report is, in words."""
    seconds = span_us // SECOND_US
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'} old"
    return "just now"
