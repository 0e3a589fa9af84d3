"""Random journeys over random histories, driven by hand: every row and every answer of the gate is the oracle's."""

from collections import Counter

import pytest

from tests.simulation.journeys.chances import SHARE, counted
from tests.simulation.journeys.scenes import LOOSE, PLAIN, TIED, TIGHT, demand, gated, gated_play_of, play_of, walked


def plain(seed: int) -> None:
    demand(seed, walked(seed, PLAIN), lambda fewer: play_of(fewer, is_away=seed % 3 == 2))


def tied(seed: int) -> None:
    demand(seed, walked(seed, TIED), lambda fewer: play_of(fewer, is_away=seed % 3 == 2))


def through_the_gate(seed: int) -> None:
    sending = LOOSE if seed % 4 == 3 else TIGHT
    demand(seed, gated(seed, sending), lambda fewer: gated_play_of(fewer, sending))


@pytest.mark.parametrize("seed", range(14))
def test_runs_go_as_the_page_says(seed: int) -> None:
    plain(seed)


@pytest.mark.parametrize("seed", range(10))
def test_runs_of_people_who_become_one_and_part(seed: int) -> None:
    tied(seed)


@pytest.mark.parametrize("seed", range(10))
def test_the_gate_answers_as_the_page_says(seed: int) -> None:
    through_the_gate(seed)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(10_000, 11_000, 50))
def test_thousands_of_runs_go_as_the_page_says(begin: int) -> None:
    for seed in range(begin, begin + 50):
        (plain, tied, through_the_gate)[seed % 3](seed)


def test_everything_happens_in_these_histories() -> None:
    """What never comes up is not compared."""
    rows: Counter[str] = Counter()
    for seed in range(40):
        for told in walked(seed, PLAIN).rows().values():
            rows.update(
                f"{row[1]} {row[6] if row[1] == 'step' else row[5] if row[1] == 'ended' else ''}" for row in told
            )
    wanted = (
        *("started ", "send ", "goal "),
        *(f"step {what}" for what in ("wait", "came", "over", "branch", "split", "set", "withheld")),
        *("ended too late", "ended came first", "ended restarted", "ended again", "ended limit", "ended group"),
        *("ended gave way", "ended no longer true", "ended unless", "ended edited", "ended finished"),
        *("ended steering: pause", "ended steering: drain", "ended steering: stop"),
    )
    assert [one for one in wanted if not rows[one]] == []


def test_chance_is_in_proportion_and_stays_the_same() -> None:
    """Of a journey's holdout and of a split, by identifiers; the same for the same identifier."""
    arms, splits, again = counted()
    assert abs(arms["holdout"] / sum(arms.values()) - SHARE / 100) < 0.04
    assert abs(splits["bold"] / sum(splits.values()) - 0.9) < 0.04
    assert again == (arms, splits)
