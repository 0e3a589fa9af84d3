"""Lift: how much more people did who could get messages than people held out, with an interval that means what it says.

People are the units: each was assigned once, by a hash, and counts once, however many runs there were. Pure sums in,
numbers out, so that nothing is kept of anybody.

- A rate: Wilson's score interval. E. B. Wilson, JASA 22 (1927) 209-212.
- The difference of two rates: the hybrid of two Wilson intervals, method 10 of R. G. Newcombe, Statistics in Medicine
  17 (1998) 873-890. Their ratio: the same limits put together by MOVER-R, A. Donner and G. Y. Zou, Statistical Methods
  in Medical Research 21 (2012) 347-359.
- A mean of amounts: t on the scale of the logarithm (delta method), since most people spend nothing and some a lot,
  which a plain t takes for symmetric; its freedom is that of those who spent anything. Difference and ratio of two
  means: put together from these limits likewise (G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008) 1693-1702).

Intervals hold for one look at an end that was chosen before; whoever looks every day and stops at the first good news
finds more than there is.
"""

import math
from statistics import NormalDist

from msgspec import Struct

LEVEL = 0.95
FEWEST_PEOPLE = 30
"""In each of the two groups, for anything to be said."""
FEWEST_REACHED = 5
"""People of both groups together who reached the goal, and who did not."""
FEWEST_PAYING = 100
"""In each of the two groups, for revenue: with fewer, and a few who spend most of it, intervals of 95 % hold 92 %."""
_Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


class Interval(Struct, frozen=True):
    value: float
    low: float
    high: float


class Rate(Struct, frozen=True):
    """So many of so many people."""

    reached: int
    people: int

    @property
    def value(self) -> float:
        return self.reached / self.people if self.people else 0.0


class Amounts(Struct, frozen=True):
    """What people spent, each counted once, those who spent nothing included."""

    people: int
    paying: int
    """With anything but 0."""
    total: float
    squares: float
    """The sum of each person's amount squared."""

    @property
    def mean(self) -> float:
        return self.total / self.people if self.people else 0.0

    @property
    def variance(self) -> float:
        """Of one person, without bias."""
        if self.people < 2:
            return 0.0
        return max(0.0, (self.squares - self.total * self.mean) / (self.people - 1))


class Compared(Struct, frozen=True):
    """Difference and ratio with their intervals; `why_not` where there is too little to say so. A ratio is None where
    the people held out did nothing."""

    difference: Interval | None
    ratio: Interval | None
    why_not: str = ""

    @property
    def verdict(self) -> str:
        """`more`, `less`, `not told apart`, or `too few`."""
        if self.difference is None:
            return "too few"
        if self.difference.low > 0:
            return "more"
        return "less" if self.difference.high < 0 else "not told apart"


# ---- rates -----------------------------------------------------------------------------------------------------------


def wilson(rate: Rate) -> Interval:
    """The score interval of one rate; 0 to 1 where there is nobody."""
    n, p = rate.people, rate.value
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    # At 0 and 1 the formula gives the bound itself but for rounding.
    low = 0.0 if rate.reached == 0 else max(0.0, middle - half)
    high = 1.0 if rate.reached == n else min(1.0, middle + half)
    return Interval(p, low, high)


def compare_rates(treated: Rate, held_out: Rate) -> Compared:
    """What share of people reached the goal, against those held out."""
    if min(treated.people, held_out.people) < FEWEST_PEOPLE:
        return _too_few(f"{_fewer(treated.people, held_out.people)}; {FEWEST_PEOPLE} in each group are needed")
    reached = treated.reached + held_out.reached
    others = treated.people + held_out.people - reached
    if min(reached, others) < FEWEST_REACHED:
        what = "reached the goal" if reached <= others else "did not reach the goal"
        return _too_few(f"{min(reached, others)} people {what}; {FEWEST_REACHED} are needed")
    one, other = wilson(treated), wilson(held_out)
    return Compared(Interval(*_difference(one, other)), _ratio(one, other))


def _ratio(one: Interval, other: Interval) -> Interval | None:
    """MOVER-R on two Wilson intervals."""
    if other.value == 0:
        return None
    product = one.value * other.value
    low_under = product**2 - one.low * other.high * (2 * one.value - one.low) * (2 * other.value - other.high)
    high_under = product**2 - one.high * other.low * (2 * one.value - one.high) * (2 * other.value - other.low)
    low_by = other.high * (2 * other.value - other.high)
    high_by = other.low * (2 * other.value - other.low)
    low = (product - math.sqrt(max(0.0, low_under))) / low_by if low_by else 0.0
    high = (product + math.sqrt(max(0.0, high_under))) / high_by if high_by else math.inf
    return Interval(one.value / other.value, max(0.0, low), high)


# ---- amounts ---------------------------------------------------------------------------------------------------------


def compare_amounts(treated: Amounts, held_out: Amounts) -> Compared:
    """What one person spent on average, against those held out."""
    if min(treated.people, held_out.people) < FEWEST_PEOPLE:
        return _too_few(f"{_fewer(treated.people, held_out.people)}; {FEWEST_PEOPLE} in each group are needed")
    if min(treated.paying, held_out.paying) < FEWEST_PAYING:
        least = min(treated.paying, held_out.paying)
        return _too_few(f"{least} people of one group spent anything; {FEWEST_PAYING} in each are needed")
    one, other = _mean(treated), _mean(held_out)
    if one is None or other is None:
        return _too_few("amounts below zero outweigh the others")
    difference, low, high = _difference(one, other)
    over = one.value / other.value
    below = math.hypot(math.log(one.value / one.low), math.log(other.high / other.value))
    above = math.hypot(math.log(one.high / one.value), math.log(other.value / other.low))
    return Compared(Interval(difference, low, high), Interval(over, over * math.exp(-below), over * math.exp(above)))


def _mean(amounts: Amounts) -> Interval | None:
    """The mean of one group, on the scale of the logarithm; None where it is not above zero."""
    if amounts.mean <= 0:
        return None
    from scipy.special import stdtrit  # Here, since the console would start with it and rarely needs it.

    error = math.sqrt(amounts.variance / amounts.people) / amounts.mean
    half = float(stdtrit(amounts.paying - 1, 0.5 + LEVEL / 2)) * error
    return Interval(amounts.mean, amounts.mean * math.exp(-half), amounts.mean * math.exp(half))


def _difference(one: Interval, other: Interval) -> tuple[float, float, float]:
    """Of two values with their intervals: value and limits."""
    value = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return value, value - below, value + above


def _fewer(treated: int, held_out: int) -> str:
    return f"{held_out} people held out" if held_out <= treated else f"{treated} people not held out"


def _too_few(why_not: str) -> Compared:
    return Compared(None, None, why_not)
