"""What a planted bug is: a change of one function of the engine, and the histories that catch it."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

Patch = pytest.MonkeyPatch


class Planted(NamedTuple):
    plant: Callable[[Patch], None]
    scene: str
    """plain, tied, gated: which histories are asked; `cases`: those that are written by hand."""
    seed: int
    """The history that catches it."""


PLANTED: list[Planted] = []


def bug(scene: str, seed: int) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    def planted(plant: Callable[[Patch], None]) -> Callable[[Patch], None]:
        PLANTED.append(Planted(plant, scene, seed))
        return plant

    return planted
