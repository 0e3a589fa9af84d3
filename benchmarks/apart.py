"""Apart: work in fresh processes, whose memory and cores are their own.

`multiprocessing.Pool` starts a process whose imports fail again and again, and whoever waits for it waits for ever; an
executor says that it broke, below what the process has said of it.
"""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.server import cores, pin


def fresh(number: int = 1, on: Iterable[int] = ()) -> ProcessPoolExecutor:
    """So many processes, on these cores or on all that we have."""
    return ProcessPoolExecutor(
        number, mp_context=get_context("spawn"), initializer=pin, initargs=(set(on) or set(cores()),)
    )
