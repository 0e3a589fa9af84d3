"""Calls that were kept, of a stretch of one partition's log, as they stand there: nearly all that a history has.

A derived row says which record was kept, as whose and where; the record itself stands in the log as it did when it was
received. Unless something more is to be known of it (it was mended, or a trait of it was refused) nothing needs to be
made of either, before history/packed.py turns thousands of them into columns. Pure.
"""

from collections.abc import Sequence
from itertools import chain, compress
from operator import attrgetter
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tactful.events.derived import REF_BITS, EventKept, Group, Row, TraitRefused
from tactful.events.records import CALL, Event, decode
from tactful.history.cells import KeptEvent
from tactful.history.producer import READS
from tactful.history.spans import Packed, Places

_KEPT, _REFUSED = 1, 2
_ref, _epoch, _mended, _position = map(attrgetter, ("ref", "epoch", "mended", "position"))


class _Kinds(dict[type, int]):
    """0: nothing that the history has."""

    def __missing__(self, kind: type) -> int:
        return self.setdefault(kind, 0)


_KINDS = _Kinds(dict.fromkeys(READS, 3) | {EventKept: _KEPT, TraitRefused: _REFUSED})


class Bodies:
    """Records of one partition, one behind another, the first of which stands at `first`."""

    def __init__(self, partition: int, first: int, bodies: Sequence[bytes]) -> None:
        self._partition, self._first = partition, first
        self.packed = Packed(bodies)
        self.end = np.cumsum(np.fromiter(map(len, bodies), np.int64, len(bodies)))
        self.begin = np.concatenate((np.zeros(1, np.int64), self.end[:-1]))[: len(bodies)]
        self.are_calls = self.packed.holds(self.begin, CALL)
        """Events that have all their fields; older ones may lack the last."""

    def places(self, refs: Places) -> Places:
        """Where the records stand among these; -1 for those that do not."""
        places: Places = (refs >> REF_BITS) - self._first
        is_here = (refs & ((1 << REF_BITS) - 1) == self._partition) & (places >= 0) & (places < len(self.begin))
        return np.where(is_here, places, -1)

    def body(self, ref: int) -> bytes | None:
        (place,) = self.places(np.array([ref], np.int64)).tolist()
        return self.packed.body[self.begin[place] : self.end[place]] if place >= 0 else None


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

    def opened(self, place: int) -> KeptEvent:
        event = decode(self.packed.body[self.begin[place] : self.end[place]])
        assert isinstance(event, Event), f"a call that is none: {event}"
        return KeptEvent(event, int(self.epochs[place]), int(self.refs[place]), int(self.applied[place]))


def sorted_out(partition: int, groups: Sequence[Group], bodies: Bodies) -> tuple[Calls, list[Group]]:
    """The calls; and the groups that say anything else, with what they say."""
    every = [group.rows for group in groups]
    rows = list(chain.from_iterable(every))
    kinds = np.frombuffer(bytes(map(_KINDS.__getitem__, map(type, rows))), np.uint8)
    owners = np.repeat(np.arange(len(groups)), np.fromiter(map(len, every), np.int64, len(groups)))
    of_calls = kinds == _KEPT
    if (kinds == _REFUSED).any():
        of_calls &= ~np.isin(owners, owners[kinds == _REFUSED])
    kept: list[Any] = list(compress(rows, of_calls))  # EventKept, or its like that producer.read_groups gives.
    refs = np.fromiter(map(_ref, kept), np.int64, len(kept))
    places = bodies.places(refs)
    fine = (places >= 0) & bodies.are_calls[places]
    if any(map(_mended, kept)):
        fine &= [not row.mended for row in kept]
    taken = np.flatnonzero(of_calls)[fine]
    places = places[fine]
    positions = np.fromiter(map(_position, groups), np.int64, len(groups))[owners[taken]]
    calls = Calls(
        bodies.packed,
        bodies.begin[places],
        bodies.end[places],
        np.fromiter(map(_epoch, kept), np.int64, len(kept))[fine],
        refs[fine],
        positions << REF_BITS | partition,
    )
    is_left = kinds > 0
    is_left[taken] = False
    left: dict[int, list[Row]] = {}
    for place in np.flatnonzero(is_left).tolist():
        left.setdefault(int(owners[place]), []).append(rows[place])
    return calls, [replace(groups[owner], rows=tuple(held)) for owner, held in left.items()]
