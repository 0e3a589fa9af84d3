"""Foresight: what publishing a change would do to people, asked of the history before anything is published.

Every segment that would mean something else is asked twice, as it is and as it would be: who would enter, who would
leave. Of every journey that the change touches it is asked for whom it would have begun in the last days. Publishing by
itself begins nothing (docs/journeys.md), so nobody is messaged for the past; these are the people to whom it would
happen in as many days to come. What is counted for the first time is seeded from the history; how much that is to be
read, and about how long it takes, is said too.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from tactful.events.records import Plan, Publish
from tactful.journeys.definition import Journey
from tactful.kernel.definitions import Definitions, read_published
from tactful.kernel.plan import CompiledPlan, adopt, compiled
from tactful.kernel.state import PlanState
from tactful.language.sql.query import Column
from tactful.language.tree import (
    Aggregate,
    Compare,
    InSegment,
    Node,
    Selection,
    Window,
    everything,
)
from tactful.language.tree import (
    Literal as Constant,
)
from tactful.operations.history.archived import said_of
from tactful.operations.history.opened import Opened
from tactful.operations.history.terms import Terms, terms_of
from tactful.operations.journeys.steering import inside_of
from tactful.operations.places import People
from tactful.operations.seeds.seed_counting import Counting, Wanted
from tactful.values import DAY_US

DAYS = 7
"""So far back it is looked who would have begun."""
SAMPLE = 5
RATE = 70_000
"""Events that are folded in a second, about: measured with two aggregates, on a core that others use as well."""
How = Literal["new", "changed", "removed", "touched"]
_NOW, _OLD, _THEN = "foreseen_now", "foreseen_old", "foreseen_then"
_NOWHERE = (0, 0)


class SegmentForeseen(Struct, frozen=True):
    name: str
    how: How
    before: int
    """People in it by what is in force; nobody while that is warming."""
    after: int
    entering: int
    leaving: int
    come: tuple[str, ...]
    """Some of those who would enter."""
    go: tuple[str, ...]


class JourneyForeseen(Struct, frozen=True):
    name: str
    how: How
    why: tuple[str, ...]
    """What of it is another: "its file", "segment buyers", "message hello"."""
    inside: int
    """People on their way through it now."""
    sends: int
    """Steps that send something."""
    begins: int | None
    """For how many people it would have begun in the last days; whom the next launch or schedule would reach; None
    where only calls begin it."""
    is_audience: bool
    sample: tuple[str, ...]
    at_once: int = 0
    """For how many people it begins by the publication itself (`on_publish: start`)."""


class SeedForeseen(Struct, frozen=True):
    """What has not been counted so far."""

    aggregates: int
    events: int
    """To be read."""
    seconds: float
    files: tuple[str, ...]
    """Definitions that say nothing until then."""


class Foresight(Struct, frozen=True):
    at_us: int
    everybody: int
    days: int
    segments: tuple[SegmentForeseen, ...]
    journeys: tuple[JourneyForeseen, ...]
    seed: SeedForeseen | None
    lacks: tuple[str, ...] = ()
    """What the history has lost, a line for each table."""

    @property
    def since_us(self) -> int:
        """When those days begin, for a backtest of them."""
        return self.at_us - self.days * DAY_US


def foresee(
    opened: Opened,
    before: PlanState | None,
    files: Mapping[str, str],
    settings: Mapping[str, str],
    now_us: int,
    inside: Mapping[str, int],
    silent: Sequence[str] = (),
) -> Foresight:
    """Of files that have no mistakes. `inside` says how many people are on their way through journeys now, `silent`
    which files have something to be seeded. Raises TransientError where memory or a disk does not suffice."""
    publish = Publish(now_us, dict(files), dict(settings))
    version = before.plan.version + 1 if before is not None else 1
    state, plan = adopt(before, Plan(version, publish), now_us, is_empty=False)
    return _Foreseeing(opened, before, state, plan, publish, now_us).foresight(inside, silent)


def on_their_way(states: Sequence[People]) -> dict[str, int]:
    """By journey, how many runs are inside now."""
    return {name: sum(steps.values()) for name, steps in inside_of(states).items()}


def as_values(found: Foresight, *, with_people: bool = True) -> dict[str, Any]:
    """As JSON has it."""
    values: dict[str, Any] = msgspec.to_builtins(found)
    if not with_people:
        for one in (*values["segments"], *values["journeys"]):
            one |= {name: [] for name in ("come", "go", "sample") if name in one}
    return values


class _Foreseeing:
    def __init__(
        self,
        opened: Opened,
        before: PlanState | None,
        state: PlanState,
        plan: CompiledPlan,
        publish: Publish,
        now_us: int,
    ) -> None:
        self._opened, self._before, self._state, self._plan, self._now = opened, before, state, plan, now_us
        self._files = publish.files
        self._new = read_published(publish)
        self._old = read_published(before.plan.publish) if before is not None else Definitions({}, {}, {})
        self._touched: frozenset[str] = frozenset()
        self._old_files = before.plan.publish.files if before is not None else {}
        delays = opened.terms.delays_us
        self._new_terms = terms_of(publish, delays)
        self._old_terms = terms_of(before.plan.publish, delays) if before is not None else self._new_terms

    def foresight(self, inside: Mapping[str, int], silent: Sequence[str]) -> Foresight:
        segments = {name: how for name, how in self._segments() if how is not None}
        self._touched = frozenset(f"segment {name}" for name in segments)
        journeys = {name: (how, why) for name, how, why in self._journeys(segments)}
        now = self._table(_NOW, self._asked_now(segments, journeys), self._new_terms, self._now)
        old = self._table(_OLD, self._asked_old(segments), self._old_terms, self._now)
        then = self._table(_THEN, self._asked_then(journeys), self._new_terms, self._now - DAYS * DAY_US)
        ((everybody,),) = self._rows(f"SELECT count(*) FROM {_NOW}")
        tables = _Tables(now, old, then)
        return Foresight(
            self._now,
            everybody,
            DAYS,
            tuple(self._segment(name, how, tables) for name, how in segments.items()),
            tuple(self._journey(name, how, why, tables, inside.get(name, 0)) for name, (how, why) in journeys.items()),
            self._seed(silent),
            tuple(said_of(self._opened.losses)),
        )

    # ---- what is touched -------------------------------------------------------------------------------------------

    def _segments(self) -> Iterator[tuple[str, How | None]]:
        known = self._before.since if self._before is not None else {}
        for name in sorted({*self._new.segments, *self._old.segments}):
            title = f"segment/{name}"
            if name not in self._new.segments:
                yield name, "removed"
            elif name not in self._old.segments:
                yield name, "new"
            else:
                is_other = known.get(title, ("", 0))[0] != self._state.since[title][0]
                yield name, "changed" if is_other else None

    def _journeys(self, segments: Mapping[str, How]) -> Iterator[tuple[str, How, tuple[str, ...]]]:
        for name in sorted({*self._new.journeys, *self._old.journeys}):
            journey = self._new.journeys.get(name)
            if journey is None:
                yield name, "removed", ("its file",)
                continue
            why = tuple(self._why(name, journey, segments))
            if name not in self._old.journeys:
                yield name, "new", why or ("its file",)
            elif why:
                yield name, "changed" if "its file" in why else "touched", why

    def _why(self, name: str, journey: Journey, segments: Mapping[str, How]) -> Iterator[str]:
        if self._is_other(f"journeys/{name}.yaml"):
            yield "its file"
        named = {journey.start.segment} | {
            node.name for one in journey.expressions() for node in everything(one.tree) if isinstance(node, InSegment)
        }
        yield from (f"segment {one}" for one in sorted(named & segments.keys()))
        sent = {step.message for step in journey.sends() if step.channel != "webhook"}
        yield from (f"message {one}" for one in sorted(sent) if self._is_other(f"messages/{one}.yaml"))

    def _is_other(self, path: str) -> bool:
        return self._files.get(path) != self._old_files.get(path)

    # ---- what is asked ---------------------------------------------------------------------------------------------

    def _asked_now(self, segments: Mapping[str, How], journeys: Mapping[str, Any]) -> dict[str, Node]:
        conditions = {name: one.when.tree for name, one in self._new.segments.items()}
        asked = {f"segment {name}": conditions[name] for name in segments if name in conditions}
        for name in journeys:
            journey = self._new.journeys.get(name)
            if journey is None:
                continue
            if (began := _began(journey)) is not None:
                asked[f"began {name}"] = began
            if journey.start.segment in conditions:
                asked[f"segment {journey.start.segment}"] = conditions[journey.start.segment]
            if journey.condition is not None:
                asked[f"if {name}"] = journey.condition.tree
        return asked

    def _asked_old(self, segments: Mapping[str, How]) -> dict[str, Node]:
        """What is in force and says something."""
        if self._before is None:
            return {}
        ready = {rule.name for rule in compiled(self._before).segments if rule.ready_at <= self._now}
        return {
            f"segment {name}": self._old.segments[name].when.tree
            for name in segments
            if name in self._old.segments and name in ready
        }

    def _asked_then(self, journeys: Mapping[str, Any]) -> dict[str, Node]:
        asked: dict[str, Node] = {}
        for name in journeys:
            journey = self._new.journeys.get(name)
            if journey is not None and journey.start.kind in ("segment", "left"):
                asked[f"segment {journey.start.segment}"] = self._new.segments[journey.start.segment].when.tree
        return asked

    def _table(self, name: str, expressions: Mapping[str, Node], terms: Terms, at_us: int) -> Mapping[str, Column]:
        """A table of everybody who is known at the instant; of nobody where nothing is asked, but of now."""
        query, asked = self._opened.written(expressions, at_us, terms=terms)
        if not expressions and name != _NOW:
            query = "SELECT CAST(NULL AS VARCHAR) AS person WHERE false"
        self._rows(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        return asked.columns

    def _rows(self, query: str) -> Sequence[Sequence[Any]]:
        return self._opened.session.rows(query)

    # ---- what is answered ------------------------------------------------------------------------------------------

    def _segment(self, name: str, how: How, tables: "_Tables") -> SegmentForeseen:
        old, new = tables.old(f"segment {name}"), tables.now(f"segment {name}")
        come, go = f"{new} AND NOT {old}", f"{old} AND NOT {new}"
        ((before, after, entering, leaving),) = self._rows(
            f"SELECT {', '.join(f'count(*) FILTER ({one})' for one in (old, new, come, go))} FROM {_JOINED}"
        )
        return SegmentForeseen(
            name, how, before, after, entering, leaving, self._some(come, entering), self._some(go, leaving)
        )

    def _journey(self, name: str, how: How, why: tuple[str, ...], tables: "_Tables", inside: int) -> JourneyForeseen:
        journey = self._new.journeys.get(name)
        if journey is None:
            return JourneyForeseen(name, how, why, inside, 0, None, is_audience=False, sample=())
        start, segment = journey.start, f"segment {journey.start.segment}"
        match start.kind:
            case "event":
                begins = tables.now(f"began {name}")
            case "segment":
                begins = f"{tables.now(segment)} AND NOT {tables.then(segment)}"
            case "left":
                begins = f"{tables.then(segment)} AND NOT {tables.now(segment)}"
            case "schedule" | "campaign":
                begins = tables.now(segment) if start.segment else "true"
            case _:
                begins = ""
        sends = sum(1 for _ in journey.sends())
        if not begins:
            return JourneyForeseen(name, how, why, inside, sends, None, is_audience=False, sample=())
        if journey.condition is not None:
            begins += f" AND {tables.now(f'if {name}')}"
        ((many,),) = self._rows(f"SELECT count(*) FILTER ({begins}) FROM {_JOINED}")
        is_audience = start.kind in ("schedule", "campaign")
        some, at_once = self._some(begins, many), self._at_once(journey, tables)
        return JourneyForeseen(name, how, why, inside, sends, many, is_audience, some, at_once)

    def _at_once(self, journey: Journey, tables: "_Tables") -> int:
        """Whom the publication brings into the segment, and so into the journey, where it asks for it."""
        segment = f"segment {journey.start.segment}"
        if not journey.on_publish or journey.start.kind != "segment" or segment not in self._touched:
            return 0
        begins = f"{tables.now(segment)} AND NOT {tables.old(segment)}"
        if journey.condition is not None:
            begins += f" AND {tables.now(f'if {journey.name}')}"
        ((many,),) = self._rows(f"SELECT count(*) FILTER ({begins}) FROM {_JOINED}")
        return int(many)

    def _some(self, condition: str, many: int) -> tuple[str, ...]:
        if not many:
            return ()
        rows = self._rows(
            f"SELECT n.person FROM {_JOINED} WHERE {condition} ORDER BY hash(n.person), n.person LIMIT {SAMPLE}"
        )
        return tuple(person for (person,) in rows)

    def _seed(self, silent: Sequence[str]) -> SeedForeseen | None:
        known = self._before.ready if self._before is not None else {}
        ready = sorted(self._state.ready.items())
        numbers = tuple(number for number, at in ready if number not in known and at > self._now)
        if not numbers or self._before is None:
            return None
        positions = self._opened.positions
        upto = tuple(positions.get(partition, 0) for partition in range(max(positions, default=-1) + 1))
        counting = Counting(self._plan, Wanted(numbers, upto, self._now))
        events = 0
        if upto:
            ((events,),) = self._rows(f"SELECT count(*) FROM events WHERE {' AND '.join(counting.conditions())}")
        return SeedForeseen(len(numbers), events, events / RATE, tuple(silent))


_JOINED = f"{_NOW} AS n LEFT JOIN {_OLD} AS o USING (person) LEFT JOIN {_THEN} AS t USING (person)"


class _Tables(NamedTuple):
    """The columns of three tables, and conditions over all of them joined: false where somebody was not known, or where
    nothing was asked."""

    now_columns: Mapping[str, Column]
    old_columns: Mapping[str, Column]
    then_columns: Mapping[str, Column]

    def now(self, name: str) -> str:
        return _column("n", self.now_columns, name)

    def old(self, name: str) -> str:
        return _column("o", self.old_columns, name)

    def then(self, name: str) -> str:
        return _column("t", self.then_columns, name)


def _column(table: str, columns: Mapping[str, Column], name: str) -> str:
    found = columns.get(name)
    return f"coalesce({table}.v{found.end - 2}, false)" if found is not None else "false"


def _began(journey: Journey) -> Node | None:
    """Whether an event has come in the last days that begins it."""
    if journey.start.kind != "event":
        return None
    where = journey.start.where.tree if journey.start.where is not None else None
    selection = Selection(tuple(sorted(journey.start.events)), where, Window(DAYS * DAY_US))
    return Compare(">=", Aggregate("count", selection, None, _NOWHERE), Constant(1, _NOWHERE), _NOWHERE)
