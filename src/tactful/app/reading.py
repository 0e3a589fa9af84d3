"""What pages, probes and the read API ask."""

from pathlib import Path

from tactful.adapters.installation import Installation
from tactful.operations.history import History
from tactful.operations.reading import Reader
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings


def reader(clock: Clock, data: Path, settings: Settings | None = None) -> Reader:
    """Opened in the thread that asks it. `settings` say where the lake lies."""
    house = Installation(data, settings or Settings(), clock, read_only=True)

    def history() -> History:
        from tactful.app.histories import history_of  # Slow to import, and not wanted by everybody who reads.

        return history_of(house)

    return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine, history)
