"""Listing: every kept event, as it was accepted (`tactful events`).

Kept is what step() took in: a repeat stands in the log too and is not listed; the trail knows which positions are. A
log is nearly in order of receipt, so a small heap per partition puts it in order, and partitions are merged.
"""

import heapq
from collections.abc import Iterator
from typing import Any

from tactful.events.derived import EventKept, decode_groups
from tactful.events.records import Event, decode, unpack
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log
from tactful.values import format_time

READ = 1000
DISORDER = 5000
"""Records by which a group commit may be out of order of receipt."""

Kept = tuple[int, int, int, bytes]


class Listing:
    """Goes through the partitions and remembers how far it came, so that a follower can ask again."""

    def __init__(self, log: Log, trail: Trail) -> None:
        self._log = log
        self._trail = trail
        self._after = dict.fromkeys(range(log.partitions), 0)

    def fresh(self) -> Iterator[dict[str, Any]]:
        """What was kept since the last call, by (receivedAt, partition, position)."""
        streams = [_in_order(self._partition(partition)) for partition in self._after]
        for _, _, _, body in heapq.merge(*streams):
            event = decode(body)
            assert isinstance(event, Event)
            yield as_values(event)

    def _partition(self, partition: int) -> Iterator[Kept]:
        end = self._trail.end(partition)
        while self._after[partition] < end:
            records = self._log.read(partition, self._after[partition], READ)
            records = [record for record in records if record[0] <= end]
            if not records:
                break
            kept = self._kept(partition, records[0][0], records[-1][0])
            for position, body in records:
                if position in kept:
                    yield decode(body).received_at, partition, position, body  # type: ignore[union-attr]  # an Event
            self._after[partition] = records[-1][0]

    def _kept(self, partition: int, first: int, last: int) -> set[int]:
        """Positions of kept events from first to last."""
        kept: set[int] = set()
        for blob in self._trail.between(partition, first, last):
            for group in decode_groups(blob):
                if any(isinstance(row, EventKept) for row in group.rows):
                    kept.add(group.position)
        return kept


def _in_order(stream: Iterator[Kept]) -> Iterator[Kept]:
    heap: list[Kept] = []
    for kept in stream:
        heapq.heappush(heap, kept)
        if len(heap) > DISORDER:
            yield heapq.heappop(heap)
    while heap:
        yield heapq.heappop(heap)


def as_values(event: Event) -> dict[str, Any]:
    """The face to the outside (DESIGN 9): one JSON object per event."""
    ids = {kind: next((key[2:] for key in event.ids if key[0] == kind), None) for kind in ("u", "a")}
    values = unpack(event.properties)
    has_traits = event.kind in ("identify", "group")
    return {
        "messageId": event.message_id,
        "type": event.kind,
        "event": event.name if event.kind == "track" else None,
        "userId": ids["u"],
        "anonymousId": ids["a"],
        "timestamp": format_time(event.timestamp),
        "receivedAt": format_time(event.received_at),
        "properties": {} if has_traits else values,
        "traits": values if has_traits else {},
        "context": unpack(event.context),
    }
