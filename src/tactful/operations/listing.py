"""Listing: every kept event, as it was accepted (`tactful events`).

Kept is what step() took in, and the trail knows where that stands: a repeat or a refused call stands in the log too and
is not listed. What was kept without identifiers is printed without them. The rows of a trail are nearly in order of
receipt, so a small heap per partition puts them in order, and partitions are merged. A row may tell of an event that
entered elsewhere, at an identifier of the same person.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tactful.events import responses
from tactful.events.addressed import event_of
from tactful.events.derived import EventKept, EventRefused, decode_groups, place
from tactful.events.records import Event, decode, unpack
from tactful.events.tracking import EventRule, without_personal
from tactful.kernel.plan import UnknownAggregate, compiled
from tactful.kernel.state import PlanState
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log
from tactful.values import format_time

READ = 1000
DISORDER = 5000
"""Records by which a group commit may be out of order of receipt."""
IMPERSONAL = ("app", "campaign", "library", "locale", "os", "screen", "timezone")
"""What of a context says nothing about who it was."""

Listed = tuple[int, int, int, bytes, bool]
"""(received_at, partition, position, encoded record, whether it was kept without identifiers)."""
Rules = Callable[[Event], EventRule | None]
"""What the tracking plan says of an event."""


def rules_of(plan: PlanState | None) -> Rules:
    """Of a published plan; compiled when it is first asked for."""
    found: list[Rules] = []

    def rule(event: Event) -> EventRule | None:
        if not found:
            found.append(_rules(plan))
        return found[0](event)

    return rule


def _rules(plan: PlanState | None) -> Rules:
    try:
        reader = compiled(plan).reader if plan is not None else None
    except UnknownAggregate:  # Another version's plan, which no worker has taken over yet.
        reader = None
    return lambda event: reader(event.kind, event.name).rule if reader is not None else None


class Listing:
    """Goes through the partitions and remembers how far it came, so that a follower can ask again."""

    def __init__(self, log: Log, trail: Trail, rules: Rules) -> None:
        self._log = log
        self._trail = trail
        self._rules = rules
        self._after = {partition: log.start(partition) for partition in range(log.partitions)}

    def fresh(self) -> Iterator[dict[str, Any]]:
        """What was kept since the last call, by (receivedAt, partition, position)."""
        streams = [_in_order(self._partition(partition)) for partition in self._after]
        for _, _, _, body, is_anonymous in heapq.merge(*streams):
            event = _event(body)
            yield without_identifiers(event, self._rules(event)) if is_anonymous else as_values(event)

    def _partition(self, partition: int) -> Iterator[Listed]:
        end = self._trail.end(partition)
        while (after := self._after[partition]) < end:
            last = min(after + READ, end)
            yield from self._events(self._kept(partition, after + 1, last))
            self._after[partition] = last

    def _kept(self, partition: int, first: int, last: int) -> dict[int, dict[int, bool]]:
        """What the rows of positions first..last tell of: by partition and position of entry, whether it was kept
        without identifiers."""
        kept: dict[int, dict[int, bool]] = {}
        for blob in self._trail.between(partition, first, last):
            for group in decode_groups(blob):
                if not first <= group.position <= last:
                    continue
                for row in group.rows:
                    if isinstance(row, EventKept) or (isinstance(row, EventRefused) and row.verdict == "anonymous"):
                        entry, position = place(row.ref)
                        kept.setdefault(entry, {})[position] = isinstance(row, EventRefused)
        return kept

    def _events(self, kept: Mapping[int, Mapping[int, bool]]) -> Iterator[Listed]:
        """The events themselves, as far as the log still has them."""
        for partition, entries in kept.items():
            for position, body in self._records(partition, sorted(entries)):
                yield _event(body).received_at, partition, position, body, entries[position]

    def _records(self, partition: int, positions: list[int]) -> Iterator[tuple[int, bytes]]:
        """Records of the log at these ascending positions, read in stretches."""
        at = 0
        while at < len(positions):
            first = positions[at]
            stretch = [position for position in positions[at : at + READ] if position < first + READ]
            wanted = set(stretch)
            read = self._log.read(partition, first - 1, stretch[-1] - first + 1)
            yield from (record for record in read if record[0] in wanted)
            reached = read[-1][0] if read else stretch[-1]
            at += max(1, sum(position <= reached for position in stretch))


def _event(body: bytes) -> Event:
    """What a row of a kept event points at; where a step of a journey has set traits, it is in a record of its own."""
    event = event_of(decode(body))
    assert event is not None
    return event


def _in_order(stream: Iterator[Listed]) -> Iterator[Listed]:
    heap: list[Listed] = []
    for listed in stream:
        heapq.heappush(heap, listed)
        if len(heap) > DISORDER:
            yield heapq.heappop(heap)
    while heap:
        yield heapq.heappop(heap)


def without_identifiers(event: Event, rule: EventRule | None) -> dict[str, Any]:
    """An event that may be kept, of somebody who may not be known: without identifiers and traits, without what the
    tracking plan calls personal, and of the context only what many have."""
    values = as_values(event)
    context = {name: value for name, value in values["context"].items() if name in IMPERSONAL}
    properties = without_personal(rule, values["properties"])
    return {**values, "userId": None, "anonymousId": None, "properties": properties, "traits": {}, "context": context}


def as_values(event: Event) -> dict[str, Any]:
    """The face to the outside (DESIGN 9): one JSON object per event."""
    ids = {kind: next((key[2:] for key in event.ids if key[0] == kind), None) for kind in ("u", "a")}
    values = unpack(event.properties)
    has_traits = event.kind in ("identify", "group")
    return {
        "messageId": event.message_id,
        "type": event.kind,
        "event": event.name if event.kind in ("track", responses.KIND) else None,
        "userId": ids["u"],
        "anonymousId": ids["a"],
        "timestamp": format_time(event.timestamp),
        "receivedAt": format_time(event.received_at),
        "properties": {} if has_traits else values,
        "traits": values if has_traits else {},
        "context": unpack(event.context),
    }
