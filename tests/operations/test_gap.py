"""A store that was brought back without its log must not go on as if nothing were missing."""

import pytest

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.errors import UsageError
from tactful.events.records import Tick, encode
from tactful.runtime.worker import Worker
from tactful.testing.clock import SimClock
from tactful.values import DAY_US


def test_a_worker_refuses_a_store_that_is_older_than_the_log() -> None:
    clock = SimClock(0)
    log = MemoryLog(1, clock)
    for _ in range(3):
        log.append({0: [encode(Tick(clock.now_us(), 1))]})
        clock.advance(DAY_US + 1)
    log.trim(clock.now_us(), {0: 3})
    with pytest.raises(UsageError, match="the log begins at"):
        Worker(
            0,
            log,
            MemoryStore(),
            MemoryOutbox(),
            MemoryTrail(),
            MemoryQuarantine(),
            MemoryLedger(),
            MemoryBells(),
            clock,
            {},
        )
