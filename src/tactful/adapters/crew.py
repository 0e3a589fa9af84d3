"""A crew of processes: the same work on many things, on all cores (operations/backtesting/crew.py).

Each begins anew (spawn): whoever asks may hold databases, threads and an event loop, none of which lives through a
fork. They end with whoever asked, and with the last thing that there is to do.
"""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import TypeVar

from tactful.errors import TransientError

Item = TypeVar("Item")
Made = TypeVar("Made")
AHEAD = 3
"""Things of each process that are handed over before it has done one."""


class Processes:
    """`size`: how many; as many as there are cores unless told otherwise."""

    def __init__(self, size: int = 0) -> None:
        self._size = size or len(os.sched_getaffinity(0))

    def each(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
        """Raises TransientError where a process was killed."""
        if self._size == 1:
            yield from map(work, items)
            return
        spawn = multiprocessing.get_context("spawn")
        waiting = set[Future[Made]]()
        pool = ProcessPoolExecutor(self._size, mp_context=spawn, initializer=_begin)
        try:
            for item in items:
                waiting.add(pool.submit(work, item))
                if len(waiting) >= AHEAD * self._size:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        except BrokenProcessPool as error:
            raise TransientError("a process ended before its work did; perhaps memory ran out") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Only whoever asked hears of an interrupt. The collector of cycles is off: people's states are none, and it would
    go over all of them again and again (runtime/work.py)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    Thread(target=_follow, name="lifeline", daemon=True).start()


def _follow() -> None:
    """Whoever asked may be killed, and would leave us waiting for more to do."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a process of a crew has been started by somebody"
    parent.join()
    os._exit(1)
