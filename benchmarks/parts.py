"""What each part of the worker costs per event, measured inside one process by a stop-watch around every part."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.server import WallClock
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.runtime import worker as worker_module
from tactful.runtime.worker import Worker

SLOTS = {"email": 10, "webhook": 20}
_INSIDE = {
    "decode": "log: decode",
    "decode_profile": "states: decode",
    "step": "step()",
    "encode_state": "states: encode",
    "encode_groups": "derived rows: encode",
}


class Watch:
    """Seconds by part."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        spent = self.spent
        spent.setdefault(part, 0.0)

        def timed(*arguments: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent[part] += time.perf_counter() - begun

        return timed


class Timed:
    """A port with a stop-watch around each method."""

    def __init__(self, port: Any, parts: dict[str, str], rest: str, watch: Watch) -> None:
        self._port = port
        self._parts = parts
        self._rest = rest
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        timed = self._watch.around(self._parts.get(name, self._rest), value)
        setattr(self, name, timed)
        return timed


def measure(data: Path, partitions: int) -> tuple[dict[str, float], float]:
    """({part: seconds}, all seconds) of bringing every partition from its store's position to the log's end."""
    watch = Watch()
    clock = WallClock()
    log = Timed(SqliteLog(data / "log", partitions, clock), {"read": "log: read"}, "log: else", watch)
    outbox = Timed(SqliteOutbox(data / "outbox.db"), {}, "outbox", watch)
    trail = Timed(SqliteTrail(data / "trail"), {}, "trail", watch)
    originals = {name: getattr(worker_module, name) for name in _INSIDE}
    try:
        for name, part in _INSIDE.items():
            setattr(worker_module, name, watch.around(part, originals[name]))
        workers = []
        for partition in range(partitions):
            parts = {"load": "states: load", "commit": "commit"}
            store: Any = Timed(SqliteStore(data / "store", partition), parts, "store: else", watch)
            ports = (log, store, outbox, trail, MemoryQuarantine(), MemoryLedger(), MemoryBells())
            workers.append(Worker(partition, *ports, clock, SLOTS))
        watch.spent.update(dict.fromkeys(watch.spent, 0.0))
        gc.disable()  # As in the processes of `tactful up`.
        begun = time.perf_counter()
        for worker in workers:
            end = log.end(worker.partition)
            while worker.position < end:
                worker.turn()
                worker.maintain()
        lasted = time.perf_counter() - begun
    finally:
        gc.enable()
        for name, function in originals.items():
            setattr(worker_module, name, function)
    for port in (log, outbox, trail):
        port.close()
    return watch.spent, lasted
