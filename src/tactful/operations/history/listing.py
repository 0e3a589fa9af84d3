"""Listing: every kept event, as it was accepted (`tactful events`).

Kept is what step() took in, and the trail knows where that stands: a repeat or a refused call stands in the log too and
is not listed. What was kept without identifiers is printed without them. The rows of a trail are nearly in order of
receipt, so a small heap per partition puts them in order, and partitions are merged. A row may tell of an event that
entered elsewhere, at an identifier of the same person. What the lake has comes from there, since the log may be
trimmed; but for what was kept without identifiers, which only the log has.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

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

if TYPE_CHECKING:  # Arrow is slow to import, and every command imports this.
    from tactful.operations.history.opened import Opened

_json = msgspec.json.Decoder(dict[str, Any])
READ = 1000
DISORDER = 5000
"""Records by which a group commit may be out of order of receipt."""
IMPERSONAL = ("app", "campaign", "library", "locale", "os", "screen", "timezone")
"""What of a context says nothing about who it was."""

Listed = tuple[int, int, int, bytes, bool]
"""(received_at, partition, position, encoded record, whether it was kept without identifiers)."""
Told = tuple[int, int, int, dict[str, Any]]
"""(received_at, partition, position, the event as it is printed)."""
_ARCHIVED = """
SELECT received_at, ref, message_id, kind, name, ids, timestamp, properties.json, context.json FROM events
WHERE name IS NOT NULL ORDER BY received_at, ref % 1024, ref
"""
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

    def __init__(self, log: Log, trail: Trail, rules: Rules, lake: "Opened | None" = None) -> None:
        """`lake`: what is archived, without a tail; to stay open until `fresh` was read once."""
        self._log = log
        self._trail = trail
        self._rules = rules
        self._lake = lake
        self._archived = lake.positions if lake is not None else {}
        self._after = {partition: log.start(partition) for partition in range(log.partitions)}

    def fresh(self) -> Iterator[dict[str, Any]]:
        """What was kept since the last call, by (receivedAt, partition, position)."""
        streams = [self._told(_in_order(self._partition(partition))) for partition in self._after]
        if self._lake is not None:
            streams.append(_archived(self._lake))
            self._lake = None
        for *_, told in heapq.merge(*streams, key=lambda told: told[:3]):
            yield told

    def _told(self, stream: Iterator[Listed]) -> Iterator[Told]:
        for received_at, partition, position, body, is_anonymous in stream:
            event = _event(body)
            values = without_identifiers(event, self._rules(event)) if is_anonymous else as_values(event)
            yield received_at, partition, position, values

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
                is_archived = group.position <= self._archived.get(partition, 0)
                for row in group.rows:
                    if isinstance(row, EventKept) and not is_archived:
                        entry, position = place(row.ref)
                        kept.setdefault(entry, {})[position] = False
                    elif isinstance(row, EventRefused) and row.verdict == "anonymous":
                        entry, position = place(row.ref)
                        kept.setdefault(entry, {})[position] = True
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


def _archived(lake: "Opened") -> Iterator[Told]:
    for batch in lake.session.batches(_ARCHIVED):
        for received_at, number, message_id, kind, name, ids, timestamp, properties, context in zip(
            *(column.to_pylist() for column in batch.columns), strict=True
        ):
            said = _json.decode(properties), _json.decode(context)
            yield received_at, *place(number), _as_values(message_id, kind, name, ids, timestamp, received_at, *said)


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
    said = unpack(event.properties), unpack(event.context)
    return _as_values(event.message_id, event.kind, event.name, event.ids, event.timestamp, event.received_at, *said)


def _as_values(
    message_id: str,
    kind: str,
    name: str,
    keys: Sequence[str],
    timestamp: int,
    received_at: int,
    properties: dict[str, Any],
    context: dict[str, Any],
) -> dict[str, Any]:
    ids = {kind: next((key[2:] for key in keys if key[0] == kind), None) for kind in ("u", "a")}
    has_traits = kind in ("identify", "group")
    return {
        "messageId": message_id,
        "type": kind,
        "event": name if kind in ("track", responses.KIND) else None,
        "userId": ids["u"],
        "anonymousId": ids["a"],
        "timestamp": format_time(timestamp),
        "receivedAt": format_time(received_at),
        "properties": {} if has_traits else properties,
        "traits": properties if has_traits else {},
        "context": context,
    }
