"""Lost seeds: a file that a plan in force names is gone or damaged, and its partition stands still until it is back.

Where the history still has all that was counted, it is counted again, up to the very same barriers, and comes out the
same; nobody has to be asked. Where it does not (the lake began anew, or has lost files), what it still has can be
counted; somebody has to want that, since people whose states wait for it then have less than happened.
"""

import logging

from msgspec import Struct

from tactful.kernel.plan import compiled
from tactful.kernel.state import PlanState, SeedTaken
from tactful.language.sql.layout import EVENTS
from tactful.operations.backtesting.crew import Alone, Crew
from tactful.operations.history.opened import History, Opened
from tactful.operations.seeds.seed_counting import Counting, Rows, Wanted, count_all
from tactful.runtime.house import House

_logger = logging.getLogger("tactful.seeding")


class LostSeed(Struct, frozen=True):
    """`known` is the oldest plan in force that names it: later ones ask for no more of it."""

    taken: SeedTaken
    known: PlanState

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.taken.numbers, self.taken.barriers, self.taken.since_us)

    def definitions(self) -> list[str]:
        """Segments and metrics that are made of it."""
        plan, numbers = compiled(self.known), set(self.taken.numbers)
        asked = {f"segment {rule.name}": rule.condition.folds for rule in plan.segments}
        asked |= {f"metric {rule.name}": rule.valued.folds for rule in plan.metrics.values()}
        return sorted(name for name, folds in asked.items() if numbers & {fold.number for fold in folds})


def lost(house: House, *, is_thorough: bool = False) -> list[LostSeed]:
    """Every one that some partition may ask for; `is_thorough`: files that are there are read as well."""
    found: dict[str, LostSeed] = {}
    plans = [plan for partition in range(house.log.partitions) if (plan := house.plan(partition)) is not None]
    for plan in sorted(plans, key=lambda plan: plan.plan.version):
        for taken in plan.seeds:
            found.setdefault(taken.digest, LostSeed(taken, plan))
    seeds = house.seeds
    return [one for digest, one in sorted(found.items()) if not seeds.is_sound(digest, is_thorough=is_thorough)]


def lacks_until(one: LostSeed, opened: Opened) -> int | None:
    """Up to when the history has not all that was counted; None: it has all of it."""
    from_us = Counting(compiled(one.known), one.wanted).from_us()
    lacking = [one.until_us for one in opened.losses if one.table == EVENTS]
    lacking += [] if opened.since_us is None else [opened.since_us]
    return max((at for at in lacking if from_us is None or from_us < at), default=None)


class Mender:
    """Counts lost seeds of a house again."""

    def __init__(self, house: House, history: History, crew: Crew | None = None) -> None:
        self._house = house
        self._history = history
        self._crew = crew or Alone()
        self._told: set[str] = set()

    def turn(self) -> bool:
        """All of which the history has everything; the others are said. Raises TransientError where the world fails."""
        has_done = False
        for one in lost(self._house):
            digest = one.taken.digest
            if self.lacks_until(one) is None:
                events = self.mend(one)
                _logger.warning("the seed %s was lost, and is counted again from %d events", digest, events)
                has_done = True
            elif digest not in self._told:
                self._told.add(digest)
                text = "the seed %s is lost, and the history has not all of it any more: `tactful seed` says more"
                _logger.error(text, digest)
        return has_done

    def next_turn(self) -> int | None:
        """When somebody rings, or patience ends."""
        return None

    def lacks_until(self, one: LostSeed) -> int | None:
        with self._history.open() as opened:
            return lacks_until(one, opened)

    def mend(self, one: LostSeed) -> int:
        """Of what the history has; how many events those are."""
        with self._history.open() as opened:
            rows = Rows(count_all(one.known, one.wanted, opened.session, self._crew))
            self._house.seeds.write(rows, instead=one.taken.digest)
        for partition in range(self._house.log.partitions):
            self._house.bells.ring(f"work-{partition}")
        return rows.events
