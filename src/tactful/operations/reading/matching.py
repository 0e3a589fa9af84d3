"""Matching: how many people a condition holds for now, as far as live state says it; published or not.

What is published is counted by the partitions (kernel/counts.py), and is only added up. What asks of nothing but states
that everybody has anyway is asked of these: of everybody where there are few; else of some whom chance has chosen, and
the answer has an interval. What nobody counts yet only the history knows (previewing_history.py).
"""

import math
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct

from tactful.aggregates.spec import AggregateSpec
from tactful.kernel.fragments import states
from tactful.kernel.plan import NEVER, CompiledPlan, compiled, empty_plan
from tactful.kernel.state import FIRST_KEY, PLAN_KEY, PlanState, Profile, decode_partition, decode_plan, decode_profile
from tactful.kernel.view import Around, PersonView, Thresholds
from tactful.language.check import Checked
from tactful.language.compile import compile_condition
from tactful.language.compiled import Condition
from tactful.operations.places import People

if TYPE_CHECKING:
    from tactful.operations.reading.reader import Reader

MOST_PEOPLE = 2_000
"""Looked at; up to twice as many where that is everybody."""
SEED = 11
GROWN = 1.02
"""People are chosen anew where there are so many times more of them."""
_PAGE = 2_000


class Matched(Struct, frozen=True):
    """The number of people, and what it rests on."""

    people: int
    everybody: int
    """As far as known: people, no marks."""
    looked_at: int
    """0: nobody had to be."""
    step: int = 1
    """One person in so many was looked at; 1: everybody."""
    between: tuple[int, int] = (0, 0)
    """With 95 %, where not everybody was looked at."""

    @property
    def is_exact(self) -> bool:
        return self.step == 1


class _Uncounted(Exception):
    """Nobody counts what the condition asks for, or not for long enough."""


def matched(reader: "Reader", checked: Checked, now_us: int) -> Matched:
    """By live state where it can say it, else exactly by the history. Raises TransientError as the history does."""
    found = reader.matching().count(checked, now_us)
    if found is not None:
        return found
    from tactful.operations.history.terms import terms_of
    from tactful.operations.previews.previewing_history import count  # Slow to import, and seldom wanted.

    plan = reader.published()
    with reader.history().open() as history:
        people, everybody = count(history, checked, now_us, terms_of(plan.plan.publish) if plan is not None else None)
    return Matched(people, everybody, everybody)


class Matching:
    """One for each thread: it remembers who was chosen."""

    def __init__(self, stores: Sequence[People], most_people: int = MOST_PEOPLE, seed: int = SEED) -> None:
        self._stores = stores
        self._most, self._seed = most_people, seed
        self._chosen: dict[int, list[str]] = {}
        """Keys by partition."""
        self._share, self._profiles = 1.0, -1
        self._decoded: dict[str, tuple[bytes, Profile]] = {}
        """Of those who were looked at last, which takes longer than all else."""

    def count(self, checked: Checked, now_us: int) -> Matched | None:
        """For how many people the condition holds at `now_us`; None where live state does not know."""
        return self._count(checked, now_us, is_quick=False)

    def known(self, checked: Checked, now_us: int) -> Matched | None:
        """The same where it takes no time; None also where somebody would have to be looked at."""
        return self._count(checked, now_us, is_quick=True)

    def _count(self, checked: Checked, now_us: int, *, is_quick: bool) -> Matched | None:
        partitions = [decode_partition(body) for store in self._stores if (body := store.checkpoint().partition_state)]
        everybody = sum(one.profiles for one in partitions)
        plan_state = self._plan()
        plan = compiled(plan_state) if plan_state is not None else empty_plan()
        if plan_state is not None and plan_state.seeded and any(one.sweep is not None for one in partitions):
            return None  # Some have not had what was counted of them before (kernel/seeding.py); the history knows.
        rule = next((one for one in plan.segments if one.condition.text == checked.canonical), None)
        is_counted = len(partitions) == len(self._stores) and all(one.is_counted for one in partitions)
        if rule is not None and is_counted and rule.ready_at <= now_us:
            return Matched(sum(one.members.get(rule.number, 0) for one in partitions), everybody, 0)
        if is_quick:
            return None
        thresholds: Thresholds = {
            metric: {percent: one.value for percent, one in by.items()}
            for state in partitions[:1]
            for metric, by in state.thresholds.items()
        }
        try:
            question = _Question(checked, plan, plan_state, thresholds, now_us)
        except _Uncounted:
            return None
        self._choose(everybody)
        return self._look(question, everybody, now_us)

    def _plan(self) -> PlanState | None:
        body = self._stores[0].load([PLAN_KEY]).get(PLAN_KEY)
        return decode_plan(body) if body is not None else None

    # ---- who is looked at ------------------------------------------------------------------------------------------

    def _choose(self, profiles: int) -> None:
        """Everybody, or as many as chance says; looked for again where there are more people, or fewer."""
        is_all = profiles <= 2 * self._most
        if not is_all and self._share < 1 and profiles / GROWN <= self._profiles <= profiles * GROWN:
            return
        self._profiles, self._share = profiles, 1.0 if is_all else self._most / profiles
        self._chosen = {
            partition: sorted(store.sample(self._share, self._seed), key=_hash) if not is_all else list(_keys(store))
            for partition, store in enumerate(self._stores)
        }

    def _profiles_of(self) -> Iterator[Profile]:
        """Those among the chosen keys that are people, and no marks of others."""
        before, self._decoded = self._decoded, {}
        for partition, keys in self._chosen.items():
            for key, body in self._stores[partition].load(keys).items():
                known = before.get(key)
                known = known if known is not None and known[0] == body else (body, decode_profile(body))
                self._decoded[key] = known
                if known[1].owner() is None:
                    yield known[1]

    # ---- looking ---------------------------------------------------------------------------------------------------

    def _look(self, question: "_Question", everybody: int, now_us: int) -> Matched:
        profiles = list(self._profiles_of())
        from tactful.operations.lift import Rate, wilson  # Slow to import.

        holding = sum(question.holds(profile, now_us) for profile in profiles)
        if self._share == 1:
            return Matched(holding, len(profiles), len(profiles))
        # Those of a sample who are nobody's mark stand for all such people, whose number is known.
        found = wilson(Rate(holding, len(profiles)))
        low, high = math.floor(found.low * everybody), math.ceil(found.high * everybody)
        step = max(2, round(1 / self._share))
        return Matched(round(found.value * everybody), everybody, len(profiles), step, (low, high))


class _Question:
    """A condition compiled against what is counted."""

    def __init__(
        self, checked: Checked, plan: CompiledPlan, state: PlanState | None, thresholds: Thresholds, now_us: int
    ) -> None:
        def number(spec: AggregateSpec) -> int:
            found = state.numbers.get(spec.canonical()) if state is not None else None
            if found is None or state is None or state.ready.get(found, NEVER) > now_us:
                raise _Uncounted
            return found

        self._condition: Condition = compile_condition(checked, number)
        self._around = Around(
            plan.time_zone, lambda: thresholds, plan.policy, plan.traits, is_signed=plan.identity.is_signed
        )

    def holds(self, profile: Profile, now_us: int) -> bool:
        return self._condition.holds(PersonView(states(profile), profile.fragments, self._around), now_us)


def _keys(store: People) -> Iterator[str]:
    cursor = FIRST_KEY
    while keys := store.keys_after(cursor, _PAGE):
        yield from keys
        cursor = keys[-1]


def _hash(key: str) -> int:
    """The same in every process and in every run."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"matching").digest())
