"""What a planted bug is: how to plant it, and which expressions ought to show it."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


class Planted(NamedTuple):
    engine: str
    about: tuple[str, ...]
    """Constructs of which the expressions have at least one."""
    plant: Plant


class Garden:
    """Bugs of one engine, in the order in which they stand in their file."""

    def __init__(self, engine: str) -> None:
        self.bugs: list[Planted] = []
        self._engine = engine

    def __call__(self, *about: str) -> Callable[[Plant], Plant]:
        def register(plant: Plant) -> Plant:
            self.bugs.append(Planted(self._engine, about, plant))
            return plant

        return register
