"""A small installation in memory, run by the production workers, for what reads behind them."""

from collections.abc import Mapping

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Event, Publish, Trust, Unmerge, encode, pack
from tactful.runtime.worker import Worker
from tactful.testing.clock import SimClock

START = 1_741_000_000_000_000


class Engine:
    def __init__(self, partitions: int = 2, **settings: str) -> None:
        self.clock = SimClock(START)
        self.log = MemoryLog(partitions, self.clock, slice_us=2_500_000)
        self.stores = [MemoryStore() for _ in range(partitions)]
        self.outbox, self.trail, self.bells = MemoryOutbox(), MemoryTrail(), MemoryBells()
        self.quarantine, self.ledger = MemoryQuarantine(), MemoryLedger()
        self.settings = settings
        self.at = START

    def publish(self, files: Mapping[str, str]) -> None:
        self.log.append({0: [encode(Publish(self.at, dict(files), {"time_zone": "UTC", **self.settings}))]})
        self.run()

    def worker(self, partition: int) -> Worker:
        return Worker(
            partition,
            self.log,
            self.stores[partition],
            self.outbox,
            self.trail,
            self.quarantine,
            self.ledger,
            self.bells,
            self.clock,
            {},
        )

    def run(self) -> None:
        """Until nobody has anything to do; each time with new workers."""
        workers = [self.worker(partition) for partition in range(self.log.partitions)]
        while any([worker.turn() for worker in workers]):
            pass

    def take(self, *records: Event | Consent | Unmerge) -> None:
        for record in records:
            self.clock.advance(max(0, self.at - self.clock.now_us()))
            self.log.append({partition_of(record.key, self.log.partitions): [encode(record)]})

    def event(
        self,
        name: str,
        *ids: str,
        message_id: str = "",
        trust: Trust = "server",
        context: object = None,
        **said: object,
    ) -> Event:
        """One a second, each with an id of its own unless it is given."""
        self.at += 1_000_000
        return Event(
            1,
            "shop" if trust == "server" else "web",
            trust,
            "track",
            name,
            ids[0],
            ids,
            message_id or f"m{self.at}",
            self.at,
            self.at,
            pack(said),
            pack(context if isinstance(context, dict) else {}),
        )

    def consent(self, key: str, purpose: str, *, granted: bool, text: str = "v1") -> Consent:
        self.at += 1_000_000
        return Consent(1, "shop", "server", key, f"c{self.at}", purpose, granted, self.at, self.at, text)

    def unmerge(self, key: str) -> Unmerge:
        self.at += 1_000_000
        return Unmerge(self.at, key, "ann")
