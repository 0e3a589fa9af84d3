"""What partitions decided and the lake does not have: items of the history from trail and log, and the tail of them.

Derived rows say what was decided, the log has the bodies. A record that was passed on from another partition stands in
the own log as well, inside of what brought it; so nearly all that a stretch of positions needs is the same stretch of
the log, and nothing is lost where the other partition's log was trimmed meanwhile.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

import numpy as np
import pyarrow as pa
from msgspec import Struct

from tactful.errors import TransientError
from tactful.events.derived import REF_BITS, place, ref
from tactful.events.records import Between, Forwarded, Passed, Record, Take, decode, decode_all, decode_told
from tactful.history.cells import Item
from tactful.history.columns import Batch
from tactful.history.kept import Bodies, Calls, Sifted
from tactful.history.lake import Snapshot
from tactful.history.own import with_own
from tactful.history.producer import produce, read_groups
from tactful.history.tail import Rest
from tactful.language.sql.layout import EVENTS, Layout
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log
from tactful.runtime.seals import Seals

READ = 20_000
"""Positions at a time, about."""
MOST_BYTES = 128 << 20
"""Of records at a time, about: fewer positions where calls are large."""
_LOOK = 2_000
"""Records of one look into the log: what it gives is put together while a processor's cache still holds it."""


class Stretch(Struct, frozen=True):
    """All that a partition decided behind `after` and up to `upto`."""

    partition: int
    after: int
    upto: int
    calls: Calls | None = None
    """As they stand in the log."""
    items: Sequence[Item] = ()
    """Everything else."""
    size: int = 0
    """Bytes of the records."""

    def into(self, batch: Batch) -> None:
        if self.calls is not None:
            batch.pack(self.calls)
        batch.take(self.items)


def stretch(
    log: Log, trail: Trail, partition: int, after: int, limit: int = READ, most_bytes: int = MOST_BYTES
) -> Stretch:
    """The next positions behind `after`; empty, with `upto` where it was, where nothing was decided yet. Raises
    TransientError where the log no longer has what the rows speak of."""
    end = trail.end(partition)
    if end <= after:
        return Stretch(partition, after, after)
    upto = min(end, after + limit)
    sifted = Sifted(partition, after)
    for blob in trail.between(partition, after + 1, upto):
        sifted.take(read_groups(blob))
    # Pieces are whole: what they hold beyond what was asked for need not be read again.
    upto = max(upto, sifted.upto)
    if not sifted.first:
        return Stretch(partition, after, upto)
    # Of records before the first row nothing is needed, and the log may have been trimmed up to there.
    records = _Records(log, partition, sifted.first - 1, upto, most_bytes)
    if records.upto < upto:
        # So many, and what else the last piece holds, however large that is.
        return stretch(log, trail, partition, after, records.upto - after, sys.maxsize)
    calls, others = sifted.calls(records.bodies, records.__getitem__)
    items = [*others, *produce(partition, sifted.rest, records.__getitem__)]
    return Stretch(partition, after, upto, calls, items, records.size)


class _Records(dict[int, Record | Between]):
    """The records of a stretch of one partition's log, by ref, with those that came inside of others; what else is
    asked for is read from where it entered."""

    def __init__(self, log: Log, partition: int, after: int, upto: int, most_bytes: int) -> None:
        """Up to `upto`, or less far where that would be many more bytes than `most_bytes`."""
        super().__init__()
        self._log = log
        self.upto, self.size = after, 0
        self.bodies = Bodies(partition, after + 1, self._bodies(partition, upto, most_bytes))
        if self.upto < upto:
            return
        for record in decode_all(self.bodies.others()):
            if type(record) is Forwarded:
                told = decode_told(record.record)
                if isinstance(told, Passed | Take) and told.ref:
                    self.setdefault(told.ref, told)

    def _bodies(self, partition: int, upto: int, most_bytes: int) -> Iterator[list[bytes]]:
        while self.upto < upto and self.size < most_bytes:
            read = self._log.read(partition, self.upto, min(_LOOK, upto - self.upto))
            if not read or read[0][0] != self.upto + 1:
                raise _lost(partition, self.upto + 1)
            bodies = [body for _, body in read]
            self.upto = read[-1][0]
            self.size += sum(map(len, bodies))
            yield bodies

    def __missing__(self, number: int) -> Record | Between:
        body = self.bodies.body(number)
        if body is None:
            partition, position = place(number)
            read = self._log.read(partition, position - 1, 1)
            if not read or read[0][0] != position:
                raise _lost(partition, position)
            body = read[0][1]
        record = self[number] = decode(body)
        return record


def _lost(partition: int, position: int) -> TransientError:
    return TransientError(
        f"record {position} of partition {partition} is gone from the log, and the lake has not got it: it was "
        "removed, or [history] location names another place than before. Bring the lake (or else the log) back "
        "from a backup, or begin a new lake with `tactful lake begin`; nothing is trimmed meanwhile"
    )


class _Piece(Struct, frozen=True):
    partition: int
    after: int
    upto: int
    tables: Mapping[str, pa.Table]


class LiveTail:
    """The port `Tail` over log and trail. What was made once is kept until the lake has it; for several threads."""

    def __init__(self, log: Log, trail: Trail, name: str = "") -> None:
        """`name` is the installation's."""
        self._log = log
        self._trail = trail
        self._seals = Seals(log, name)
        self._is_known = False
        """The lake was found to be of this log: who puts another in its place starts the server anew."""
        self._pieces: dict[int, list[_Piece]] = {}
        self._lock = Lock()

    def demand(self, lake: Snapshot) -> None:
        if not self._is_known:
            self._seals.demand(lake.positions, lake.seals() if lake.positions else {})
            self._is_known = bool(lake.positions)

    def since(self, positions: Mapping[int, int], layout: Layout) -> Rest:
        with self._lock:
            found: list[_Piece] = []
            upto: dict[int, int] = {}
            for partition in range(self._log.partitions):
                after = positions.get(partition, 0)
                pieces = self._brought_up(partition, after)
                found += [_behind(piece, after) for piece in pieces]
                upto[partition] = pieces[-1].upto if pieces else after
        return Rest(_together(found, layout), upto)

    def _brought_up(self, partition: int, after: int) -> list[_Piece]:
        """Pieces without a hole from `after` on to what is decided now."""
        pieces = [piece for piece in self._pieces.get(partition, []) if piece.upto > after]
        if pieces and pieces[0].after > after:
            pieces = []  # Somebody asks of an older lake.
        at = pieces[-1].upto if pieces else after
        while (read := stretch(self._log, self._trail, partition, at)).upto > at:
            batch = Batch()
            read.into(batch)
            pieces.append(_Piece(partition, at, read.upto, batch.tables()))
            at = read.upto
        self._pieces[partition] = pieces
        return list(pieces)


def _behind(piece: _Piece, after: int) -> _Piece:
    """Without what was decided up to there."""
    if piece.after >= after:
        return piece
    least = ref(piece.partition, after) | ((1 << REF_BITS) - 1)
    tables = {
        name: rows.filter(pa.array(np.asarray(rows.column("applied")) > least)) for name, rows in piece.tables.items()
    }
    return _Piece(piece.partition, after, piece.upto, tables)


def _together(pieces: Sequence[_Piece], layout: Layout) -> dict[str, pa.Table]:
    names = {name for piece in pieces for name in piece.tables}
    found = {name: pa.concat_tables([one.tables[name] for one in pieces if name in one.tables]) for name in names}
    if EVENTS in found:
        found[EVENTS] = with_own(found[EVENTS], layout)
    return found
