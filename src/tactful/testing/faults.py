"""Faults: every call of a port is a place where the process may die, before the effect or after it.

`guard` wraps a port for one process. Before and after each call it asks the process, which may raise Crash (a
BaseException, so that nothing swallows it) or, before the effect only, TransientError: the world failed and changed
nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Any, TypeVar, cast

from msgspec import Struct

Port = TypeVar("Port")
Point = Callable[[str, bool], None]
"""Called with what is about to happen, or (True) has just happened."""


class Crash(BaseException):
    """The process dies here."""


class Faults(Struct, frozen=True):
    """How likely each fault is; each by the call of a port, or by an action of the world."""

    crash: float = 0.0
    fail: float = 0.0
    """TransientError."""
    between: float = 0.0
    """Something else happens between two effects of a process."""
    lost_call: float = 0.0
    """A client's call, or the answer to it, is lost; the client sends again."""
    power_cut: float = 0.0
    second_worker: float = 0.0
    clock_jump: float = 0.0
    slow: float = 0.0
    reject: float = 0.0
    bad_address: float = 0.0
    retry: float = 0.0
    unknown: float = 0.0
    """The connection drops, before the receiver accepted or after."""


NONE = Faults()


def draw(rng: Random) -> Faults:
    """A mix: each fault is absent in half of the mixes, else between rare and common."""

    def likely(most: float) -> float:
        return rng.choice((0.0, 0.0, 0.1, 0.3, 1.0, 1.0)) * most

    return Faults(
        crash=likely(0.015),
        fail=likely(0.01),
        between=likely(0.03),
        lost_call=likely(0.3),
        power_cut=likely(0.06),
        second_worker=likely(0.05),
        clock_jump=likely(0.05),
        slow=likely(0.5),
        reject=likely(0.2),
        bad_address=likely(0.1),
        retry=likely(0.3),
        unknown=likely(0.3),
    )


def guard(port: Port, name: str, point: Point) -> Port:
    """The port, as this process has it."""
    return cast(Port, _Guarded(port, name, point))


class _Guarded:
    def __init__(self, port: object, name: str, point: Point) -> None:
        self._port = port
        self._name = name
        self._point = point

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if not callable(found):
            return found
        what = f"{self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            self._point(what, False)
            result = found(*args, **kwargs)
            if isinstance(result, AbstractContextManager):
                return self._transaction(result, what)
            self._point(what, True)
            return result

        return call

    @contextmanager
    def _transaction(self, manager: AbstractContextManager[Any], what: str) -> Iterator[Any]:
        """A crash inside rolls back; one after the end does not."""
        with manager as inside:
            yield guard(inside, what, self._point)
            self._point(f"{what}.end", False)
        self._point(f"{what}.end", True)
