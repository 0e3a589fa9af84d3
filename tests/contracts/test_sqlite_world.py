"""The world failing under SQLite: no room, damage, another version. Each is a clear error, and nothing is lost."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tactful.adapters.sqlite.connection import Schema, Tuning, open_database
from tactful.adapters.sqlite.ledger import SqliteLedger
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.quarantine import SqliteQuarantine
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.errors import TransientError, UsageError
from tactful.events.derived import encode_groups
from tactful.runtime.ports import StateWrite
from tests.contracts.values import HandClock, commit, decided, group, intent, quarantined

FIXTURES = Path(__file__).parent / "fixtures"
FILES = {
    "log": "log/00000001.db",
    "store": "store/0.db",
    "outbox": "outbox.db",
    "trail": "trail/0.db",
    "quarantine": "quarantine.db",
    "ledger": "ledger.db",
}


class House:
    """All engines over one data folder; `write` and `number` tell what each took."""

    def __init__(self, data: Path, *, read_only: bool = False) -> None:
        self.log = SqliteLog(data / "log", 2, HandClock(), read_only=read_only)
        self.store = SqliteStore(data / "store", 0, read_only=read_only)
        self.outbox = SqliteOutbox(data / "outbox.db", read_only=read_only)
        self.trail = SqliteTrail(data / "trail", read_only=read_only)
        self.quarantine = SqliteQuarantine(data / "quarantine.db", read_only=read_only)
        self.ledger = SqliteLedger(data / "ledger.db", read_only=read_only)

    def write(self, engine: str, number: int) -> None:
        """Number counts from 1; about 20 KB that do not compress."""
        body = (b"%d," % (number * 7919) + number.to_bytes(3, "big").hex().encode()) * 1_500
        if engine == "log":
            self.log.append({0: [body]})
        elif engine == "store":
            self.store.commit(commit(number - 1, number, [StateWrite(f"u:{number}", body, number)]))
        elif engine == "outbox":
            self.outbox.put(0, [intent(f"{number}.{n}") for n in range(40)])
        elif engine == "trail":
            self.trail.append(
                0, number, number, encode_groups([group(number, f"u:{n * n * number}") for n in range(400)])
            )
        elif engine == "ledger":
            self.ledger.append(0, decided(*["u:1"] * 40 * number)[-40:])
        else:
            self.quarantine.put([quarantined(1, body=body)])

    def number(self, engine: str) -> int:
        if engine == "log":
            return len(self.log.read(0, 0, 10**6))
        if engine == "store":
            return len(self.store.keys_after("", 10**6))
        if engine == "outbox":
            return self.outbox.counts().get("waiting", 0) // 40
        if engine == "trail":
            return len(self.trail.recent(0, None, 10**6))
        if engine == "ledger":
            return len(self.ledger.of(["u:1"])) // 40
        return len(self.quarantine.rows(limit=10**6))

    def close(self) -> None:
        for engine in (self.log, self.store, self.outbox, self.trail, self.quarantine, self.ledger):
            engine.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    for engine in FILES:
        made.write(engine, 1)
    yield made
    made.close()


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file may grow beyond this size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refusal(house: House, engine: str, number: int) -> str:
    """What it says where it cannot take this; "" where it took it."""
    try:
        house.write(engine, number)
    except TransientError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("engine", FILES)
def test_no_room_is_said_and_work_goes_on_when_there_is_some(house: House, tmp_path: Path, engine: str) -> None:
    path = tmp_path / FILES[engine]
    taken = 1
    with room(Path(f"{path}-wal").stat().st_size + 100_000):
        while not refusal(house, engine, taken + 1):
            taken += 1
            assert taken < 100
        for _ in range(3):
            said = refusal(house, engine, taken + 1)
            assert path.name in said and "Nothing was lost" in said
    assert taken > 2
    assert house.number(engine) == taken, "what was refused is not half there"
    for _ in range(3):
        house.write(engine, taken + 1)
        taken += 1
    assert house.number(engine) == taken
    house.close()
    again = House(tmp_path)
    assert again.number(engine) == taken
    again.close()


def test_a_full_disk_says_what_to_do(house: House) -> None:
    connection = house.store._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TransientError, match=r"0\.db: the disk is full\. Nothing was lost: free some space"):
        house.write("store", 2)
    connection.execute("PRAGMA max_page_count = 1000000")
    house.write("store", 2)
    assert house.number("store") == 2


@pytest.mark.parametrize("engine", FILES)
def test_commands_read_beside_a_running_server_and_change_nothing(house: House, tmp_path: Path, engine: str) -> None:
    beside = House(tmp_path, read_only=True)
    assert beside.number(engine) == 1
    house.write(engine, 2)
    assert beside.number(engine) == 2
    with pytest.raises((TransientError, UsageError), match=r"cannot be written|for reading only"):
        beside.write(engine, 3)
    beside.close()
    house.write(engine, 3)
    assert house.number(engine) == 3


def test_commands_need_a_data_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has the server run on it"):
        SqliteStore(tmp_path, 0, read_only=True)
    for opened in (SqliteOutbox, SqliteQuarantine, SqliteLedger):
        with pytest.raises(UsageError, match="has the server run on it"):
            opened(tmp_path / "x.db", read_only=True)
    trail = SqliteTrail(tmp_path, read_only=True)
    log = SqliteLog(tmp_path, 2, HandClock(), read_only=True)
    assert (trail.recent(0, None, 9), trail.end(0), log.read(0, 0, 9), log.end(0), log.start(0)) == ([], 0, [], 0, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", FILES)
def test_a_newer_schema_is_refused(house: House, tmp_path: Path, engine: str) -> None:
    house.close()
    with sqlite3.connect(tmp_path / FILES[engine]) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageError, match=r"newer Tactful \(schema 99"):
        _use(tmp_path, engine, read_only=False)
    with pytest.raises(UsageError, match=r"newer Tactful \(schema 99"):
        _use(tmp_path, engine, read_only=True)


def _use(data: Path, engine: str, *, read_only: bool) -> None:
    """Open one engine, write nothing, read something."""
    house = House.__new__(House)
    if engine == "log":
        house.log = SqliteLog(data / "log", 2, HandClock(), read_only=read_only)
    elif engine == "store":
        house.store = SqliteStore(data / "store", 0, read_only=read_only)
    elif engine == "outbox":
        house.outbox = SqliteOutbox(data / "outbox.db", read_only=read_only)
    elif engine == "trail":
        house.trail = SqliteTrail(data / "trail", read_only=read_only)
    elif engine == "ledger":
        house.ledger = SqliteLedger(data / "ledger.db", read_only=read_only)
    else:
        house.quarantine = SqliteQuarantine(data / "quarantine.db", read_only=read_only)
    opened: Callable[[], None] = getattr(house, engine).close
    try:
        house.number(engine)
    finally:
        opened()


@pytest.mark.parametrize("engine", FILES)
def test_another_programs_file_is_left_alone(tmp_path: Path, engine: str) -> None:
    path = tmp_path / FILES[engine]
    path.parent.mkdir(exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is not Tactful's"):
        _use(tmp_path, engine, read_only=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize("engine", FILES)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_damaged_file_is_an_error_that_names_it(house: House, tmp_path: Path, engine: str, read_only: bool) -> None:
    house.close()
    path = tmp_path / FILES[engine]
    whole = path.read_bytes()
    for damaged in (
        b"rubbish!" * 200 + whole[1600:],
        whole[: len(whole) // 4096 * 2048],
        whole[:100] + b"\xff" * 8000 + whole[8100:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(TransientError, match=rf"{path.name}.*damaged.*backup"):
            _use(tmp_path, engine, read_only=read_only)


def test_a_damaged_frame_is_never_skipped(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path, 2, HandClock())
    for n in range(5):
        log.append({0: [b"record %d of zero" % n], 1: [b"record %d of one" % n]})
    log.close()
    path = tmp_path / "00000001.db"
    path.write_bytes(path.read_bytes().replace(b"record 3 of zero", b"record 3 of ZERO"))
    log = SqliteLog(tmp_path, 2, HandClock())
    assert len(log.read(0, 0, 3)) == 3
    for after in (0, 3):
        with pytest.raises(TransientError, match=r"00000001\.db: the frame of partition 0 at position 4 is damaged"):
            log.read(0, after, 9)
    assert len(log.read(1, 0, 9)) == 5, "the other partition is not touched by it"
    assert log.append({1: [b"on"]}) == {1: 6}
    log.close()


def test_a_missing_frame_is_never_skipped(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path, 2, HandClock())
    for n in range(5):
        log.append({0: [b"%d" % n]})
    log._writer()[1]._connection.execute("DELETE FROM frame WHERE place = 3")
    with pytest.raises(TransientError, match="position 3 is missing"):
        log.read(0, 0, 9)
    with pytest.raises(TransientError, match="position 3 is missing"):
        log.read(0, 2, 9)
    log.close()


def test_a_missing_file_of_the_log_is_named(tmp_path: Path) -> None:
    clock = HandClock()
    log = SqliteLog(tmp_path, 2, clock, slice_us=10)
    for n in range(4):
        log.append({0: [b"%d" % n]})
        clock.us += 10
    log.close()
    (tmp_path / "00000002.db").unlink()
    with pytest.raises(TransientError, match=r"00000002\.db is missing"):
        SqliteLog(tmp_path, 2, clock)


def test_a_damaged_piece_of_the_trail_is_named(house: House, tmp_path: Path) -> None:
    house.trail._files[0]._connection.execute("UPDATE piece SET body = substr(body, 1, length(body) - 9)")
    with pytest.raises(TransientError, match=r"0\.db: the piece that ends at position 1 is damaged"):
        house.trail.recent(0, None, 9)


def test_the_number_of_partitions_is_fixed(house: House, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="was made for 2 partitions, not 3"):
        SqliteLog(tmp_path / "log", 3, HandClock())


# ---- versions --------------------------------------------------------------------------------------------------

ONE = Schema("shelf", 0x7AC7_00FF, (("CREATE TABLE book (title TEXT)",),))
TWO = Schema(
    "shelf",
    ONE.application_id,
    (*ONE.steps, ("ALTER TABLE book ADD COLUMN pages INTEGER DEFAULT 0", "CREATE INDEX by_title ON book (title)")),
)
BROKEN = Schema(
    "shelf", ONE.application_id, (*TWO.steps, ("CREATE TABLE shop (name TEXT)", "CREATE TABLE book (again TEXT)"))
)
TUNING = Tuning("FULL")


def test_files_go_forward_step_by_step_and_keep_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "shelf.db"
    connection = open_database(path, ONE, TUNING)
    connection.execute("INSERT INTO book VALUES ('Faust')")
    connection.close()
    with pytest.raises(UsageError, match="start the server once"):
        open_database(path, TWO, TUNING, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        open_database(path, BROKEN, TUNING)
    connection = open_database(path, TWO, TUNING)
    assert connection.execute("SELECT * FROM book").fetchall() == [("Faust", 0)]
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'shop'").fetchone() is None
    connection.close()
    open_database(path, TWO, TUNING, read_only=True).close()
    with pytest.raises(UsageError, match="newer"):
        open_database(path, ONE, TUNING)


@pytest.mark.parametrize("engine", FILES)
def test_files_of_the_first_version_are_read_for_ever(tmp_path: Path, engine: str) -> None:
    for name, file in FILES.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript((FIXTURES / f"{name}-1.sql").read_text())
        connection.close()
    house = House(tmp_path)
    assert house.number(engine) == 1
    house.write(engine, 2)
    assert house.number(engine) == 2
    house.close()
