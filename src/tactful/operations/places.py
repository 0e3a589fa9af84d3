"""Looking things up for readers: events in the log by their place, groups of rows in the trail by theirs.

A reader comes beside running workers and never waits for them. Rows that are committed and not yet in the trail are
found in the store, so that a story has no gap at its newest end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from tactful.events.addressed import event_of
from tactful.events.derived import Group, decode_groups, place, ref
from tactful.events.identifiers import partition_of
from tactful.events.records import Event, decode, unpack
from tactful.kernel.state import PartitionState, decode_partition, decode_profile
from tactful.operations.stories import SeenEvent
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Checkpoint, Log, OutboxRow

EVENTS_BEHIND = 5
"""So many events are looked up for one predicate; the others are counted."""


class Intents(Protocol):
    """What reading needs of an Outbox."""

    def row(self, intent: str) -> OutboxRow | None: ...

    def rows(
        self, status: str | None = None, key: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]: ...

    def counts(self) -> dict[str, int]: ...

    def waiting_by_channel(self) -> dict[str, int]: ...

    def per_person(self, since_us: int) -> dict[int, int]: ...


class Counted(Protocol):
    """What reading needs of a Quarantine."""

    def counts(self) -> dict[str, int]: ...


class States(Protocol):
    """What reading needs of a Store."""

    def checkpoint(self) -> Checkpoint: ...

    def load(self, keys: Sequence[str]) -> dict[str, bytes]: ...

    def derived(self) -> list[tuple[int, int, bytes]]: ...


class People(States, Protocol):
    """What counting needs of a Store beside reading."""

    def keys_after(self, cursor: str, limit: int) -> list[str]: ...

    def sample(self, share: float, seed: int) -> dict[str, bytes]: ...

    def next_wake(self) -> int | None: ...


def state_of(states: States) -> PartitionState:
    """What a partition knows of itself."""
    body = states.checkpoint().partition_state
    return decode_partition(body) if body else PartitionState(0, 1)


def seen_event(partition: int, position: int, event: Event) -> SeenEvent:
    return SeenEvent(
        partition=partition,
        position=position,
        at=event.timestamp,
        received_at=event.received_at,
        kind=event.kind,
        name=event.name,
        key=event.key,
        source=event.source,
        message_id=event.message_id,
        properties=unpack(event.properties),
        ids=event.ids,
    )


class Places:
    """Remembers what it looked up; made anew for each question. `recall` gives events by ref that the log no longer
    has; it is asked once, and only where one is missing."""

    def __init__(
        self,
        log: Log,
        trail: Trail,
        states: Sequence[States],
        recall: Callable[[], Mapping[int, SeenEvent]] | None = None,
    ) -> None:
        self._log = log
        self._recall = recall
        self._recalled: Mapping[int, SeenEvent] | None = None
        self._trail = trail
        self._states = states
        self._events: dict[int, SeenEvent | None] = {}
        self._fresh: dict[int, list[tuple[int, int, bytes]]] = {}

    def event(self, number: int) -> SeenEvent | None:
        """The event at a ref, or None where it is no longer held."""
        if number not in self._events:
            self._events[number] = self._look_up(*place(number))
        return self._events[number]

    def _look_up(self, partition: int, position: int) -> SeenEvent | None:
        if position <= 0 or partition >= self._log.partitions:
            return None
        for at, body in self._log.read(partition, position - 1, 1):
            if at == position:
                event = event_of(decode(body))
                return seen_event(partition, position, event) if event is not None else None
        if self._recall is None or position > self._log.start(partition):
            return None
        if self._recalled is None:
            self._recalled = self._recall()
        return self._recalled.get(ref(partition, position))

    def newest(self, key: str) -> tuple[int, int]:
        """The home of an identifier, and the position of its newest group there (0: none)."""
        home = partition_of(key, len(self._states))
        body = self._states[home].load([key]).get(key)
        return home, decode_profile(body).tail if body is not None else 0

    def group(self, partition: int, position: int, key: str) -> Group | None:
        """One person's rows at a position."""
        body = self._trail.group(partition, position, key)
        if body is not None:
            return decode_groups(body)[0]
        return next((group for group in self._unrelayed(partition, position) if _is(group, position, key)), None)

    def _unrelayed(self, partition: int, position: int) -> Iterator[Group]:
        if partition not in self._fresh:
            self._fresh[partition] = self._states[partition].derived()
        for first, last, body in self._fresh[partition]:
            if first <= position <= last:
                yield from decode_groups(body)


def _is(group: Group, position: int, key: str) -> bool:
    return group.position == position and group.key == key
