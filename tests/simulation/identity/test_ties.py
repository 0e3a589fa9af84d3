"""Who is who under any order of calls, merges, un-merges and deliveries between partitions, against the oracle."""

import pytest

from tests.simulation.identity.cluster import Cluster

PARTITIONS = (1, 1, 2, 3, 5)


def play(seed: int, steps: int = 100) -> Cluster:
    cluster = Cluster(seed, PARTITIONS[seed % len(PARTITIONS)])
    try:
        for number in range(steps):
            cluster.act()
            if number % 40 == 39:
                cluster.check_at_rest()
        cluster.now += 30 * 3_600_000_000
        cluster.check_at_rest()
        cluster.check_replay((1, 2, 7, 1000)[seed % 4])
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return cluster


KEPT = (2, 3, 8, 18, 22, 25, 1251)
"""Seeds that once found a bug."""


@pytest.mark.parametrize("seed", sorted({*range(16), *KEPT}))
def test_the_engine_and_the_oracle_agree_on_who_is_who(seed: int) -> None:
    play(seed)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(1000, 2000, 50))
def test_they_agree_for_a_hundred_thousand_steps(begin: int) -> None:
    for seed in range(begin, begin + 50):
        play(seed)
