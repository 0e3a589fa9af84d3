"""The newest instant in a data folder, where its own clock goes on."""

from collections.abc import Callable
from pathlib import Path

from tactful.adapters.installation import Installation
from tactful.events.records import Plan, Record, decode
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings


def newest(data: Path) -> Callable[[Clock], int]:
    """By the last record of each partition."""

    def look(clock: Clock) -> int:
        house = Installation(data, Settings(), clock, read_only=True)
        try:
            ends = [(partition, house.log.end(partition)) for partition in range(house.partitions)]
            read = [house.log.read(partition, end - 1, 1) for partition, end in ends if end]
            return max((_received_at(decode(body)) for records in read for _, body in records), default=0)
        finally:
            house.close()

    return look


def _received_at(record: Record | Plan) -> int:
    return 0 if isinstance(record, Plan) else record.received_at
