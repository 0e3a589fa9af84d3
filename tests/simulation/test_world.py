"""The production loops under drawn faults, against the oracle; then the faults end, and everything must come to rest.

Again and again: faults, rest, faults. A failure names its seed, the mix of faults, and what happened.
"""

import pytest

from tactful.events.records import Outcome
from tactful.testing import NONE, Faults
from tests.simulation.drama import Drama, Scene
from tests.simulation.stage import played

KEPT = (4, 5, 48, 83, 117, 140, 146, 171, 259, 268)
"""Seeds that once found a bug."""


def play(seed: int, scene: Scene | None = None) -> Drama:
    return played(Drama(seed, scene))


@pytest.mark.parametrize("seed", [*KEPT, *range(4)])
def test_i1_i2_i3_i4_i6_i7_whatever_fails(seed: int) -> None:
    play(seed)


@pytest.mark.long
@pytest.mark.parametrize("begin", [6, *range(1000, 1400, 50)])
def test_i1_i2_i3_i4_i6_i7_whatever_fails_thousands_of_times(begin: int) -> None:
    for seed in range(begin, begin + 50):
        play(seed, Scene(rounds=4 + seed % 9, people=1 + seed % 6))


def test_the_same_seed_is_the_same_story() -> None:
    assert play(7).world.story == play(7).world.story


def test_without_faults_everything_is_sent_or_refused_with_a_reason() -> None:
    """So that a simulation in which nothing happens cannot pass for a good one."""
    drama = Drama(11)
    drama.faults = NONE
    played(drama)
    statuses = {row.status for row in drama.rows()}
    assert "sent" in statuses and "refused" in statuses
    assert statuses <= {"sent", "refused", "lapsed", "dropped"}
    assert all(row.reason for row in drama.rows())


def test_the_faults_do_strike() -> None:
    drama = Drama(1)
    drama.faults = Faults(crash=0.01, fail=0.01, lost_call=0.2, power_cut=0.1, second_worker=0.1, unknown=0.9, slow=0.3)
    played(drama)
    story = "\n".join(drama.world.story)
    for word in ("dies before", "dies after", "fails at", "loses its answer", "power cut", "has a second"):
        assert word in story, word
    outcomes = {record.status for records in drama.records for record in records if isinstance(record, Outcome)}
    assert {"held", "sent"} <= outcomes
