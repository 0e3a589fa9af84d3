"""For your own tests: the engine's ports in memory, a clock that passes when told to, and World, the simulator."""

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.testing.clock import SimClock
from tactful.testing.faults import NONE, Faults, draw
from tactful.testing.world import World

__all__ = [
    "NONE",
    "Faults",
    "MemoryBells",
    "MemoryLedger",
    "MemoryLog",
    "MemoryOutbox",
    "MemoryQuarantine",
    "MemoryStore",
    "MemoryTrail",
    "SimClock",
    "World",
    "draw",
]
