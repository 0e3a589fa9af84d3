"""States and history say the same (I5) whatever fails: workers, the archiver, the power, the world."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tactful.adapters.memory import lake
from tactful.history import producer
from tactful.history.cells import IdentityRow, Item
from tactful.runtime import decided
from tests.simulation.identity.archived import Archived
from tests.simulation.identity.drama import Scene
from tests.simulation.stage import Broken, played

Patch = pytest.MonkeyPatch


def play(seed: int, scene: Scene | None = None) -> Archived:
    return played(Archived(seed, scene))


@pytest.mark.parametrize("seed", [4])
def test_what_states_say_is_what_the_history_says(seed: int) -> None:
    play(seed, Scene(rounds=2))


@pytest.mark.long
@pytest.mark.parametrize("begin", range(2000, 2200, 20))
def test_what_states_say_is_what_the_history_says_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 20):
        play(seed, Scene(rounds=3 + seed % 5, actions=4 + seed % 7, imported=0.1 * (seed % 3)))


def two_archivers_append_the_same(patch: Patch) -> None:
    patch.setattr(lake, "behind", lambda *_: None)


def the_last_of_a_stretch_is_lost(patch: Patch) -> None:
    produce = producer.produce
    patch.setattr(decided, "produce", lambda *told: list(produce(*told))[:-1])


def ties_are_ordered_by_place(patch: Patch) -> None:
    """As if places of two partitions said which was first."""
    produce = producer.produce

    def unordered(*told: Any) -> Iterator[Item]:
        for item in produce(*told):
            if isinstance(item, IdentityRow):
                item.received_at, item.hop = 0, item.ref
            yield item

    patch.setattr(decided, "produce", unordered)


PLANTED = [
    (two_archivers_append_the_same, 104),
    (the_last_of_a_stretch_is_lost, 100),
    (ties_are_ordered_by_place, 100),
]
"""Each with a seed that finds it."""


@pytest.mark.parametrize(("plant", "seed"), PLANTED)
def test_what_is_planted_is_found(plant: Callable[[Patch], None], seed: int, monkeypatch: Patch) -> None:
    plant(monkeypatch)
    with pytest.raises(Broken):
        play(seed, Scene(rounds=2))
