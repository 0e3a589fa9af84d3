"""Live, SQL and the naive oracle agree on random histories, expressions and instants (I5).

Half of an expression's worth is what it is asked of: `batches.py` draws both from one number. `python -m tests.parity
SEED` shows what differs in a batch.
"""

from collections import Counter
from random import Random

import pytest

from tests.parity.__main__ import show
from tests.parity.batches import ENGINES, Batch, Size, accepted, batch, is_accepted
from tests.parity.coverage import CONSTRUCTS, found
from tests.parity.expressions import Writer
from tests.parity.histories import PURPOSES, SCORES
from tests.parity.projects import project

SIZE = Size(50, 190, 5)
SEEDS = range(4)
LONG_SIZE = Size(50, 380, 14)
LONG_SEEDS = range(100, 160)


def _report(drawn: Batch) -> str:
    """Empty where all agree."""
    return show(drawn, ENGINES, 3)


class Batches:
    """Drawn one after the other, so that each adds what those before it lack."""

    def __init__(self) -> None:
        self.covered: Counter[str] = Counter()
        self.drawn = [batch(seed, SIZE, self.covered) for seed in SEEDS]


@pytest.fixture(scope="module")
def batches() -> Batches:
    return Batches()


@pytest.mark.parametrize("seed", SEEDS)
def test_live_sql_and_the_oracle_agree(batches: Batches, seed: int) -> None:
    report = _report(batches.drawn[seed])
    assert not report, report


def test_every_construct_and_option_occurs_and_nearly_every_construct_within_another(batches: Batches) -> None:
    assert set(batches.covered) >= CONSTRUCTS, CONSTRUCTS - set(batches.covered)
    known: set[str] = set()
    for seed in SEEDS:
        random = Random(seed)
        writer = Writer(random, project(random), SCORES, PURPOSES)
        known |= {mark for _ in range(500) for mark in found(writer.expression()) if ": " in mark}
    share = len(known & set(batches.covered)) / len(known)
    print(f"{len(CONSTRUCTS)} constructs and options, {share:.0%} of {len(known)} pairs")
    assert share > 0.9, sorted(known - set(batches.covered))


def test_little_that_is_written_is_refused() -> None:
    """Else the language would have grown a rule that the generator does not know, and would be tested less."""
    random = Random(1)
    made = next(made for made in iter(lambda: project(random), None) if is_accepted(made))
    writer = Writer(random, made, SCORES, PURPOSES)
    texts = list(dict.fromkeys(writer.expression() for _ in range(500)))
    assert len(accepted(made, texts)) > 0.97 * len(texts)


@pytest.mark.long
@pytest.mark.parametrize("seed", LONG_SEEDS)
def test_many_more(seed: int) -> None:
    report = _report(batch(seed, LONG_SIZE))
    assert not report, report
