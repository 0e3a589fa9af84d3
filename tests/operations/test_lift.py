"""Intervals: worked examples from the papers, and seeded simulations of what 95 % means."""

import math

import numpy as np
import pytest

from tactful.operations import lift
from tactful.operations.lift import Amounts, Compared, Rate, compare_amounts, compare_rates, wilson

ROUNDS = 4_000
NOISE = 3 * math.sqrt(0.05 * 0.95 / ROUNDS)
"""Three standard errors of a share of 95 % in so many rounds: about one point."""


def test_wilson_as_published() -> None:
    """Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (reached, people), limits in published.items():
        found = wilson(Rate(reached, people))
        assert (round(found.low, 4), round(found.high, 4)) == limits


def test_the_difference_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10."""
    monkeypatch.setattr(lift, "FEWEST_PEOPLE", 1)
    monkeypatch.setattr(lift, "FEWEST_REACHED", 0)
    published = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (5, 56, 0, 29): (-0.0381, 0.1926),
        (10, 10, 0, 20): (0.6791, 1.0),
    }
    for (one, of_one, other, of_other), limits in published.items():
        found = compare_rates(Rate(one, of_one), Rate(other, of_other)).difference
        assert found is not None
        assert (round(found.low, 4), round(found.high, 4)) == limits


def missed(found: list[tuple[Compared, float, float]]) -> tuple[float, float]:
    """Shares of intervals that do not hold the true difference, and the true ratio."""
    differences = [compared.difference for compared, _, _ in found]
    assert all(differences), "nothing is left out: what is looked at afterwards is no fair draw"
    of_difference = sum(
        not one.low <= true <= one.high for one, (_, true, _) in zip(differences, found, strict=True) if one
    )
    ratios = [(compared.ratio, true) for compared, _, true in found if compared.ratio is not None]
    of_ratio = sum(not one.low <= true <= one.high for one, true in ratios)
    return of_difference / len(found), of_ratio / len(ratios)


@pytest.mark.parametrize(
    ("people", "held_out", "rate", "rate_held_out"),
    [
        (9_000, 1_000, 0.10, 0.10),
        (9_000, 1_000, 0.05, 0.04),
        (900, 100, 0.20, 0.20),
        (900, 100, 0.35, 0.25),
        (90_000, 10_000, 0.005, 0.004),
        (5_000, 5_000, 0.05, 0.05),
        (190, 60, 0.5, 0.5),
    ],
)
def test_intervals_of_conversion_hold_the_truth_95_times_of_100(
    people: int, held_out: int, rate: float, rate_held_out: float
) -> None:
    rng = np.random.default_rng(5)
    one, other = rng.binomial(people, rate, ROUNDS), rng.binomial(held_out, rate_held_out, ROUNDS)
    found = [
        (compare_rates(Rate(int(a), people), Rate(int(b), held_out)), rate - rate_held_out, rate / rate_held_out)
        for a, b in zip(one, other, strict=True)
    ]
    for share in missed(found):
        assert abs(share - 0.05) <= 0.01 + NOISE / 3


def test_with_no_effect_one_in_twenty_is_told_apart() -> None:
    rng = np.random.default_rng(7)
    verdicts = [
        compare_rates(Rate(int(a), 9_000), Rate(int(b), 1_000)).verdict
        for a, b in zip(rng.binomial(9_000, 0.1, ROUNDS), rng.binomial(1_000, 0.1, ROUNDS), strict=True)
    ]
    assert abs(verdicts.count("not told apart") / ROUNDS - 0.95) <= NOISE
    assert abs(verdicts.count("more") - verdicts.count("less")) / ROUNDS <= 0.015


def spent(rng: np.random.Generator, people: int, share: float, sigma: float) -> Amounts:
    """Most people nothing, the others by a lognormal: a few of them a lot."""
    paying = int(rng.binomial(people, share))
    amounts = np.exp(rng.normal(3, sigma, paying))
    return Amounts(people, paying, float(amounts.sum()), float((amounts**2).sum()))


@pytest.mark.parametrize(
    ("people", "held_out", "share", "share_held_out", "sigma", "within"),
    [
        (9_000, 1_000, 0.20, 0.20, 0.5, 0.01),
        (5_000, 5_000, 0.05, 0.05, 1.0, 0.01),
        (45_000, 5_000, 0.05, 0.04, 1.0, 0.015),
        (9_000, 2_000, 0.12, 0.10, 0.8, 0.015),
    ],
)
def test_intervals_of_revenue_hold_the_truth_about_95_times_of_100(
    people: int, held_out: int, share: float, share_held_out: float, sigma: float, within: float
) -> None:
    rng = np.random.default_rng(11)
    mean = math.exp(3 + sigma**2 / 2)
    found = [
        (
            compare_amounts(spent(rng, people, share, sigma), spent(rng, held_out, share_held_out, sigma)),
            mean * (share - share_held_out),
            share / share_held_out,
        )
        for _ in range(ROUNDS)
    ]
    for missing in missed(found):
        assert abs(missing - 0.05) <= within + NOISE / 3


@pytest.mark.parametrize(
    ("treated", "held_out", "why"),
    [
        (Rate(10, 1_000), Rate(2, 29), "29 people held out; 30 in each group are needed"),
        (Rate(2, 29), Rate(10, 1_000), "29 people not held out; 30 in each group are needed"),
        (Rate(4, 1_000), Rate(0, 100), "4 people reached the goal; 5 are needed"),
        (Rate(998, 1_000), Rate(98, 100), "4 people did not reach the goal; 5 are needed"),
        (Rate(0, 0), Rate(0, 0), "0 people held out; 30 in each group are needed"),
    ],
)
def test_too_few_to_say_is_said(treated: Rate, held_out: Rate, why: str) -> None:
    found = compare_rates(treated, held_out)
    assert (found.verdict, found.difference, found.ratio, found.why_not) == ("too few", None, None, why)


def test_too_few_who_pay_is_said() -> None:
    many, few = Amounts(9_000, 900, 9_000.0, 90_000.0), Amounts(1_000, 99, 990.0, 9_900.0)
    assert compare_amounts(many, few).why_not == "99 people of one group spent anything; 100 in each are needed"
    assert compare_amounts(many, Amounts(20, 20, 1.0, 1.0)).verdict == "too few"
    assert compare_amounts(many, Amounts(1_000, 100, -5.0, 9_900.0)).why_not == "amounts below zero outweigh the others"


def test_an_effect_is_told_with_its_direction() -> None:
    assert compare_rates(Rate(2_000, 9_000), Rate(100, 1_000)).verdict == "more"
    assert compare_rates(Rate(500, 9_000), Rate(200, 1_000)).verdict == "less"
    none_held_out = compare_rates(Rate(900, 9_000), Rate(0, 1_000))
    assert (none_held_out.verdict, none_held_out.ratio) == ("more", None)
