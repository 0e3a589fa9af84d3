"""Bench: backtests that somebody asked for on a page or by the API, one after the other beside everything else.

A backtest takes seconds or minutes on all cores, so whoever asks gets a number and looks again. What was found of the
newest few is kept in memory, and what stands behind it in a file without a name (behind.py): it names people, and
whoever is erased shall not stand in a forgotten file.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from tactful.errors import DefinitionError, TransientError, UsageError

if TYPE_CHECKING:
    from tactful.operations.backtesting.behind import Behind
    from tactful.operations.backtesting.preparing import Asked  # Stands on Arrow, and is seldom wanted.

KEPT = 20
WAITING = 5
"""More that nobody has begun are refused."""
Progress = Callable[[float], None]
Play = Callable[["Asked", Progress, "Behind"], dict[str, Any]]
"""The values of a report (report.py), and every line into what stands behind it; called in a thread of its own. The
progress raises Stopped where nobody wants it any more."""
State = Literal["waiting", "playing", "done", "failed", "stopped"]


class Stopped(Exception):
    """Somebody does not want it any more."""


class Job(Struct, frozen=True):
    number: int
    asked: "Asked"
    at_us: int
    by: str
    state: State = "waiting"
    share: float = 0.0
    """Of the work that is done."""
    found: Mapping[str, Any] | None = None
    behind: "Behind | None" = None
    """Of one that is done: every line behind its numbers."""
    problem: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "stopped")


class Bench:
    def __init__(self, play: Play) -> None:
        self._play = play
        self._jobs: OrderedDict[int, Job] = OrderedDict()
        self._unwanted: set[int] = set()
        self._lock = Lock()
        self._number = 0
        self._thread: ThreadPoolExecutor | None = None

    def begin(self, asked: "Asked", at_us: int, by: str) -> Job:
        """Raises UsageError where too many wait."""
        with self._lock:
            if sum(job.state == "waiting" for job in self._jobs.values()) >= WAITING:
                raise UsageError("too many backtests wait already; come back when one of them is done")
            self._number += 1
            job = self._jobs[self._number] = Job(self._number, asked, at_us, by)
            over = [number for number, one in self._jobs.items() if one.is_over]
            for number in over[: max(len(self._jobs) - KEPT, 0)]:
                if (behind := self._jobs.pop(number).behind) is not None:
                    behind.close()
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="backtest")
            self._thread.submit(self._run, job.number)
        return job

    def find(self, number: int) -> Job | None:
        return self._jobs.get(number)

    def of(self, journey: str = "") -> list[Job]:
        """The newest first; of one journey, or of all."""
        with self._lock:
            jobs = list(self._jobs.values())
        return [job for job in reversed(jobs) if journey in ("", job.asked.journey)]

    def stop(self, number: int) -> bool:
        """Nobody wants it any more; False where it is over, or was never there."""
        job = self._jobs.get(number)
        if job is None or job.is_over:
            return False
        self._unwanted.add(number)
        return True

    def close(self) -> None:
        """Whatever is being played ends soon."""
        with self._lock:
            self._unwanted.update(self._jobs)
            if self._thread is not None:
                self._thread.shutdown(wait=False, cancel_futures=True)
            for job in self._jobs.values():
                if job.behind is not None:
                    job.behind.close()

    # ---- in the thread ---------------------------------------------------------------------------------------------

    def _run(self, number: int) -> None:
        def progress(share: float) -> None:
            if number in self._unwanted:
                raise Stopped
            self._now(number, state="playing", share=share)

        from tactful.operations.backtesting.behind import Behind

        behind = Behind()
        try:
            progress(0.0)
            found = self._play(self._jobs[number].asked, progress, behind)
            behind.done()
            self._now(number, state="done", share=1.0, found=found, behind=behind)
        except Stopped:
            self._now(number, state="stopped")
        except (DefinitionError, UsageError, TransientError) as error:
            self._now(number, state="failed", problem=str(error))
        except BaseException as error:
            self._now(number, state="failed", problem=f"{type(error).__name__}: {error}")
            raise
        finally:
            if self._jobs[number].behind is None:
                behind.close()

    def _now(self, number: int, **changed: Any) -> None:
        with self._lock:
            self._jobs[number] = replace(self._jobs[number], **changed)
