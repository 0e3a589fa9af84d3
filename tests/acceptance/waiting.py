"""Bounded waits: for a condition that other processes bring about, never for a time to pass."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")
_BETWEEN_LOOKS_S = 0.02
_LONGEST_S = 0.1
"""A look costs as well: the longer something takes, the less often it is looked for."""


def until(condition: Callable[[], T | None], what: str | Callable[[], object], seconds: float = 60) -> T:
    """The condition's first true value. Fails, saying what was waited for, when it does not come in time."""
    deadline = time.monotonic() + seconds
    pause, wait_s = Event(), _BETWEEN_LOOKS_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what() if callable(what) else what}")
        pause.wait(wait_s)
        wait_s = min(wait_s * 1.1, _LONGEST_S)
    return found


def moment(seconds: float) -> None:
    """A moment passes: a drawn one, since where in its work a process is hit is part of the draw, or a client's breath."""
    Event().wait(seconds)
