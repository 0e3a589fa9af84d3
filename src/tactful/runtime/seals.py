"""Seals: by them it is known whether a lake and a log belong together.

With what the lake has goes, for each partition, a number that is made of the installation's name and of when its last
record was received. Whoever opens the lake makes the same numbers of the log. Where one is another, the two have
parted: the data folder was brought back from a backup and has grown again, or the lake is another folder's. Of what was
received and not of what it says: a record may be rewritten in its place, when somebody is erased.
"""

from collections.abc import Mapping
from hashlib import blake2b

from tactful.errors import TransientError
from tactful.events.records import Plan, decode
from tactful.runtime.ports import Log

_BYTES = 8


class Seals:
    """Of the log of the installation of this name (House.name)."""

    def __init__(self, log: Log, name: str = "") -> None:
        self._log = log
        self._name = name

    def of(self, positions: Mapping[int, int]) -> dict[int, int]:
        """By partition, from 0 to 2^63; without those whose record is not in the log."""
        found = {partition: self._seal(partition, position) for partition, position in positions.items()}
        return {partition: seal for partition, seal in found.items() if seal is not None}

    def parted(self, positions: Mapping[int, int], seals: Mapping[int, int]) -> str:
        """What does not fit between the log and a lake at these positions with these seals; "" where nothing is known
        that does not. Of a record that the log no longer has nothing is known."""
        for partition, position in sorted(positions.items()):
            if partition >= self._log.partitions:
                return f"the lake is of {len(positions)} partitions, and the log of {self._log.partitions}"
            if position > (end := self._log.end(partition)):
                return f"the lake has records up to {position} of partition {partition}, and the log ends at {end}"
        mine = self.of({partition: positions[partition] for partition in seals if partition in positions})
        for partition, seal in sorted(mine.items()):
            if seal != seals[partition]:
                return f"record {positions[partition]} of partition {partition} is not the one that the lake has"
        return ""

    def demand(self, positions: Mapping[int, int], seals: Mapping[int, int]) -> None:
        """Raises TransientError where they have parted, with the way out."""
        if parted := self.parted(positions, seals):
            raise TransientError(f"{parted}: {ADVICE}")

    def _seal(self, partition: int, position: int) -> int | None:
        at = received_at(self._log, partition, position) if position > 0 else None
        if at is None:
            return None
        text = f"{self._name} {partition} {position} {at}"
        return int.from_bytes(blake2b(text.encode(), digest_size=_BYTES).digest(), "big") >> 1


ADVICE = (
    "the data folder was brought back from a backup, or the lake is another folder's. Bring the lake back from the "
    "same time, let [history] location name a new place, or begin a new lake with `tactful lake begin`"
)
"""What to do where they have parted."""


def received_at(log: Log, partition: int, position: int) -> int | None:
    """When a record came in; None where the log does not have it."""
    read = log.read(partition, position - 1, 1)
    if not read or read[0][0] != position:
        return None
    record = decode(read[0][1])
    return record.publish.received_at if isinstance(record, Plan) else record.received_at
