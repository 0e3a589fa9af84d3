"""Relay: what a partition committed, passed on to where it leaves or is looked at: outbox, quarantine, ledger, trail.

Everything is told at least once, in the order of the commits, and each of the four knows what it was told before. The
trail comes last: what stands in it for good, the store forgets.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b

from tactful.consent.ledger import entry
from tactful.events.addressed import event_of
from tactful.events.derived import (
    ConsentChanged,
    EventRefused,
    Group,
    IntentMoved,
    SendMessage,
    decode_groups,
    place,
    ref,
)
from tactful.events.records import Event, decode
from tactful.events.written import call_of
from tactful.kernel.turn import Turn
from tactful.runtime.keeping import Ledger, Trail
from tactful.runtime.ports import Log, Moved, Outbox, Quarantine, Quarantined

IMPORT = "import:"
"""Of `Quarantined.call`: what is tried again is an import still, and starts nothing."""
Find = Callable[[int], Event | None]
"""The event at a ref; None where the log no longer has it."""


class Relay:
    """Of one partition."""

    def __init__(
        self, partition: int, log: Log, outbox: Outbox, quarantine: Quarantine, ledger: Ledger, trail: Trail
    ) -> None:
        self._partition = partition
        self._log = log
        self._outbox = outbox
        self._quarantine = quarantine
        self._ledger = ledger
        self._trail = trail

    def fresh(self, turn: Turn, first: int, last: int, derived: bytes) -> None:
        """What was just committed; most commits have nothing but rows for the trail."""
        if turn.intents:
            self._outbox.put(self._partition, turn.intents)
        if turn.moved:
            self._move(turn.moved)
        if turn.refused:
            events = {row.ref: event for event, row in turn.refused}
            self._refuse(turn.groups, events.get)
        if turn.decisions:
            self._decide(turn.decisions)
        if derived:
            self._trail.append(self._partition, first, last, derived)

    def again(self, first: int, last: int, derived: bytes) -> None:
        """What a process before this one committed, and perhaps passed on."""
        groups = decode_groups(derived)
        rows = [row for group in groups for row in group.rows]
        if intents := [row for row in rows if isinstance(row, SendMessage)]:
            self._outbox.put(self._partition, intents)
        self._move([row for row in rows if isinstance(row, IntentMoved)])
        self._refuse(groups, self._read)
        self._decide([row for row in rows if isinstance(row, ConsentChanged)])
        self._trail.append(self._partition, first, last, derived)

    def _move(self, rows: Iterable[IntentMoved]) -> None:
        moved = [Moved(row.intent, row.key, self._partition if row.key else -1, row.hop) for row in rows]
        if moved:
            self._outbox.moved(moved)

    def _refuse(self, groups: Iterable[Group], find: Find) -> None:
        """Where it was refused is a place in this partition, so that what was told before is known by it; where the
        event entered may be elsewhere."""
        items = [
            _quarantined(row, find(row.ref), ref(self._partition, group.position))
            for group in groups
            for row in group.rows
            if isinstance(row, EventRefused) and row.verdict == "quarantine"
        ]
        if items:
            self._quarantine.put(items)

    def _decide(self, rows: Iterable[ConsentChanged]) -> None:
        """Rows of before there was a ledger have no number."""
        entries = [entry(row) for row in rows if row.number]
        if entries:
            self._ledger.append(self._partition, entries)

    def _read(self, number: int) -> Event | None:
        partition, position = place(number)
        found = [decode(body) for at, body in self._log.read(partition, position - 1, 1) if at == position]
        return event_of(found[0]) if found else None


def _quarantined(row: EventRefused, event: Event | None, number: int) -> Quarantined:
    """An item that can be tried again. Without the event only its name and reason are left: size tells that there was
    more."""
    if event is None:
        return Quarantined(0, row.at, "", row.code, row.field, f"{row.name}: {row.message}", b"", 1, number)
    body = call_of(event)
    vouched = tuple(key for key in event.ids if key[0] in "uep") if event.is_verified else ()
    told = event.received_at, event.source, row.code, row.field, row.message
    return Quarantined(0, *told, body, len(body), number, vouched, _call_of(event))


def _call_of(event: Event) -> str:
    """Without its timestamp, which is put right by when the call was sent."""
    said = (event.message_id, event.kind, event.name, *event.ids, *(("verified",) if event.is_verified else ()))
    digest = call_digest(*(one.encode("utf-8", "surrogatepass") for one in said), event.properties, event.context)
    return IMPORT + digest if event.is_import else digest


def call_digest(*parts: bytes) -> str:
    """Of what a refused call says (Quarantined.call)."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


def untold(items: Sequence[Quarantined], told: Mapping[int, int]) -> tuple[list[Quarantined], dict[int, int]]:
    """For adapters of the quarantine: what was not put before, given the highest position put of each partition, and
    what that is now."""
    new, highest = [], dict(told)
    for one in items:
        partition, position = place(one.ref)
        if one.ref and position <= told.get(partition, 0):
            continue
        new.append(one)
        if one.ref:
            highest[partition] = max(position, highest.get(partition, 0))
    return new, highest
