"""Arrays: columns of numbers, found in one another by sorting, and identifiers resolved to whom they belong now."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tactful.operations.journeys.tallies import Tallies

Whole = NDArray[np.int64]
Hashes = NDArray[np.uint64]
HOPS = 16
"""So often an identifier is followed to whom it came."""


def array(values: Sequence[int]) -> Whole:
    return np.asarray(values).astype(np.int64, copy=False)


def hashes(values: Sequence[int]) -> Hashes:
    return np.asarray(values, np.uint64)


def of_version(versions: Whole, number: int | None) -> NDArray[np.bool_]:
    return np.ones(len(versions), np.bool_) if number is None else versions == number


def joined(wanted: Hashes, known: Hashes) -> tuple[Whole, Whole]:
    """Which of `wanted` stand in the sorted `known`, and where."""
    if not len(known):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    rows = np.flatnonzero(known[at] == wanted)
    return rows, at[rows]


def owners(tallies: Tallies) -> tuple[Hashes, Hashes]:
    """Sorted identifiers that came to somebody, and to whom the last time."""
    giver, taker, at = hashes(tallies.came_giver), hashes(tallies.came_taker), array(tallies.came_at)
    order = np.lexsort((at, giver))
    giver, taker = giver[order], taker[order]
    is_last = np.ones(len(giver), np.bool_)
    is_last[:-1] = giver[1:] != giver[:-1]
    return giver[is_last], taker[is_last]


def resolved(people: Hashes, giver: Hashes, taker: Hashes) -> Hashes:
    """Who each of them is now."""
    found = people.copy()
    for _ in range(HOPS):
        rows, at = joined(found, giver)
        moved = rows[taker[at] != found[rows]]
        if not len(moved):
            break
        found[rows] = taker[at]
    return found
