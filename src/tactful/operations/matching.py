"""Matching: how many people a condition holds for now, published or not.

Three ways, the first that gives the answer. What is published is counted by the partitions (kernel/counts.py), and is
only added up. What asks of a state that everybody has anyway is asked of people's states. What nobody has counted yet
is folded from people's own events, by the functions that a worker would fold them with. The last two look at everybody
where there are few; else at some whom chance has chosen, and the answer has an interval. What those did is read from
the newest on, so much for each question: as long as there is more that the condition asks for, the answer says so, and
the next one is better.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from tactful.aggregates.kinds import State
from tactful.aggregates.spec import AggregateSpec
from tactful.events.addressed import event_of
from tactful.events.derived import EventKept, decode_groups, place, ref
from tactful.events.records import Event, decode, unpack
from tactful.kernel.fragments import entry_of, states
from tactful.kernel.plan import NEVER, CompiledPlan, compiled, empty_plan, exact_at
from tactful.kernel.readers import ANY_EVENT, SPOKEN_BY_ANY
from tactful.kernel.state import FIRST_KEY, PLAN_KEY, PlanState, Profile, decode_partition, decode_plan, decode_profile
from tactful.kernel.view import Around, PersonView, Thresholds
from tactful.language.check import Checked
from tactful.language.compile import compile_condition
from tactful.language.compiled import Condition, Fold, Reader
from tactful.language.reader import compile_reader
from tactful.operations.steering import People
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log

MOST_PEOPLE = 2_000
"""Looked at; up to twice as many where that is everybody."""
SEED = 11
FIRST_POSITIONS = 15_000
"""Of the trail, for the first question, which nobody shall wait for."""
MOST_POSITIONS = 50_000
"""Of the trail that one question goes back through; the next one goes on from there."""
_SLICE = 10_000
"""Positions between two looks at how far back it is."""
_APART = 32
"""Positions of the log that are read along rather than left out."""
GROWN = 1.02
"""People are chosen anew where there are so many times more of them."""
_PAGE = 2_000
_FIRST_OWN = 1 << 40
"""Numbers of aggregates that no plan has."""


class Matched(Struct, frozen=True):
    """The number of people, and what it rests on."""

    people: int
    everybody: int
    """As far as known: people, no marks."""
    looked_at: int
    """0: nobody had to be."""
    step: int = 1
    """One person in so many was looked at; 1: everybody."""
    gaps: int = 0
    """People of those looked at whose past is no longer in the log, where the condition may ask for it."""
    between: tuple[int, int] = (0, 0)
    """With 95 %, where not everybody was looked at, and all of their past that counts."""
    is_coming: bool = False
    """More of the past can be read: whoever asks again is told better."""

    @property
    def is_exact(self) -> bool:
        return self.step == 1 and not self.gaps and not self.is_coming


class _Pasts:
    """What chosen people did: events by the identifier at which they entered, of a stretch of the trail that grows at
    both ends."""

    def __init__(self, log: Log, trail: Trail, entries: frozenset[str]) -> None:
        self._log, self._trail, self.entries = log, trail, entries
        self._from: dict[int, int] = {}
        self._to: dict[int, int] = {}
        self.events: dict[str, list[tuple[int, Event]]] = {}
        """With their refs."""
        self.oldest: dict[int, int] = {}
        """By partition: from this instant on nothing is missing; 0: from the beginning."""
        self.is_coming = False
        """More is asked for than was read so far, and there is more."""

    def go_on(self, needed_us: int) -> None:
        """To the end, and back to what is needed or as far as one question may go."""
        left = MOST_POSITIONS if self._to else FIRST_POSITIONS
        for partition in range(self._log.partitions):
            end = self._trail.end(partition)
            begin = self._to.setdefault(partition, end)
            self._from.setdefault(partition, end)
            self.oldest.setdefault(partition, NEVER)
            if end - begin > MOST_POSITIONS:  # Nobody has asked for long: from the newest on, all over again.
                self._from[partition] = begin = end
                self.oldest[partition] = NEVER
            self._take(partition, begin + 1, end)
            self._to[partition] = end
        # In turns, so that all partitions reach as far back.
        while left > 0 and (shortest := self._shortest(needed_us)) is not None:
            last, start = self._from[shortest], self._log.start(shortest)
            self._from[shortest] = first = max(start, last - _SLICE)
            left -= last - first
            self.oldest[shortest] = min(self.oldest[shortest], self._take(shortest, first + 1, last))
            if first <= start == 0:
                self.oldest[shortest] = 0
        self.is_coming = self._shortest(needed_us) is not None

    def _shortest(self, needed_us: int) -> int | None:
        """The partition of which least is known, among those of which more is asked for and can be read."""
        open_ends = [
            (oldest, partition)
            for partition, oldest in self.oldest.items()
            if oldest > max(0, needed_us) and self._from[partition] > self._log.start(partition)
        ]
        return max(open_ends)[1] if open_ends else None

    def is_known_from(self, needed_us: int) -> bool:
        return all(oldest <= max(0, needed_us) for oldest in self.oldest.values())

    def _take(self, partition: int, first: int, last: int) -> int:
        """Returns the newest instant of receipt in it: all that lies before this stretch was received before. NEVER
        where it says nothing of that, since no event stands in it."""
        newest, wanted = 0, dict[int, dict[int, str]]()
        for blob in self._trail.between(partition, first, last) if first <= last else ():
            for group in decode_groups(blob):
                if not first <= group.position <= last:
                    continue
                for row in group.rows:
                    if isinstance(row, EventKept):
                        newest = max(newest, row.at + row.late_us)
                        entry = entry_of(row.fragment) if row.fragment else group.key
                        if entry in self.entries:
                            home, position = place(row.ref)
                            wanted.setdefault(home, {})[position] = entry
        for home, positions in wanted.items():
            for position, body in self._records(home, sorted(positions)):
                event = event_of(decode(body))
                if event is not None:
                    self.events.setdefault(positions[position], []).append((ref(home, position), event))
        return newest or NEVER

    def _records(self, partition: int, positions: list[int]) -> Iterator[tuple[int, bytes]]:
        """Those at ascending positions, read in stretches."""
        at = 0
        while at < len(positions):
            stop = at + 1
            while stop < len(positions) and positions[stop] - positions[stop - 1] <= _APART:
                stop += 1
            first, last, stretch = positions[at], positions[stop - 1], set(positions[at:stop])
            after = first - 1
            while after < last and (read := self._log.read(partition, after, min(_PAGE, last - after))):
                yield from (record for record in read if record[0] in stretch)
                after = read[-1][0]
            at = stop


class Matching:
    """One for each thread: it remembers who was chosen, and what they did."""

    def __init__(
        self, log: Log, trail: Trail, stores: Sequence[People], most_people: int = MOST_PEOPLE, seed: int = SEED
    ) -> None:
        self._log, self._trail, self._stores = log, trail, stores
        self._most, self._seed = most_people, seed
        self._chosen: dict[int, list[str]] = {}
        """Keys by partition."""
        self._share, self._profiles = 1.0, -1
        self._decoded: dict[str, tuple[bytes, Profile]] = {}
        """Of those who were looked at last, which takes longer than all else."""
        self._pasts: _Pasts | None = None

    def count(self, checked: Checked, now_us: int) -> Matched:
        """For how many people the condition holds at `now_us`."""
        found = self._count(checked, now_us, is_quick=False)
        assert found is not None
        return found

    def known(self, checked: Checked, now_us: int) -> Matched | None:
        """The same where it takes no time; None where somebody would have to be looked at."""
        return self._count(checked, now_us, is_quick=True)

    def _count(self, checked: Checked, now_us: int, *, is_quick: bool) -> Matched | None:
        partitions = [decode_partition(body) for store in self._stores if (body := store.checkpoint().partition_state)]
        everybody = sum(one.profiles for one in partitions)
        plan_state = self._plan()
        plan = compiled(plan_state) if plan_state is not None else empty_plan()
        rule = next((one for one in plan.segments if one.condition.text == checked.canonical), None)
        is_counted = len(partitions) == len(self._stores) and all(one.is_counted for one in partitions)
        if rule is not None and is_counted and rule.ready_at <= now_us:
            return Matched(sum(one.members.get(rule.number, 0) for one in partitions), everybody, 0)
        if is_quick:
            return None
        self._choose(everybody)
        thresholds: Thresholds = {
            metric: {percent: one.value for percent, one in by.items()}
            for state in partitions[:1]
            for metric, by in state.thresholds.items()
        }
        return self._look(_Question(checked, plan, plan_state, thresholds, now_us), everybody, now_us)

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

        gaps, pasts, is_coming = 0, self._pasts, False
        if question.own:
            entries = frozenset(entry_of(name) for one in profiles for name in one.fragments)
            if pasts is None or pasts.entries != entries:
                pasts = self._pasts = _Pasts(self._log, self._trail, entries)
            pasts.go_on(question.needed_us)
            is_coming = pasts.is_coming
            gaps = 0 if is_coming or pasts.is_known_from(question.needed_us) else len(profiles)
        holding = 0
        for profile in profiles:
            folded: dict[int, State] = {}
            if question.own and pasts is not None:
                entered = dict.fromkeys(entry_of(name) for name in profile.fragments)
                folded = question.fold((one for key in entered for one in pasts.events.get(key, ())), now_us)
            holding += question.holds(profile, folded, now_us)
        if self._share == 1:
            return Matched(holding, len(profiles), len(profiles), 1, gaps, is_coming=is_coming)
        # Those of a sample who are nobody's mark stand for all such people, whose number is known.
        found = wilson(Rate(holding, len(profiles)))
        if is_coming:
            found = replace(found, low=0.0, high=0.0)
        low, high = math.floor(found.low * everybody), math.ceil(found.high * everybody)
        step = max(2, round(1 / self._share))
        return Matched(round(found.value * everybody), everybody, len(profiles), step, gaps, (low, high), is_coming)


class _Question:
    """A condition compiled against what is counted; what is not, against numbers of its own."""

    def __init__(
        self, checked: Checked, plan: CompiledPlan, state: PlanState | None, thresholds: Thresholds, now_us: int
    ) -> None:
        numbers: dict[AggregateSpec, int] = {}
        self.own: dict[AggregateSpec, int] = {}
        """Aggregates that nobody counts, or not for long enough."""

        def number(spec: AggregateSpec) -> int:
            found = state.numbers.get(spec.canonical()) if state is not None else None
            is_ready = found is not None and state is not None and state.ready.get(found, NEVER) <= now_us
            if found is None or not is_ready:
                found = self.own.setdefault(spec, _FIRST_OWN + len(self.own))
            return numbers.setdefault(spec, found)

        self._condition: Condition = compile_condition(checked, number)
        self.needed_us = min((now_us - (exact_at(spec, now_us) - now_us) for spec in self.own), default=0)
        """The oldest instant whose events the own aggregates ask for; below 0 where they ask for all time."""
        folds = [fold for fold in self._condition.folds if fold.number in self.own.values()]
        self._folds: Sequence[Fold] = folds
        self._readers: dict[tuple[str, str], Reader | None] = {}
        self._around = Around(
            plan.time_zone, lambda: thresholds, plan.policy, plan.traits, is_signed=plan.identity.is_signed
        )

    def fold(self, events: Iterable[tuple[int, Event]], now_us: int) -> dict[int, State]:
        """The states of the own aggregates after a person's events, in whatever order."""
        found: dict[int, State] = {}
        for at, event in events:
            reader = self._reader(event)
            if reader is not None:
                properties = unpack(event.properties) if reader.needs_properties else {}
                context = unpack(event.context) if reader.needs_context else {}
                lag = event.received_at - event.timestamp
                reader.read(found, event.timestamp, lag, at, now_us, properties, context)
        return found

    def _reader(self, event: Event) -> Reader | None:
        asked = (event.kind, event.name)
        if asked not in self._readers:
            names = {event.name, ANY_EVENT} if event.kind in SPOKEN_BY_ANY else {event.name}
            folds = [fold for fold in self._folds if any(not names.isdisjoint(feed.events) for feed in fold.feeds)]
            self._readers[asked] = compile_reader(sorted(names), folds) if folds else None
        return self._readers[asked]

    def holds(self, profile: Profile, folded: dict[int, State], now_us: int) -> bool:
        known = {**states(profile), **folded} if folded else states(profile)
        return self._condition.holds(PersonView(known, profile.fragments, self._around), now_us)


def _keys(store: People) -> Iterator[str]:
    cursor = FIRST_KEY
    while keys := store.keys_after(cursor, _PAGE):
        yield from keys
        cursor = keys[-1]


def _hash(key: str) -> int:
    """The same in every process and in every run."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"matching").digest())
