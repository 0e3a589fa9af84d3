"""Every port, over every adapter. `opened` makes one more process's view of the same world."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tactful.adapters.bells import SocketBells
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.office import MemoryOffice
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.adapters.sqlite.ledger import SqliteLedger
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.office import SqliteOffice
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.quarantine import SqliteQuarantine
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tests.contracts.values import SLICE_US, HandClock

LogMaker = Callable[[], SqliteLog | MemoryLog]
StoreMaker = Callable[[], SqliteStore | MemoryStore]
OutboxMaker = Callable[[], SqliteOutbox | MemoryOutbox]
TrailMaker = Callable[[], SqliteTrail | MemoryTrail]
QuarantineMaker = Callable[[], SqliteQuarantine | MemoryQuarantine]
LedgerMaker = Callable[[], SqliteLedger | MemoryLedger]
OfficeMaker = Callable[[], SqliteOffice | MemoryOffice]
BellsMaker = Callable[[], SocketBells | MemoryBells]


@pytest.fixture(params=["sqlite", "memory"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def open_log(engine: str, tmp_path: Path, clock: HandClock) -> Iterator[LogMaker]:
    shared = MemoryLog(2, clock, slice_us=SLICE_US)
    opened: list[SqliteLog | MemoryLog] = []

    def make() -> SqliteLog | MemoryLog:
        opened.append(shared if engine == "memory" else SqliteLog(tmp_path / "log", 2, clock, slice_us=SLICE_US))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def open_store(engine: str, tmp_path: Path) -> Iterator[StoreMaker]:
    shared = MemoryStore()
    opened: list[SqliteStore | MemoryStore] = []

    def make() -> SqliteStore | MemoryStore:
        opened.append(shared if engine == "memory" else SqliteStore(tmp_path / "store", 0))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def open_outbox(engine: str, tmp_path: Path) -> Iterator[OutboxMaker]:
    shared = MemoryOutbox()
    opened: list[SqliteOutbox | MemoryOutbox] = []

    def make() -> SqliteOutbox | MemoryOutbox:
        opened.append(shared if engine == "memory" else SqliteOutbox(tmp_path / "outbox.db"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def open_trail(engine: str, tmp_path: Path) -> Iterator[TrailMaker]:
    shared = MemoryTrail()
    opened: list[SqliteTrail | MemoryTrail] = []

    def make() -> SqliteTrail | MemoryTrail:
        opened.append(shared if engine == "memory" else SqliteTrail(tmp_path / "trail"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def open_quarantine(engine: str, tmp_path: Path) -> Iterator[QuarantineMaker]:
    shared = MemoryQuarantine(items=10, size=200_000, age_us=1_000)
    opened: list[SqliteQuarantine | MemoryQuarantine] = []

    def make() -> SqliteQuarantine | MemoryQuarantine:
        path = tmp_path / "quarantine.db"
        opened.append(shared if engine == "memory" else SqliteQuarantine(path, items=10, size=200_000, age_us=1_000))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def open_ledger(engine: str, tmp_path: Path) -> Iterator[LedgerMaker]:
    shared = MemoryLedger()
    opened: list[SqliteLedger | MemoryLedger] = []

    def make() -> SqliteLedger | MemoryLedger:
        opened.append(shared if engine == "memory" else SqliteLedger(tmp_path / "ledger.db"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def open_office(engine: str, tmp_path: Path) -> Iterator[OfficeMaker]:
    shared = MemoryOffice()
    opened: list[SqliteOffice | MemoryOffice] = []

    def make() -> SqliteOffice | MemoryOffice:
        opened.append(shared if engine == "memory" else SqliteOffice(tmp_path / "office.db"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture(params=["sockets", "sockets, long path", "memory"])
def open_bells(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BellsMaker]:
    shared = MemoryBells()
    folder = tmp_path / "run" if request.param == "sockets" else tmp_path / ("a" * 90) / ("b" * 90) / "run"
    opened: list[SocketBells | MemoryBells] = []

    def make() -> SocketBells | MemoryBells:
        opened.append(shared if request.param == "memory" else SocketBells(folder))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
