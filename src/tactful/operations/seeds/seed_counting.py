"""Counting for seeds: the folds of aggregates that are new, over the events that were before (seeding.py).

Few events are folded here. Of many, people are dealt out by their identifiers, each part as files in a temporary folder
of which a process of its own makes states: the history is read once, with all cores, and memory is bounded by the
people of as many parts as there are processes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.events.derived import ref
from tactful.history.queries import Session
from tactful.kernel.fragments import name_of
from tactful.kernel.plan import CompiledPlan, compiled
from tactful.kernel.readers import ANY_EVENT, SPOKEN_BY_ANY, EventReader, event_reader
from tactful.kernel.state import PlanState, decode_plan
from tactful.kernel.state import encode as encode_state
from tactful.language.compiled import Fold
from tactful.operations.backtesting.crew import Crew
from tactful.runtime.seeds import Row

ALONE = 200_000
"""So many events are no work for others: a process takes a second to begin."""
PART_ROWS = 250_000
"""Events of a part, about."""
MOST_PARTS = 512
_BATCH_ROWS = 20_000
_COLUMNS = ("identifier", "epoch", "kind", "name", "timestamp", "received_at", "ref")
_values = msgspec.json.Decoder(dict[str, Any])


class Wanted(Struct, frozen=True):
    """Aggregates that began at the same place of every log, and are to be counted up to there."""

    numbers: tuple[int, ...]
    barriers: tuple[int, ...]
    """By partition, the position of the plan that brought them."""
    since_us: int
    """The first instant at which they began anywhere."""


class Events(Protocol):
    """What is asked of the history: events that these conditions (SQL over its columns) let through."""

    def batches(self, columns: Sequence[str], conditions: Sequence[str]) -> Iterator[pa.RecordBatch]: ...


class Counted(Struct, frozen=True):
    """What was made of some events."""

    rows: list[Row]
    """Of fragments that any event has reached, sorted."""
    events: int


class Rows:
    """Rows on their way into a file, counted."""

    def __init__(self, found: Iterable[Counted]) -> None:
        self._found = found
        self.fragments = 0
        self.events = 0

    def __iter__(self) -> Iterator[Row]:
        for one in self._found:
            self.fragments += len(one.rows)
            self.events += one.events
            yield from one.rows


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

    def from_us(self) -> int | None:
        """No event of then or before matters; None: however old, each may."""
        oldest = [_oldest(fold) for folds in self._folds.values() for fold in folds]
        reach = [one for one in oldest if one is not None]
        return self._wanted.since_us - max(reach, default=0) if len(reach) == len(oldest) else None

    def conditions(self) -> list[str]:
        """Which events matter, as SQL."""
        names = [name for name in sorted(self._folds) if name != ANY_EVENT]
        by_name = [f"name IN ({_literals(names)})"] if names else []
        if ANY_EVENT in self._folds:
            by_name.append(f"kind IN ({_literals(SPOKEN_BY_ANY)})")
        found = [f"({' OR '.join(by_name) or 'false'})"]
        from_us = self.from_us()
        if from_us is not None:
            found.append(f"timestamp > {from_us}")
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


# ---- by one, and by many ---------------------------------------------------------------------------------------------


def count(plan: CompiledPlan, one: Wanted, events: Events) -> Counted:
    """All of it, here."""
    counting = Counting(plan, one)
    return _counted(counting, events.batches(counting.columns(), counting.conditions()))


def count_all(known: PlanState, one: Wanted, session: Session, crew: Crew) -> Iterator[Counted]:
    """Part by part; nobody's fragments are in two. Raises TransientError where memory or a disk does not suffice, or a
    process was killed."""
    counting = Counting(compiled(known), one)
    where = " AND ".join(counting.conditions())
    ((many,),) = session.rows(f"SELECT count(*) FROM events WHERE {where}")
    query = f"SELECT {', '.join(counting.columns())}{{}} FROM events WHERE {where}"
    if many <= ALONE:
        yield _counted(counting, session.batches(query.format("")))
        return
    parts = min(MOST_PARTS, -(-many // PART_ROWS))
    with TemporaryDirectory(prefix="tactful-seed-") as folder:
        session.deal(query.format(f", hash(identifier) % {parts} AS part"), "part", Path(folder))
        plan = encode_state(known)
        dealt = sorted(str(path) for path in Path(folder).iterdir())
        yield from crew.each(count_part, [Part(plan, one, path) for path in dealt])


class Part(Struct, frozen=True):
    """What a process gets."""

    plan: bytes
    wanted: Wanted
    folder: str


def count_part(part: Part) -> Counted:
    paths = sorted(Path(part.folder).glob("*.parquet"))
    batches = (batch for path in paths for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS))
    return _counted(Counting(_compiled(part.plan), part.wanted), batches)


@lru_cache(1)
def _compiled(plan: bytes) -> CompiledPlan:
    return compiled(decode_plan(plan))


def _counted(counting: Counting, batches: Iterable[pa.RecordBatch]) -> Counted:
    found = counting.fold(batches)
    return Counted([(fragment, encode_state(found[fragment])) for fragment in sorted(found)], counting.events)
