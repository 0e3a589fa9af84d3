"""The lift that a journey's report gives holds the shoppers' true effect as often as it says, over fifty worlds."""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from tactful.shoppers.people import Town
from tests.shoppers.projects import FILES
from tests.shoppers.worlds import World, agreement, held_out, live

SEEDS = 50


def world_of(seed: int) -> dict[str, World]:
    return live(
        held_out(FILES, "50%"),
        Town(seed=100 + seed, people=800, effect=0.7, willing=0.9, buys=0.6, visits_per_week=6),
        7,
    )


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_intervals_hold_the_truth_at_their_rate() -> None:
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        worlds = [world for found in pool.map(world_of, range(SEEDS)) for world in found.values()]
    conversion = [(world.conversion, world.truth["conversionAssigned"]["effect"]) for world in worlds]
    revenue = [(world.revenue, world.truth["revenueAssigned"]["effect"]) for world in worlds]
    for pairs in (conversion, revenue):
        said = agreement(pairs)
        # Of 100 intervals of 95 %, 88 or fewer hold the truth in less than one run of 200.
        assert said.of >= SEEDS
        assert said.covered / said.of > 0.88, said
        assert abs(said.off) < 3.5, said
    # A truth that is off is noticed: mails that did half as much again, half as much, or nothing. What people spend varies
    # too much for that.
    for factor, least in ((1.5, 3.0), (0.5, 3.0), (0.0, 5.0)):
        off = agreement((compared, true * factor) for compared, true in conversion).off
        assert abs(off) > least, (factor, off)
