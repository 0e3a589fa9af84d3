"""Seeding: what new aggregates would have counted, from the history, while events flow (kernel/seeding.py).

Every partition says at which position it began to count an aggregate. When all have begun, and the history goes up to
there, its events up to these positions are folded by the very functions that fold live, into states by fragment; they
become a file, and a record that names it. Whoever dies in between leaves at most a file that nobody names: the next one
begins anew, and of two records that say the same the second changes nothing.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import pyarrow as pa
from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.events.derived import ref
from tactful.events.records import Seed, encode
from tactful.kernel.fragments import name_of
from tactful.kernel.plan import CompiledPlan, compiled
from tactful.kernel.readers import ANY_EVENT, SPOKEN_BY_ANY, EventReader, event_reader
from tactful.kernel.state import PlanState, decode_partition
from tactful.kernel.state import encode as encode_state
from tactful.language.compiled import Fold
from tactful.operations.history import History
from tactful.runtime.house import House
from tactful.runtime.seeds import Row
from tactful.values import DAY_US, SECOND_US

AT_ONCE = 2_000_000
"""Events whose states are in memory at a time, about."""
KEPT_US = 30 * DAY_US
"""So long a file is kept that no plan in force names: a log that is read again may name it."""
_COLUMNS = ("identifier", "epoch", "kind", "name", "timestamp", "received_at", "ref")
_logger = logging.getLogger("tactful.seeding")
_values = msgspec.json.Decoder(dict[str, Any])


class Wanted(Struct, frozen=True):
    """Aggregates that began at the same place of every log, and are to be counted up to there."""

    numbers: tuple[int, ...]
    barriers: tuple[int, ...]
    """By partition, the position of the plan that brought them."""
    since_us: int
    """The first instant at which they began anywhere."""


class Seeded(Struct, frozen=True):
    """What was done: the record stands in partition 0 at `position`."""

    wanted: Wanted
    digest: str
    fragments: int
    events: int
    position: int


class Events(Protocol):
    """What is asked of the history: events that these conditions (SQL over its columns) let through."""

    def batches(self, columns: Sequence[str], conditions: Sequence[str]) -> Iterator[pa.RecordBatch]: ...


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


# ---- counted ---------------------------------------------------------------------------------------------------------


class Counting:
    """The folds of some aggregates, over any events of the history."""

    def __init__(self, plan: CompiledPlan, one: Wanted) -> None:
        self._wanted = one
        numbers = set(one.numbers)
        self._folds = {
            name: mine
            for name, folds in plan.folds.items()
            if (mine := [each for each in folds if each.number in numbers])
        }
        self._readers: dict[tuple[str, str], EventReader] = {}
        self.events = 0

    def conditions(self) -> list[str]:
        """Which events matter, as SQL."""
        names = [name for name in sorted(self._folds) if name != ANY_EVENT]
        by_name = [f"name IN ({_literals(names)})"] if names else []
        if ANY_EVENT in self._folds:
            by_name.append(f"kind IN ({_literals(SPOKEN_BY_ANY)})")
        found = [f"({' OR '.join(by_name) or 'false'})"]
        oldest = [_oldest(fold) for folds in self._folds.values() for fold in folds]
        if oldest and None not in oldest:
            found.append(f"timestamp > {self._wanted.since_us - max(one for one in oldest if one is not None)}")
        upto = [
            f"(applied % 1024 = {partition} AND applied <= {ref(partition, barrier)})"
            for partition, barrier in enumerate(self._wanted.barriers)
        ]
        return [*found, f"({' OR '.join(upto)})"]

    def columns(self) -> list[str]:
        """What of them is read."""
        readers = [self._reader(SPOKEN_BY_ANY[0], name) for name in self._folds]
        found = list(_COLUMNS)
        if any(one.needs_properties for one in readers):
            found.append("properties.json AS properties")
        if any(one.needs_context for one in readers):
            found.append("context.json AS context")
        return found

    def fold(self, batches: Iterable[pa.RecordBatch]) -> dict[str, dict[int, State]]:
        """States by fragment; nothing of those that no event has reached."""
        found: dict[str, dict[int, State]] = {}
        nothing: Mapping[str, Any] = {}
        now = self._wanted.since_us
        for batch in batches:
            self.events += batch.num_rows
            columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            bodies = [columns.get(name) or [None] * batch.num_rows for name in ("properties", "context")]
            for identifier, epoch, kind, name, at, received_at, here, properties, context in zip(
                *(columns[name] for name in _COLUMNS), *bodies, strict=True
            ):
                reader = self._reader(kind, name)
                if reader.read is None:
                    continue
                fragment = name_of(identifier, epoch)
                states = found.get(fragment)
                if states is None:
                    states = found[fragment] = {}
                reader.read.read(
                    states,
                    at,
                    received_at - at,
                    here,
                    now,
                    _values.decode(properties) if reader.needs_properties else nothing,
                    _values.decode(context) if reader.needs_context else nothing,
                )
        return {fragment: states for fragment, states in found.items() if states}

    def _reader(self, kind: str, name: str) -> EventReader:
        reader = self._readers.get((kind, name))
        if reader is None:
            reader = self._readers[kind, name] = event_reader(kind, name, self._folds, (), None)
        return reader


def _literals(texts: Iterable[str]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)


def _oldest(fold: Fold) -> int | None:
    """How old an event may be that matters; None: as old as it likes."""
    return None if fold.spec.older_us is None else fold.spec.older_us + fold.spec.gap_us


def count(plan: CompiledPlan, one: Wanted, events: Events, parts: int = 1) -> Iterator[tuple[Row, int]]:
    """Rows of the seed, each with how many events were read so far. People are dealt out to so many parts, one in
    memory after the other."""
    counting = Counting(plan, one)
    for part in range(parts):
        among = [f"hash(identifier) % {parts} = {part}"] if parts > 1 else []
        found = counting.fold(events.batches(counting.columns(), [*counting.conditions(), *among]))
        for fragment in sorted(found):
            yield (fragment, encode_state(found[fragment])), counting.events


# ---- done ------------------------------------------------------------------------------------------------------------


class Seeder:
    """Seeds what a house waits for; `told` is remembered, so that nobody counts again what has been put on the log."""

    def __init__(self, house: House, history: History) -> None:
        self._house = house
        self._history = history
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
            plan = compiled(known)
            counting = Counting(plan, one)
            [(many,)] = opened.session.rows(f"SELECT count(*) FROM events WHERE {' AND '.join(counting.conditions())}")
            rows = _Rows(count(plan, one, _Of(opened.session), 1 + many // AT_ONCE))
            digest = house.seeds.write(rows)
        seed = Seed(house.clock.now_us(), digest, one.numbers, one.barriers)
        position = house.log.append({0: [encode(seed)]})[0]
        house.bells.ring("work-0")
        self._told |= {(number, one.barriers) for number in one.numbers}
        _logger.info("seeded %d aggregates from %d events: %s", len(one.numbers), rows.events, digest)
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


class _Of:
    """The events of an opened history."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def batches(self, columns: Sequence[str], conditions: Sequence[str]) -> Iterator[pa.RecordBatch]:
        query = f"SELECT {', '.join(columns)} FROM events WHERE {' AND '.join(conditions)}"
        found: Iterator[pa.RecordBatch] = self._session.batches(query)
        return found


class _Rows:
    """Rows on their way into the file, counted."""

    def __init__(self, found: Iterable[tuple[Row, int]]) -> None:
        self._found = found
        self.fragments = 0
        self.events = 0

    def __iter__(self) -> Iterator[Row]:
        for row, events in self._found:
            self.fragments += 1
            self.events = events
            yield row
