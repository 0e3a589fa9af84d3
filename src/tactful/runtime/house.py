"""House: one data folder with everything in it, as faces and operations see it. Built by app/ only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tactful.kernel.state import PlanState
from tactful.runtime.keeping import Ledger, Trail
from tactful.runtime.office import Office
from tactful.runtime.ports import Bells, Clock, Log, Outbox, Quarantine, Store
from tactful.runtime.seeds import Seeds
from tactful.runtime.settings import Settings
from tactful.runtime.worker import Worker


class House(Protocol):
    """Opened for reading beside a running server, or for changing."""

    @property
    def data(self) -> Path: ...
    @property
    def name(self) -> str:
        """Of the installation: drawn when it was made, and no other's; "" where it was made before there were any."""
        ...

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def log(self) -> Log: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def trail(self) -> Trail: ...
    @property
    def quarantine(self) -> Quarantine: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def office(self) -> Office: ...
    @property
    def bells(self) -> Bells: ...
    @property
    def seeds(self) -> Seeds: ...

    def store(self, partition: int) -> Store:
        """The store of a partition, for reading."""
        ...

    def plan(self, partition: int) -> PlanState | None:
        """The plan in force in a partition; None before the first."""
        ...

    def stores(self) -> Sequence[Store]: ...

    def link_keys(self) -> dict[int, bytes]:
        """Keys of signed links by number; made on first use."""
        ...

    def worker(self, partition: int, clock: Clock, *, claims: bool = True) -> Worker:
        """A worker that owns the partition from now on; without `claims` it hands nothing over to be sent."""
        ...

    def look_over(self) -> None:
        """Before anything runs on it: make what a new folder lacks. Raises UsageError or TransientError where the files
        do not belong together."""
        ...

    def close(self) -> None: ...
