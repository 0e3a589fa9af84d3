"""The port to many processes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Crew(Protocol):
    """Processes that do the same with many things; all cores of the machine."""

    def each(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
        """What the work makes of each item, as it gets done. They are begun in their order: where the longest come
        first, all cores are busy to the end. `work` is a function of a module. Raises TransientError where a process
        was killed, and what the work raises."""
        ...


class Alone:
    """A crew of this process alone."""

    def each(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
        return map(work, items)
