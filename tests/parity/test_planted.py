"""Bugs that we might have made, planted one at a time: the parity test must see each within a few small batches."""

from functools import cache

import pytest

from tests.parity.batches import ENGINES, Batch, Size, batch, differences
from tests.parity.planted import Patch, Planted
from tests.parity.planted_live import live
from tests.parity.planted_sql import sql

PLANTED = [*live.bugs, *sql.bugs]
SOME = [
    pytest.param(bug, id=bug.plant.__name__, marks=[pytest.mark.long] if place % 3 else [])
    for place, bug in enumerate(PLANTED)
]
"""Every third one in each run, all in the long ones."""
SIZES = {"live": Size(12, 60, 20), "sql": Size(10, 80, 6)}
MOST_BATCHES = 8


@cache
def sharp(seed: int, engine: str, about: tuple[str, ...]) -> Batch:
    return batch(seed, SIZES[engine], about=about)


def differs(bug: Planted, seed: int) -> bool:
    drawn = sharp(seed, bug.engine, bug.about)
    return next(differences(drawn, {bug.engine: ENGINES[bug.engine]}), None) is not None


@pytest.mark.parametrize("bug", SOME)
def test_a_planted_bug_is_caught(bug: Planted, monkeypatch: Patch) -> None:
    sharp(0, bug.engine, bug.about)  # Drawn before anything is wrong.
    bug.plant(monkeypatch)
    assert any(differs(bug, seed) for seed in range(MOST_BATCHES))


@pytest.mark.long
@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.plant.__name__)
def test_nothing_is_caught_where_nothing_is_planted(bug: Planted) -> None:
    assert not any(differs(bug, seed) for seed in range(MOST_BATCHES))
