"""Files of the data folder that are damaged, cut short, missing or from another time: a plain word, and no server that
would take events which nobody ever reads. Where the rest suffices to make a file again, it is made again.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tactful.adapters.installation import Installation
from tactful.app.clocks import SystemClock
from tactful.errors import TransientError, UsageError
from tactful.runtime.settings import Settings
from tests.acceptance.customers import Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.installation import Running, project, run
from tests.acceptance.receivers import Hooks, Mailbox, hook_server, mail_server
from tests.acceptance.waiting import until


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Crowd, Mailbox, Hooks]]:
    """A server that had its day, and stopped in order."""
    folder = tmp_path_factory.mktemp("lived")
    with mail_server(Mailbox(1)) as mailbox, hook_server(Hooks(1)) as hooks:
        made = project(folder / "project", mailbox.port, hooks.port)
        settings = made / "tactful.toml"  # The log alone has what happened.
        settings.write_text(settings.read_text().replace('every = "1s"', 'every = "1d"'))
        running = Running(made, folder / "data")
        running.start()
        crowd = Crowd(11, running.port, customers=60).start()
        crowd.join()
        running.await_quiet(len(crowd.customers))
        assert running.stop() == 0
        for file in running.data.rglob("*.db"):
            with sqlite3.connect(file) as connection:  # All in the files themselves, so that damage there counts.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        yield running, crowd, mailbox, hooks


@pytest.fixture
def copy(lived: tuple[Running, Crowd, Mailbox, Hooks], tmp_path: Path) -> Iterator[Running]:
    """The same folder, to be damaged."""
    before = lived[0]
    shutil.copytree(before.data, tmp_path / "data", ignore=shutil.ignore_patterns("run", "*-shm", "*-wal"))
    made = Running(before.project, tmp_path / "data")
    yield made
    made.kill_all()


def garble(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def remove(path: Path) -> None:
    path.unlink()


def age(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


DAMAGED = "the file is damaged"
NEWER = "was written by a newer Tactful (schema 99, this one knows "
REFUSED: list[tuple[str, Callable[[Path], None], str]] = [
    ("log/00000001.db", garble, DAMAGED),
    ("log/00000001.db", halve, DAMAGED),
    ("log/00000001.db", age, NEWER),
    ("log/00000001.db", empty, "a file of the log is missing, or older than the states"),
    ("log/00000001.db", remove, "a file of the log is missing, or older than the states"),
    ("store/0.db", garble, DAMAGED),
    ("store/0.db", age, NEWER),
    ("trail/1.db", garble, DAMAGED),
    ("trail/1.db", halve, DAMAGED),
    ("trail/1.db", age, NEWER),
    ("outbox.db", garble, DAMAGED),
    ("outbox.db", halve, DAMAGED),
    ("outbox.db", age, NEWER),
    ("outbox.db", empty, "is missing, though the states beside it have read events"),
    ("outbox.db", remove, "is missing, though the states beside it have read events"),
    ("quarantine.db", garble, DAMAGED),
    ("quarantine.db", age, NEWER),
    ("office.db", garble, DAMAGED),
    ("office.db", halve, DAMAGED),
    ("office.db", age, NEWER),
    ("installation.json", garble, "is damaged"),
    ("installation.json", empty, "is damaged"),
    ("keys.json", garble, "is damaged"),
    ("keys.json", halve, "is damaged"),
]


NAMES = [f"{file} {damage.__name__}" for file, damage, _ in REFUSED]


@pytest.mark.parametrize(("file", "damage", "words"), REFUSED, ids=NAMES)
def test_a_folder_that_is_not_whole_is_refused(
    copy: Running, file: str, damage: Callable[[Path], None], words: str
) -> None:
    path = copy.data / file
    damage(path)
    left = path.read_bytes() if path.exists() else None
    with pytest.raises((UsageError, TransientError), match=re.escape(words)) as refused:
        Installation(copy.data, Settings(), SystemClock(), read_only=False).look_over()
    assert str(path if "states" not in words or file == "outbox.db" else copy.data) in str(refused.value)
    assert (path.read_bytes() if path.exists() else None) == left, "whoever repairs it finds it as it was"


@pytest.mark.parametrize(("file", "damage", "words"), REFUSED[2:5], ids=NAMES[2:5])
def test_a_server_says_so_and_does_not_start(
    copy: Running, file: str, damage: Callable[[Path], None], words: str
) -> None:
    damage(copy.data / file)
    done = run("up", "--project", str(copy.project), "--data", str(copy.data), "--port", str(copy.port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"tactful: {copy.data}")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_states_are_made_again_from_the_log(copy: Running, lived: tuple[Running, Crowd, Mailbox, Hooks]) -> None:
    """Nothing happens twice by that. (A lost trail is made again together with its states.)"""
    _, crowd, mailbox, hooks = lived
    for file in ("store/0.db", "store/1.db", "trail/1.db"):
        (copy.data / file).unlink()
    copy.start()
    copy.await_quiet(len(crowd.customers))
    demand_all(copy, [crowd], mailbox, hooks)
    assert copy.stop() == 0


def test_a_damaged_record_is_named_and_nothing_behind_it_is_guessed(copy: Running) -> None:
    log = copy.data / "log" / "00000001.db"
    body = bytearray(log.read_bytes())
    body[body.index(b"Order Completed")] ^= 1
    log.write_bytes(body)
    (copy.data / "store" / "0.db").unlink()
    (copy.data / "store" / "1.db").unlink()
    copy.launch()
    until(lambda: "is damaged (its checksum does not match). Nothing behind it is read." in copy.said(), copy.said)
    done = run("events", "--data", str(copy.data), "--json")
    assert done.returncode == 1
    assert "its checksum does not match" in done.stderr
    copy.supervisor.terminate()
    assert copy.supervisor.wait(60) == 0


def test_an_office_that_is_missing_is_made_anew_and_said(
    copy: Running, lived: tuple[Running, Crowd, Mailbox, Hooks]
) -> None:
    """A folder from before there were users has none; where there were some, nobody is let in by that."""
    (copy.data / "office.db").unlink()
    copy.start()
    until(lambda: "put back a backup of it" in copy.said(), copy.said)
    assert "/signin/link/" in copy.said()
    assert (copy.data / "office.db").stat().st_mode & 0o777 == 0o600
    assert copy.stop() == 0
    assert "put back" not in lived[0].said(), "not where all is new"
