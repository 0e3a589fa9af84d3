"""What pages, probes and the read API ask."""

from pathlib import Path

from tactful.adapters.installation import Installation
from tactful.operations.reading import Reader
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings


def reader(clock: Clock, data: Path) -> Reader:
    """Opened in the thread that asks it."""
    house = Installation(data, Settings(), clock, read_only=True)
    return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine)
