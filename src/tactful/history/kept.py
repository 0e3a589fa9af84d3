"""Calls that were kept, of a stretch of one partition's log, as they stand there: nearly all that a history has.

A derived row says which record was kept, as whose and where; the record itself stands in the log as it did when it was
received. Unless something more is to be known of it (it was mended, or a trait of it was refused) nothing needs to be
made of either, before history/packed.py turns thousands of them into columns. Pure.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tactful.events.derived import REF_BITS, EventKept, Group, Row, TraitRefused, place
from tactful.events.records import CALL, Event, decode
from tactful.history.cells import Item, KeptEvent
from tactful.history.producer import READS, Find, kept_at
from tactful.history.spans import Packed, Places


class Bodies:
    """Records of one partition, one behind another, the first of which stands at `first`."""

    def __init__(self, partition: int, first: int, bodies: Iterable[Sequence[bytes]]) -> None:
        """As many at a time as come."""
        self._partition, self._first = partition, first
        sizes: list[int] = []
        together: list[bytes] = []
        for some in bodies:
            sizes += map(len, some)
            together.append(b"".join(some))
        self.packed = Packed(together)
        self.end = np.cumsum(np.array(sizes, np.int64))
        self.begin = self.end - np.array(sizes, np.int64)
        self.are_calls = self.packed.holds(self.begin, CALL)
        """Events that have all their fields; older ones may lack the last."""

    def places(self, refs: Places) -> Places:
        """Where the records stand among these; -1 for those that do not."""
        places: Places = (refs >> REF_BITS) - self._first
        is_here = (refs & ((1 << REF_BITS) - 1) == self._partition) & (places >= 0) & (places < len(self.begin))
        return np.where(is_here, places, -1)

    def others(self) -> list[bytes]:
        """Records that are no calls."""
        return [self._at(at) for at in np.flatnonzero(~self.are_calls).tolist()]

    def body(self, ref: int) -> bytes | None:
        partition, position = place(ref)
        at = position - self._first
        return self._at(at) if partition == self._partition and 0 <= at < len(self.begin) else None

    def _at(self, at: int) -> bytes:
        return self.packed.body[self.begin[at] : self.end[at]]


class Calls(Struct, frozen=True):
    """As they stand in the log; each array has an entry for each call."""

    packed: Packed
    begin: Places
    end: Places
    epochs: Places
    refs: Places
    applied: Places

    def __len__(self) -> int:
        return len(self.begin)

    def opened(self, at: int) -> KeptEvent:
        event = decode(self.packed.body[self.begin[at] : self.end[at]])
        assert isinstance(event, Event), f"a call that is none: {event}"
        return KeptEvent(event, int(self.epochs[at]), int(self.refs[at]), int(self.applied[at]))


class Sifted:
    """What derived rows say, group by group: which calls were kept, and all else that the history has."""

    def __init__(self, partition: int, after: int) -> None:
        """Behind this position."""
        self._partition = partition
        self._after = after
        self.first, self.upto = 0, after
        """The positions of the first group and of the last; 0: there was none."""
        self.rest: list[Group] = []
        """What they say beside calls."""
        self._refs: list[int] = []
        self._epochs: list[int] = []
        self._positions: list[int] = []

    def take(self, groups: Sequence[Group]) -> None:
        """The next; few at a time, so that a processor's cache holds them."""
        if groups and groups[0].position <= self._after:
            groups = [group for group in groups if group.position > self._after]
        if not groups:
            return
        self.first, self.upto = self.first or groups[0].position, groups[-1].position
        refs, epochs, positions = self._refs.append, self._epochs.append, self._positions.append
        for group in groups:
            rows = group.rows
            if len(rows) == 1 and type(row := rows[0]) is EventKept and not row.mended:  # By far the most.
                refs(row.ref)
                epochs(row.epoch)
                positions(group.position)
            else:
                self._sort_out(group)

    def _sort_out(self, group: Group) -> None:
        kept: list[EventKept] = []
        left: list[Row] = []
        for row in group.rows:
            if type(row) is EventKept and not row.mended:
                kept.append(row)
            elif type(row) in READS:
                left.append(row)
        if left:
            if any(type(row) is TraitRefused for row in left):
                self.rest.append(group)
                return
            self.rest.append(replace(group, rows=tuple(left)))
        for one in kept:
            self._refs.append(one.ref)
            self._epochs.append(one.epoch)
            self._positions.append(group.position)

    def calls(self, bodies: Bodies, find: Find) -> tuple[Calls, list[Item]]:
        """Those that stand among these as calls do, and the others."""
        refs, epochs = np.array(self._refs, np.int64), np.array(self._epochs, np.int64)
        applied = np.array(self._positions, np.int64) << REF_BITS | self._partition
        places = bodies.places(refs)
        fine = places >= 0
        fine[fine] = bodies.are_calls[places[fine]]
        places = places[fine]
        calls = Calls(bodies.packed, bodies.begin[places], bodies.end[places], epochs[fine], refs[fine], applied[fine])
        odd = zip(refs[~fine].tolist(), epochs[~fine].tolist(), applied[~fine].tolist(), strict=True)
        return calls, [KeptEvent(kept_at(ref, find), epoch, ref, at) for ref, epoch, at in odd]
