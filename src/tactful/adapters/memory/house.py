"""The house in memory: the production workers, and nothing that leaves or stays (`tactful try`, with one partition)."""

from collections.abc import Sequence
from pathlib import Path

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.office import MemoryOffice
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.seeds import MemorySeeds
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.journeys.definition import CHANNELS
from tactful.kernel.state import PlanState
from tactful.operations.definitions.publish import published
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings
from tactful.runtime.worker import Pace, Worker

SLOTS = 1 << 20
"""Nothing waits for others to be sent."""


class MemoryHouse:
    """The port `House`."""

    def __init__(self, settings: Settings, clock: Clock, partitions: int = 1) -> None:
        self.data = Path()
        self.name = "memory"
        self.settings = settings
        self.clock = clock
        self.log = MemoryLog(partitions, clock)
        self.outbox, self.trail, self.bells = MemoryOutbox(), MemoryTrail(), MemoryBells()
        self.quarantine, self.ledger, self.office = MemoryQuarantine(), MemoryLedger(), MemoryOffice()
        self.seeds = MemorySeeds(clock)
        self._stores = [MemoryStore() for _ in range(partitions)]

    def store(self, partition: int) -> MemoryStore:
        return self._stores[partition]

    def stores(self) -> Sequence[MemoryStore]:
        return self._stores

    def plan(self, partition: int) -> PlanState | None:
        return published(self._stores[partition])

    def worker(self, partition: int, clock: Clock, *, claims: bool = True) -> Worker:
        ports = (self.log, self._stores[partition], self.outbox, self.trail, self.quarantine, self.ledger, self.bells)
        most = self.settings.limits.mails_per_address
        slots = dict.fromkeys(CHANNELS, SLOTS) if claims else {}
        return Worker(partition, *ports, clock, slots, Pace(slice=1 << 20), mails_per_address=most, seeds=self.seeds)

    def link_keys(self) -> dict[int, bytes]:
        """No link of it leads anywhere."""
        return {1: bytes(64)}

    def look_over(self) -> None:
        """There is nothing to look at."""

    def close(self) -> None:
        """There is nothing to close."""
