"""What pages, probes and the read API ask."""

from pathlib import Path
from typing import TYPE_CHECKING

from tactful.adapters.installation import Installation
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings

if TYPE_CHECKING:
    from tactful.app.histories import Histories
    from tactful.operations.history.opened import History


def reader(clock: Clock, data: Path, settings: Settings | None = None) -> Reader:
    """Opened in the thread that asks it. `settings` say where the lake lies."""
    house = Installation(data, settings or Settings(), clock, read_only=True)
    histories = _Lazy(house)
    return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine, histories.newest)


class _Lazy:
    """Slow to import, and not wanted by everybody who reads."""

    def __init__(self, house: Installation) -> None:
        self._house = house
        self._found: Histories | None = None

    def newest(self) -> "History":
        if self._found is None:
            from tactful.app.histories import Histories

            self._found = Histories(self._house)
        return self._found.newest()
