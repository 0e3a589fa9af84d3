"""What a report says of a world beside what is true of it."""

import math
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from tactful.operations.journeys.measuring import Group
from tactful.operations.lift import Compared
from tactful.shoppers.people import Town
from tests.shoppers.installation import Installation

Z95 = 1.959964


class World(Struct, frozen=True):
    """One journey in one world: groups by arm, what the report compares, and the truth as the shoppers print it."""

    groups: dict[str, Group]
    conversion: Compared | None
    revenue: Compared | None
    truth: dict[str, Any]


def live(files: dict[str, str], town: Town, days: float) -> dict[str, World]:
    """By journey."""
    installation = Installation(files, town)
    until = installation.live(days)
    told = installation.truth(until)["journeys"]
    found = {}
    for name in told:
        total = installation.measure(name, until).total
        found[name] = World(total.groups, total.conversion, total.revenue_per_person, told[name])
    installation.close()
    return found


def held_out(files: dict[str, str], share: str) -> dict[str, str]:
    return {name: text.replace("holdout: 40%", f"holdout: {share}") for name, text in files.items()}


class Agreement(Struct, frozen=True):
    """Of intervals with the truth: how many hold it, how many there are, and how far off all of them are together, in
    standard errors."""

    covered: int
    of: int
    off: float


def agreement(pairs: Iterable[tuple[Compared | None, float]]) -> Agreement:
    """Of what was measured and what is true, where enough was measured to say something."""
    covered, of, sum_, variance = 0, 0, 0.0, 0.0
    for compared, true in pairs:
        if compared is None or compared.difference is None:
            continue
        value, low, high = compared.difference.value, compared.difference.low, compared.difference.high
        error = (high - low) / 2 / Z95
        of += 1
        covered += low <= true <= high
        # Not each by its own error: where few spent little the error is small as well, and would count for more.
        sum_ += value - true
        variance += error**2
    return Agreement(covered, of, sum_ / math.sqrt(variance) if variance else 0.0)
