"""Marks: up to where a table goes, whose pen has written it, and by how many buckets.

They are transactions of Delta (PROTOCOL.md, "Transaction Identifiers"), by which of two commits one is refused. But
deltalake reads the log anew for each of them that is asked for, dozens of requests where it lies on S3; so every commit
of ours says all of them in its info as well, which is one small file.
"""

import msgspec
from deltalake import DeltaTable
from deltalake.transaction import Transaction
from msgspec import Struct

from tactful.adapters.delta.places import Place, world

_POSITION, _PEN, _SEAL, _BUCKETS = "tactful-", "tactful-pen", "tactful-seal-", "tactful-buckets"
_INFO = "tactful.marks"
_LOOK = 8
"""Commits that are looked at before the log is: only ours that add columns or name the table's properties say none."""


class Marks(Struct, frozen=True):
    positions: dict[int, int] = {}
    """By partition, without a gap up to the last that was heard of."""
    seals: dict[int, int] = {}
    """Those that were committed last (runtime/seals.py)."""
    pen: int = 0
    buckets: int = 0
    """0: as many as there were at first."""

    def and_then(self, later: "Marks") -> "Marks":
        places = {**self.positions, **later.positions}, {**self.seals, **later.seals}
        return Marks(*places, later.pen, later.buckets or self.buckets)


def transactions(marks: Marks) -> list[Transaction]:
    """Of what a commit says anew."""
    found = [Transaction(_PEN, marks.pen)]
    found += [Transaction(f"{_POSITION}{one}", at) for one, at in sorted(marks.positions.items())]
    found += [Transaction(f"{_SEAL}{one}", at) for one, at in sorted(marks.seals.items())]
    return [*found, Transaction(_BUCKETS, marks.buckets)] if marks.buckets else found


def info(marks: Marks) -> dict[str, str]:
    """For the info of a commit."""
    return {_INFO: msgspec.json.encode(marks).decode()}


def marks_of(place: Place, table: str, then: DeltaTable) -> Marks:
    """Of this version."""
    newest = then.version()
    for version in range(newest, max(newest - _LOOK, -1), -1):
        body = place.commit(table, version)
        if body is None:
            break  # The log was shortened.
        for line in body.splitlines():
            if _INFO.encode() in line and (said := msgspec.json.decode(line).get("commitInfo", {}).get(_INFO)):
                return msgspec.json.decode(said, type=Marks)
    return _asked(place, table, then)


def _asked(place: Place, table: str, then: DeltaTable) -> Marks:
    """As the protocol has them."""
    positions, seals = dict[int, int](), dict[int, int]()
    with world(f"the lake could not be read ({place.uri(table)})"):
        while (at := then.transaction_version(f"{_POSITION}{len(positions)}")) is not None:
            positions[len(positions)] = at
        for one in positions:
            if (seal := then.transaction_version(f"{_SEAL}{one}")) is not None:
                seals[one] = seal
        pen, buckets = (then.transaction_version(one) or 0 for one in (_PEN, _BUCKETS))
        return Marks(positions, seals, pen, buckets)
