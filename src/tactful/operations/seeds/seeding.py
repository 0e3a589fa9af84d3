"""Seeding: what new aggregates would have counted, from the history, while events flow (kernel/seeding.py).

Every partition says at which position it began to count an aggregate. When all have begun, and the history goes up to
there, its events up to these positions are folded by the very functions that fold live (seed_counting.py), into states
by fragment; they become a file, and a record that names it. Whoever dies in between leaves at most a file that nobody
names: the next one begins anew, and of two records that say the same the second changes nothing.
"""

import logging
from collections.abc import Sequence

from msgspec import Struct

from tactful.events.records import Seed, encode
from tactful.kernel.state import PlanState, decode_partition
from tactful.operations.backtesting.crew import Alone, Crew
from tactful.operations.history.opened import History
from tactful.operations.seeds.seed_counting import Rows, Wanted, count_all
from tactful.runtime.house import House
from tactful.values import DAY_US, SECOND_US

KEPT_US = 30 * DAY_US
"""So long a file is kept that no plan in force names: a log that is read again may name it."""
_logger = logging.getLogger("tactful.seeding")


class Seeded(Struct, frozen=True):
    """What was done: the record stands in partition 0 at `position`."""

    wanted: Wanted
    digest: str
    fragments: int
    events: int
    position: int


# ---- what is wanted --------------------------------------------------------------------------------------------------


def wanted(plans: Sequence[PlanState | None], clocks: Sequence[int]) -> list[Wanted]:
    """Of the plans in force in all partitions, at their clocks: what all count and some cannot answer yet."""
    known = [plan for plan in plans if plan is not None]
    if not known or len(known) < len(plans):
        return []
    found: dict[tuple[int, ...], list[int]] = {}
    for number in sorted(known[0].begun):
        if all(number in plan.begun for plan in known) and _is_warming(number, known, clocks):
            found.setdefault(tuple(plan.begun[number][0] for plan in known), []).append(number)
    return [
        Wanted(tuple(numbers), barriers, min(plan.begun[number][1] for plan in known for number in numbers))
        for barriers, numbers in found.items()
    ]


def _is_warming(number: int, plans: Sequence[PlanState], clocks: Sequence[int]) -> bool:
    return any(plan.ready[number] > clock for plan, clock in zip(plans, clocks, strict=True))


# ---- done ------------------------------------------------------------------------------------------------------------


class Seeder:
    """Seeds what a house waits for; `told` is remembered, so that nobody counts again what has been put on the log."""

    def __init__(self, house: House, history: History, crew: Crew | None = None) -> None:
        self._house = house
        self._history = history
        self._crew = crew or Alone()
        self._told: set[tuple[int, tuple[int, ...]]] = set()

    def waiting(self) -> list[Wanted]:
        """What is to be done now."""
        house = self._house
        plans = [house.plan(partition) for partition in range(house.log.partitions)]
        if None in plans:
            return []
        heads = [store.checkpoint().partition_state for store in house.stores()]
        found = wanted(plans, [decode_partition(head).clock if head else 0 for head in heads])
        return [one for one in found if any((number, one.barriers) not in self._told for number in one.numbers)]

    def turn(self) -> list[Seeded]:
        """Everything that waits and of which the history has all. Raises TransientError where the world fails."""
        done = []
        for one in self.waiting():
            seeded = self._seed(one)
            if seeded is not None:
                done.append(seeded)
        if done:
            self.tidy()
        return done

    def _seed(self, one: Wanted) -> Seeded | None:
        house = self._house
        known = house.plan(0)
        if known is None or any(number not in known.begun for number in one.numbers):
            return None  # Another plan has come meanwhile.
        with self._history.open() as opened:
            if any(opened.positions.get(partition, 0) < upto for partition, upto in enumerate(one.barriers)):
                return None  # The trail is behind its partition.
            rows = Rows(count_all(known, one, opened.session, self._crew))
            digest = house.seeds.write(rows)
        seed = Seed(house.clock.now_us(), digest, one.numbers, one.barriers, since_us=one.since_us)
        position = house.log.append({0: [encode(seed)]})[0]
        house.bells.ring("work-0")
        self._told |= {(number, one.barriers) for number in one.numbers}
        _logger.info("seeded %d aggregate(s) from %d events: %s", len(one.numbers), rows.events, digest)
        return Seeded(one, digest, rows.fragments, rows.events, position)

    def next_turn(self) -> int | None:
        """Soon, where something waits for a trail or for a partition; else when somebody rings."""
        return self._house.clock.now_us() + SECOND_US if self.waiting() else None

    def tidy(self) -> int:
        """Remove files that nothing needs any more."""
        house = self._house
        plans = [plan for partition in range(house.log.partitions) if (plan := house.plan(partition)) is not None]
        keep = {one.digest for plan in plans for one in plan.seeds}
        return house.seeds.forget(keep, house.clock.now_us() - KEPT_US)
