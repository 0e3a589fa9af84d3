"""Processes of every kind are killed (SIGKILL) while people walk through a journey of steps: waits, a split, branches, a
trait that is set and the segment that it leads to, coupons, caps, two processes that send. Afterwards everybody has what
they have in a server that nothing happened to, down to the ids of intents.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from threading import Thread
from typing import Protocol

import pytest

from tactful.app.clocks import SystemClock
from tests.acceptance.installation import Running, asked, run
from tests.acceptance.receivers import Mailbox, mail_server
from tests.acceptance.test_disk import fill, small_disk
from tests.acceptance.test_kill import VICTIMS, strike
from tests.acceptance.waiting import moment, until
from tests.acceptance.walks import People, by_person, demand_once, load_coupons, project, ways

SENDING = '\n[sending]\ncap = ["3 per day"]\n'
RUDENESS = 0.06


@contextmanager
def walked(folder: Path, seed: int, rudeness: float) -> Iterator[tuple[Running, Mailbox]]:
    with mail_server(Mailbox(seed, rudeness)) as mailbox:
        running = Running(project(folder / "project", mailbox.port, more=SENDING, deliverers=2), folder / "data")
        try:
            yield running, mailbox
        finally:
            running.kill_all()


class Blows(Protocol):
    def fall(self, people: People, number: int, calls: int, threads: list[Thread]) -> None:
        """So many, while `calls` more calls get their answers."""
        ...


class FullDisk:
    """Nothing more fits for a while in which people come to steps."""

    def __init__(self, ballast: Path) -> None:
        self._ballast = ballast

    def fall(self, people: People, number: int, calls: int, threads: list[Thread]) -> None:
        wanted = people.done + calls // 3
        until(lambda: people.done >= wanted or not any(map(Thread.is_alive, threads)), "calls")
        fill(self._ballast)
        moment(2)
        self._ballast.unlink()


class Strikes:
    """Blows at drawn moments."""

    def __init__(self, running: Running, seed: int) -> None:
        self._running = running
        self._draw = Random(seed)
        self._victims: list[str] = []

    def fall(self, people: People, number: int, calls: int, threads: list[Thread]) -> None:
        """So many, the first ones while `calls` more calls get their answers, the last ones behind them."""
        begun = people.done
        for blow in range(number):
            wanted = begun + int(calls * (blow + self._draw.random()) / number)
            until(lambda wanted=wanted: people.done >= wanted or not any(map(Thread.is_alive, threads)), "calls")  # type: ignore[misc]  # a bound default
            moment(self._draw.random() * 0.3)
            # The most different ones come first, so that few strikes meet many.
            self._victims = self._victims or self._draw.sample(VICTIMS, len(VICTIMS))
            strike(self._running, self._victims.pop(), self._draw)


def walk(running: Running, people: People, strikes: Blows | None, number: int) -> None:
    """Everybody to the end: they sign up, and the eager ones confirm once all others have come to an end."""
    for calls, is_over in (
        ([one.signs_up() for one in people.walkers], has_come_to_the_wait),
        ([one.confirms() for one in people.walkers], has_come_to_the_end),
    ):
        threads = people.send(running.port, calls)
        if strikes is not None:
            strikes.fall(people, number, sum(map(len, calls)), threads)
        people.join(threads)
        until(
            partial(is_over, running, people), lambda: f"the end of a walk: {taken(running)}; {running.said()[-2000:]}"
        )
        running.await_quiet(0, 120)


def taken(running: Running) -> Counter[str]:
    """How many came to which message."""
    return Counter(f"{row.intent.journey}/{row.intent.step}" for row in running.intents())


def has_come_to_the_wait(running: Running, people: People) -> bool:
    """The eager ones wait, all others have had their last message."""
    eager = sum(one.is_eager for one in people.walkers)
    seen, all_ = taken(running), len(people.walkers)
    if (seen["walk/hello"], seen["gift/1"], seen["walk/last"]) != (all_, all_, all_ - eager):
        return False
    lines = asked("journeys", "--data", str(running.data), "--json").splitlines()
    (walk_,) = [one for line in lines if (one := json.loads(line))["journey"] == "walk"]
    return bool(walk_["inside"] == {"6.then.1": eager})


def has_come_to_the_end(running: Running, people: People) -> bool:
    return taken(running)["walk/thanks"] == sum(one.is_eager for one in people.walkers)


def survive(folder: Path, seed: int, number: int, strikes: int) -> None:
    with walked(folder / "one", seed, RUDENESS) as (running, mailbox):
        running.start()
        codes = set(load_coupons(running, "gifts", number))
        people = People(seed, number, SystemClock().now_us())
        walk(running, people, Strikes(running, seed), strikes)
        assert running.supervisor.poll() is None
        assert running.stop() == 0
        demand(running, people, mailbox, codes)
        disturbed = ways(running.intents())
    again = People(seed, number, people.begin_us)
    with walked(folder / "two", seed, 0.0) as (running, mailbox):
        running.start()
        load_coupons(running, "gifts", number)
        walk(running, again, None, 0)
        assert running.stop() == 0
        demand(running, again, mailbox, codes)
        assert disturbed == ways(running.intents())


def demand(running: Running, people: People, mailbox: Mailbox, codes: set[str]) -> None:
    """What holds whatever happened."""
    assert "Traceback" not in running.said(), f"a process failed by itself:\n{running.said()[-6000:]}"
    rows = running.intents()
    demand_once(rows, mailbox.accepted)
    for key, mine in by_person(rows).items():
        steps = Counter(f"{row.intent.journey}/{row.intent.step}" for row in mine)
        assert set(steps.values()) == {1}, f"{key}: {steps}"
        is_eager = any(one.key == key and one.is_eager for one in people.walkers)
        expected = {"walk/hello", "gift/1", "walk/thanks" if is_eager else "walk/last"}
        assert steps.keys() - {"walk/bold"} == expected, key
        left = [row for row in mine if row.status in ("sent", "held")]
        assert len(left) == 3, f"{key}: {[(row.status, row.reason) for row in mine]}"
        assert {row.reason for row in mine if row not in left} <= {"cap: 3 per day"}
    demand_coupons(running, codes, {row.intent.key for row in rows if row.intent.journey == "gift" and row.address})
    demand_traits(running, len(people.walkers))
    done = run("doctor", "--project", str(running.project), "--data", str(running.data))
    # The address of the mails' links is that of a host that is not there.
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("bad")] == ["public_url"], (
        done.stdout
    )


def demand_coupons(running: Running, codes: set[str], owners: set[str]) -> None:
    """One each for those whose gift was let go."""
    done = run("coupons", "export", "gifts", "--data", str(running.data))
    assert done.returncode == 0, done.stderr
    given = [row for row in csv.DictReader(io.StringIO(done.stdout)) if row["person"]]
    assert {row["code"] for row in given} <= codes
    assert Counter(row["person"] for row in given) == Counter(owners)
    assert len({row["code"] for row in given}) == len(given)


def demand_traits(running: Running, number: int) -> None:
    """Each run has set its trait once."""
    written = [event for event in running.events() if event["traits"] == {"greeted": True}]
    assert len({event["messageId"] for event in written}) == len(written) == number


def test_who_walks_while_processes_are_killed_has_what_others_have(tmp_path: Path) -> None:
    survive(tmp_path, 1, 60, 3)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_who_walks_while_processes_are_killed_with_many_seeds(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, seed, 150, 6)


@pytest.mark.long
def test_who_walks_while_the_disk_is_full_has_what_others_have(tmp_path: Path) -> None:
    """Log, states, trail and outbox alike cannot grow for a while, and the processes are never started again."""
    with small_disk(tmp_path / "disk", 48) as disk, mail_server(Mailbox(1)) as mailbox:
        running = Running(project(tmp_path / "project", mailbox.port, more=SENDING, deliverers=2), disk / "data")
        running.output = tmp_path / "output"
        try:
            running.start()
            codes = set(load_coupons(running, "gifts", 60))
            people = People(1, 60, SystemClock().now_us())
            walk(running, people, FullDisk(disk / "ballast"), 1)
            assert running.stop() == 0
            demand(running, people, mailbox, codes)
        finally:
            running.kill_all()
