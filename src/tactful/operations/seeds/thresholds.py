"""Thresholds: the values that so many percent of the people have at most, for `percentile("spend") >= 80`.

What the plan in force compares with is worked out over the history, of everybody who has a value: the least value v
such that at least p percent of them have v or less (LANGUAGE.md 8). Each becomes a record that reaches every partition,
where people are looked at again; until the next one it stays the same, so that nobody flips because others buy.
"""

import logging
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pyarrow as pa
from msgspec import Struct

from tactful.events import zones
from tactful.events.records import TIME_ZONE, Threshold, encode
from tactful.kernel import programs
from tactful.kernel.definitions import Definitions, read_published
from tactful.kernel.state import PartitionState, PlanState, decode_partition
from tactful.language.tree import Node, Percentile, everything
from tactful.language.types import NUMBER
from tactful.messages import rules as messages
from tactful.operations.history.opened import History, Opened
from tactful.operations.history.terms import Terms, terms_of
from tactful.runtime.house import House
from tactful.runtime.settings_thresholds import ThresholdSettings
from tactful.values import parse_duration

_logger = logging.getLogger("tactful.thresholds")


class Compared(Struct, frozen=True):
    """A metric or a model, and the percentages that some definition compares it with."""

    name: str
    value: Node
    percents: tuple[float, ...]


class Told(Struct, frozen=True):
    """A threshold as it was put on the log."""

    metric: str
    percent: float
    value: float
    people: int
    """Who had a value."""


def compared(definitions: Definitions) -> list[Compared]:
    """What a project compares with thresholds, by name."""
    values: dict[str, Node] = {}
    percents: dict[str, set[float]] = {}
    for tree in _trees(definitions):
        for node in everything(tree):
            if isinstance(node, Percentile):
                values.setdefault(node.name, node.value)
                percents.setdefault(node.name, set()).add(node.percent)
    return [Compared(name, values[name], tuple(sorted(percents[name]))) for name in sorted(values)]


def _trees(definitions: Definitions) -> Iterator[Node]:
    yield from (one.when.tree for one in definitions.segments.values())
    yield from (one.value.tree for one in definitions.metrics.values())
    for journey in definitions.journeys.values():
        yield from (checked.tree for _, checked in programs.conditions(journey, journey.name))
        yield from (checked.tree for _, checked in programs.values(journey, journey.name))
    for message in definitions.messages.values():
        for checked in (*messages.conditions(message).values(), *messages.values(message).values()):
            yield checked.tree


def work_out(opened: Opened, wanted: list[Compared], at_us: int, terms: Terms) -> Iterator[Told]:
    """The thresholds at an instant; none of what nobody has a value of. Raises TransientError."""
    for one in wanted:
        query, _ = opened.written({one.name: one.value}, at_us, terms=terms, kinds={one.name: NUMBER})
        found = [batch.column(0) for batch in opened.session.batches(f"SELECT v0 FROM ({query}) WHERE v0 IS NOT NULL")]
        values = np.sort(pa.chunked_array(found, pa.float64()).to_numpy())
        for percent in one.percents if len(values) else ():
            yield Told(one.name, percent, float(values[_place(percent, len(values))]), len(values))


def _place(percent: float, people: int) -> int:
    """Of so many ascending values, the first that so many percent do not exceed; exact, as 0.07 * 100 is not 7."""
    return max(1, math.ceil(Fraction(str(percent)) * people / 100)) - 1


# ---- when ------------------------------------------------------------------------------------------------------------


def scheduled(settings: ThresholdSettings, zone: str, last_us: int) -> int | None:
    """The first instant after `last_us` at which thresholds are to be worked out anew; None: never by themselves."""
    if settings.every:
        every_us = parse_duration(settings.every)
        assert every_us is not None
        return last_us + every_us
    if not settings.at:
        return None
    hour, minute = map(int, settings.at.split(":"))
    table = zones.zone(zone) or zones.known("UTC")
    return zones.next_time(table, last_us + 1, hour * 60 + minute)


class Thresholds:
    """Works out what the plan in force of a house compares with, when it is time."""

    def __init__(self, house: House, history: History) -> None:
        self._house = house
        self._history = history
        self._missed: dict[tuple[str, float], int] = {}
        """What nobody had a value of, and when that was."""
        self._read: tuple[int, list[Compared]] = (0, [])

    def next_turn(self) -> int | None:
        """The instant at which something is to be worked out; None where the plan compares with nothing."""
        found = self._plan()
        if found is None:
            return None
        plan, state = found
        wanted = self._wanted(plan)
        if not wanted:
            return None
        zone = plan.plan.publish.settings.get(TIME_ZONE, "UTC")
        settings = self._house.settings.thresholds
        nexts = []
        for one in wanted:
            for percent in one.percents:
                known = state.thresholds.get(one.name, {}).get(percent)
                last = max(known.received_at if known is not None else 0, self._missed.get((one.name, percent), 0))
                nexts.append(scheduled(settings, zone, last) if last else 0)
        return min((at for at in nexts if at is not None), default=None)

    def turn(self) -> list[Told]:
        """Work them out if it is time. Raises TransientError where the world fails."""
        at = self.next_turn()
        return self.tell() if at is not None and at <= self._house.clock.now_us() else []

    def tell(self) -> list[Told]:
        """Work all of them out now, and put them on the log."""
        house, found = self._house, self._plan()
        if found is None or not (wanted := self._wanted(found[0])):
            return []
        now_us = house.clock.now_us()
        with self._history.open() as opened:
            told = list(work_out(opened, wanted, now_us, terms_of(found[0].plan.publish)))
        self._missed = {(one.name, percent): now_us for one in wanted for percent in one.percents}
        if told:
            records = [encode(Threshold(now_us, one.metric, one.percent, one.value)) for one in told]
            house.log.append({0: records})
            house.bells.ring("work-0")
            _logger.info("thresholds: %s", ", ".join(f"{one.metric} {one.percent:g} %: {one.value:g}" for one in told))
        return told

    def _plan(self) -> tuple[PlanState, PartitionState] | None:
        plan = self._house.plan(0)
        if plan is None:
            return None
        return plan, decode_partition(self._house.store(0).checkpoint().partition_state)

    def _wanted(self, plan: PlanState) -> list[Compared]:
        if self._read[0] != plan.plan.version:
            self._read = plan.plan.version, compared(read_published(plan.plan.publish))
        return self._read[1]
