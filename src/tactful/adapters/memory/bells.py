"""Bells in memory: between threads, or for a simulator that asks `is_rung` instead of waiting."""

from threading import Condition


class MemoryBell:
    """The port `Bell`."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._is_rung = False

    def ring(self) -> None:
        with self._changed:
            self._is_rung = True
            self._changed.notify_all()

    def wait(self, timeout_s: float | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_rung, timeout_s)
            self._is_rung = False

    def is_rung(self) -> bool:
        """Whether the next wait returns at once."""
        return self._is_rung

    def silence(self) -> None:
        self._is_rung = False

    def close(self) -> None:
        """Rings to a closed bell are heard by nobody, as ever."""


class MemoryBells:
    """The port `Bells`."""

    def __init__(self) -> None:
        self._bells: dict[str, MemoryBell] = {}

    def ring(self, name: str) -> None:
        if name in self._bells:
            self._bells[name].ring()

    def bell(self, *names: str) -> MemoryBell:
        bell = MemoryBell()
        self._bells.update(dict.fromkeys(names, bell))
        return bell

    def close(self) -> None:
        self._bells.clear()
