"""The world fails the history alone, under load and in real processes: S3 is away, the lake's disk is full, the clock is set
back, somebody starts a second server or archiver. Whoever sends is served meanwhile, and in the end the lake has each row
once, and says what the states say.
"""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.customers import Crowd
from tests.acceptance.histories import demand_history
from tests.acceptance.installation import Running, command, project, run
from tests.acceptance.receivers import Hooks, Mailbox
from tests.acceptance.test_disk import fill, probe, small_disk
from tests.acceptance.test_history_damage import await_archived, doctor
from tests.acceptance.waiting import until
from tests.acceptance.wall_clock import WallClock
from tests.contracts.lakes import make_bucket, s3_server
from tests.contracts.test_lake_s3 import Proxy, proxied

pytestmark = pytest.mark.long
CUSTOMERS = 40
DAY_MINUTES = 24 * 60


def lies(running: Running, **history: str) -> None:
    """More settings of [history], which stands last."""
    file = running.project / "tactful.toml"
    file.write_text(file.read_text() + "".join(f'{name} = "{value}"\n' for name, value in history.items()))


def serves(running: Running, seed: int) -> None:
    """Whoever sends gets their 200, and their messages."""
    Crowd(seed, running.port, CUSTOMERS).start().join()
    assert probe(running.port)[0] == 200


def demand(running: Running, seeds: int) -> None:
    await_archived(running)
    assert "Traceback" not in running.said(), running.said()
    assert running.stop() == 0
    assert demand_history(running.project, running.data) > seeds * CUSTOMERS


@pytest.fixture
def s3(running: Running) -> Iterator[Proxy]:
    """Where the server's lake lies."""
    with s3_server() as endpoint:
        make_bucket(endpoint, "lakes")
        with proxied(endpoint) as proxy:
            keys = {"access_key": "key", "secret_key": "secret", "region": "us-east-1"}
            lies(running, location="s3://lakes/shop", endpoint=proxy.endpoint, **keys)
            yield proxy


def test_s3_that_is_away_and_comes_back(running: Running, s3: Proxy) -> None:
    running.start()
    serves(running, 31)
    await_archived(running)
    s3.fails("any", "/", 1.0, 1_000_000, "503")
    serves(running, 32)
    until(lambda: "the lake rests" in running.said(), running.said, 120)
    assert "out of reach" in doctor(running), doctor(running)
    asked = run("preview", 'any("Order Completed")', "--project", str(running.project), "--data", str(running.data))
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "s3://lakes/shop" in asked.stderr, asked.stderr
    assert asked.stderr.count("\n") == 1, asked.stderr
    serves(running, 33)
    s3.heals()
    demand(running, 3)


def test_s3_that_does_not_answer_while_the_server_stops_and_starts(running: Running, s3: Proxy) -> None:
    """Connections are taken, and nothing comes: whoever waits for it is given up, and all else is as always."""
    running.start()
    serves(running, 34)
    await_archived(running)
    s3.halt()
    serves(running, 35)
    assert running.stop() == 0
    running.start()
    serves(running, 36)
    s3.go_on()
    demand(running, 3)


def test_a_disk_of_the_lake_that_is_full(running: Running, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        lies(running, location=str(disk / "lake"))
        running.start()
        serves(running, 37)
        await_archived(running)
        fill(disk / "ballast")
        serves(running, 38)
        until(lambda: "No space left" in running.said(), running.said, 120)
        assert "the lake rests" in running.said() or "cannot be tidied" in running.said(), running.said()
        assert "waits for the lake" in doctor(running).replace("wait for", "waits for"), doctor(running)
        serves(running, 39)
        (disk / "ballast").unlink()
        demand(running, 3)


def test_a_clock_that_is_set_back(running: Running, tmp_path: Path) -> None:
    """By nearly an hour while all runs, and by a day between two starts."""
    clock = WallClock(tmp_path / "clock")
    clock.shift(DAY_MINUTES)
    running.start(clock.variables)
    serves(running, 40)
    await_archived(running)
    clock.shift(-59)
    serves(running, 41)
    await_archived(running)
    assert running.stop() == 0
    clock.shift(59 - DAY_MINUTES)
    running.start(clock.variables)
    serves(running, 42)
    demand(running, 3)


def test_a_second_server_and_a_second_archiver(
    running: Running, mailbox: Mailbox, hooks: Hooks, tmp_path: Path
) -> None:
    running.start()
    crowd = Crowd(43, running.port, CUSTOMERS * 3).start()
    where = ["--project", str(running.project), "--data", str(running.data)]
    other = project(tmp_path / "other", mailbox.port, hooks.port)
    for mine in (running.project, other):
        done = run("up", "--project", str(mine), "--data", str(running.data), "--port", "0")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"tactful: another Tactful is running on {running.data}; stop it first, or give --data another folder\n"
        )
    with subprocess.Popen([*command("archive"), *where], stderr=subprocess.PIPE, text=True) as second:
        crowd.join()
        await_archived(running)
        serves(running, 44)
        await_archived(running)
        assert second.poll() is None
        second.send_signal(signal.SIGTERM)
        said = second.communicate(timeout=60)[1]
        assert second.returncode == 0
    assert "Traceback" not in said, said
    demand(running, 4)
