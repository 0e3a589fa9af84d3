"""Rows of the history by hand: of one record that was kept, of one decision."""

from collections.abc import Sequence

from tactful.consent.permits import ConsentWrite
from tactful.events.derived import ConsentChanged, EventKept, Group, RecordKept, place
from tactful.events.derived import Row as Derived
from tactful.events.records import Consent, Enter, Event, Score, Threshold, Unmerge
from tactful.history.cells import Fragment, Row
from tactful.history.producer import produce
from tactful.history.unfolding import unfolded

KINDS = {Consent: "consent", Score: "score", Enter: "enter", Unmerge: "unmerge", Threshold: "threshold"}


def rows(record: Event | Consent | Score | Enter | Unmerge | Threshold, ref: int, epoch: int = 1) -> list[Row]:
    """What the history says of a record at this place, which was kept there and then."""
    kept: Derived
    if isinstance(record, Event):
        kept = EventKept(record.timestamp, record.name, ref, epoch=epoch)
    else:
        kept = RecordKept(record.received_at, KINDS[type(record)], ref, epoch)  # type: ignore[arg-type]  # one of them
    partition, position = place(ref)
    group = Group(position, "" if isinstance(record, Threshold) else record.key, 0, (kept,))
    return [row for item in produce(partition, [group], lambda _: record) for row in unfolded(item)]


def decided(by: Fragment, covered: Sequence[Fragment], purpose: str, write: ConsentWrite) -> list[Row]:
    """A decision that entered at `by` and covers these fragments, that one first."""
    assert covered[0] == by
    partition, position = place(write.ref)
    changed = ConsentChanged(
        write.received_at,
        purpose,
        write.granted,
        write.origin,
        write.text_version,
        key=by[0],
        timestamp=write.timestamp,
        ref=write.ref,
        received_at=write.received_at,
        epoch=by[1],
        covers=tuple(f"{identifier}#{epoch}" for identifier, epoch in covered[1:]),
        is_hearsay=write.is_hearsay,
    )
    group = Group(position, by[0], 0, (changed,))
    return [row for item in produce(partition, [group], _nothing) for row in unfolded(item)]


def _nothing(ref: int) -> Event:
    raise AssertionError(ref)
