"""Many mails of a journey of steps, through a mail server that has every fault at every phase of the protocol: no mail
arrives twice, each is accounted for with its reason, and `tactful explain --journey` tells it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from threading import Thread

import pytest

from tactful.app.clocks import SystemClock
from tests.acceptance.installation import Running, run
from tests.acceptance.waiting import until
from tests.acceptance.walks import (
    People,
    by_person,
    demand_explained,
    demand_once,
    letters,
    project,
)
from tests.deliver.faulty_smtp import Fault, FaultySmtp

STEPS = """
start: {event: Signed Up}
validity: 10m
steps:
  - {name: first, send: {email: first}}
  - wait: 1s
  - {name: second, send: {email: second}}
  - wait: 1s
  - {name: third, send: {email: third}}
"""
FILES = {"journeys/steps.yaml": STEPS, **letters("first", "second", "third", body="Dear {{ profile.name }}")}
OF_CONNECTIONS = [
    *(Fault(phase, what) for phase in ("greeting", "ehlo") for what in ("drop", "close", "421 4.3.2 busy")),
    Fault("greeting", "554 no"),
    Fault("greeting", "garbage"),
    Fault("starttls", "454 4.7.0 not now"),
    Fault("starttls", "220 go on"),
    Fault("starttls", "drop"),
]
GOOD = ("sent", "accepted", 1)
SUPPRESSED = ("refused", "the address is suppressed")
GRAYLISTED = Fault("rcpt", "451 4.7.1 greylisted, come again")
# What happens to somebody's mails, in order of the attempts, and what becomes of the three: (status, how many arrived).
FATES: dict[str, tuple[list[Fault], list[tuple[str, str, int]]]] = {
    "nothing": ([], [GOOD] * 3),
    "greylisted": ([GRAYLISTED, GRAYLISTED], [GOOD] * 3),
    **{
        f"{phase} {what}": ([Fault(phase, what)], [GOOD] * 3)
        for phase in ("rcpt", "data")
        for what in ("drop", "close", "garbage", "stall", "421 4.3.2 going down", "451 4.3.0 later")
    },
    **{
        f"dot {what}": ([Fault("dot", what)], [GOOD] * 3)
        for what in ("421 4.3.2 going down", "451 4.3.0 later", "250 fine")
    },
    **{
        f"dot {what}": ([Fault("dot", what)], [("held", "outcome unknown: ", number), *[GOOD] * 2])
        for what, number in (
            ("drop", 0),
            ("close", 0),
            ("garbage", 0),
            ("accept+drop", 1),
            ("accept+close", 1),
            ("accept+garbage", 1),
            ("accept+stall", 1),
        )
    },
    **{
        f"body {what}": ([Fault("body", what)], [("held", "outcome unknown: ", 0), *[GOOD] * 2])
        for what in ("drop", "close")
    },
    **{
        f"{phase} 554": ([Fault(phase, "554 5.7.1 no")], [("rejected", "", 0), *[GOOD] * 2])
        for phase in ("rcpt", "data", "dot")
    },
    "dripping": ([], [GOOD] * 3),
    "unknown": ([], []),
}

TOLD = ("greylisted", "dot accept+stall", "data 554", "unknown")


@contextmanager
def faulty_server(server: FaultySmtp) -> Iterator[asyncio.AbstractEventLoop]:
    """In a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def survive(folder: Path, seed: int, number: int, deliverers: int) -> None:
    fates = {f"w{seed}-{n}@people.example": fate for n, fate in zip(range(number), cycle(FATES), strict=False)}
    # Every other connection is a good one.
    server = FaultySmtp(faults=[each for fault in OF_CONNECTIONS for each in (fault, Fault())])
    server.of_recipients = {address: list(FATES[fate][0]) for address, fate in fates.items()}
    server.unknown = {address for address, fate in fates.items() if fate == "unknown"}
    server.drips = {address for address, fate in fates.items() if fate == "dripping"}
    with faulty_server(server) as loop:
        where = project(
            folder / "project",
            server.port,
            FILES,
            starttls="opportunistic",
            deliverers=deliverers,
            email='bounce_address = "bounces@shop.example"',
        )
        running = Running(where, folder / "data")
        try:
            running.start()
            people = People(seed, number, SystemClock().now_us())
            people.join(people.send(running.port, [one.signs_up() for one in people.walkers]))
            # As many as there are, but for the slots: a server that stalls them all keeps everybody waiting.
            stalling = min(5, sum("stall" in fate for fate in fates.values()))
            until(lambda: len(server.stalled) >= stalling, lambda: f"who is kept waiting: {server.stalled}")
            loop.call_soon_threadsafe(server.stall.set)
            running.await_quiet(3 * number, 90)
            assert running.stop() == 0
            assert server.faults == [], "faults that no connection met"
            demand(running, people, fates, Counter(mail.intent for mail in server.received))
        finally:
            running.kill_all()


def demand(running: Running, people: People, fates: dict[str, str], received: Counter[str]) -> None:
    rows = running.intents()
    demand_once(rows, received)
    told, to_tell = by_person(rows), set(TOLD)
    suppressed = run("suppressions", "list", "--data", str(running.data)).stdout
    for one in people.walkers:
        fate, mine = fates[one.address], told[one.key]
        assert sorted(row.intent.step for row in mine) == ["first", "second", "third"]
        if fate == "unknown":
            # Those that were on their way at the same time have all heard it from the server.
            assert {(row.status, row.reason) for row in mine} <= {SUPPRESSED, ("rejected", "recipient refused")}
            assert one.address in suppressed
        else:
            ends = sorted((row.status, row.reason, received[row.intent.intent]) for row in mine)
            for end, (status, reason, number) in zip(ends, sorted(FATES[fate][1]), strict=True):
                assert end[0] == status and end[1].startswith(reason) and end[2] == number, f"{fate}: {ends}"
        if fate == "greylisted":
            assert max(row.attempt for row in mine) >= 3
        if fate in to_tell:
            to_tell.discard(fate)
            demand_explained(running, mine)


def test_every_mail_is_accounted_for(tmp_path: Path) -> None:
    survive(tmp_path, 1, len(FATES), 1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_every_mail_is_accounted_for_with_many_people(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, seed, 20 * len(FATES), 2)
