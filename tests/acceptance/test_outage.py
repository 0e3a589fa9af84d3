"""The engine stands still for hours, with people inside and orders given: what passed meanwhile is caught up step by
step, each step at its own instant, what comes too late is not sent, and what somebody switched off stays off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tactful.runtime.ports import OutboxRow
from tactful.values import format_time
from tests.acceptance.customers import Client
from tests.acceptance.installation import Running, run
from tests.acceptance.receivers import Mailbox
from tests.acceptance.waiting import until
from tests.acceptance.walks import Walker, call, demand_once, explained, letters, project
from tests.acceptance.wall_clock import WallClock

FILES = {
    "journeys/cart.yaml": (
        "start: {event: Product Added}\nunless: Order Completed\nvalidity: 2h\nwait: 30m\nsend: {email: reminder}\n"
    ),
    "journeys/course.yaml": """
start: {event: Signed Up}
steps:
  - {name: welcome, send: {email: welcome}}
  - wait: 1h
  - set: {courses: 1}
  - wait: 2h
  - if: courses == 1
    then:
      - {name: second, send: {email: second}}
    else:
      - exit: lost
  - wait: 3h
  - {name: third, send: {email: third}}
""",
    "journeys/slow.yaml": "start: {event: Slow Started}\nwait: 1h\nsend: {email: slow}\n",
    **letters("reminder", "welcome", "second", "third", "slow"),
}
QUIET = '\n[sending]\nquiet = "21:00-08:00"\n'


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


@pytest.fixture
def running(tmp_path: Path, mailbox: Mailbox) -> Iterator[Running]:
    made = Running(project(tmp_path / "project", mailbox.port, FILES, more=QUIET), tmp_path / "data")
    yield made
    made.kill_all()


def tell(running: Running, user: str, event: str, at_us: int) -> None:
    client = Client(running.port)
    known = Walker(user, is_eager=False, begin_us=at_us).signs_up()[:2]
    for one in (*known, call("/v1/track", user, at_us + 1, event=event)):
        assert client.send(one) == 200
    client.close()


def order(running: Running, clock: WallClock, *words: str) -> None:
    done = run(*words, "--data", str(running.data), variables=clock.variables)
    assert done.returncode == 0, done.stderr


def found(running: Running, journey: str, step: str) -> OutboxRow | None:
    return next((row for row in running.intents() if (row.intent.journey, row.intent.step) == (journey, step)), None)


def await_row(running: Running, journey: str, step: str, status: str, reason: str) -> OutboxRow:
    def is_so() -> OutboxRow | None:
        row = found(running, journey, step)
        return row if row is not None and row.status == status and row.reason.startswith(reason) else None

    return until(is_so, lambda: f"{journey}/{step} to be {status} ({reason}): {found(running, journey, step)}")


def test_nine_hours_without_the_engine(running: Running, mailbox: Mailbox, clock: WallClock) -> None:
    clock.set_to("2025-03-03T18:00:00Z")
    running.start(clock.variables)
    tell(running, "ada", "Signed Up", clock.now_us())
    tell(running, "bob", "Product Added", clock.now_us())
    tell(running, "cleo", "Slow Started", clock.now_us())
    order(running, clock, "journeys", "pause", "slow", "--reason", "prices are wrong")
    await_row(running, "course", "welcome", "sent", "accepted")
    running.await_quiet(1)
    assert running.stop() == 0

    # At night: the reminder is too late, what was waited for has passed, and nothing leaves before the morning.
    clock.set_to("2025-03-04T03:00:00Z")
    running.start(clock.variables)
    await_row(running, "cart", "2", "lapsed", "valid until 2025-03-03T20:30:")
    for step in ("second", "third"):
        await_row(running, "course", step, "waiting", "quiet hours until 08:00")
    demand_own_instants(running)
    assert found(running, "slow", "2") is None
    order(running, clock, "sending", "off", "--reason", "something is wrong")
    assert running.stop() == 0

    # In the morning: what was paused and switched off still is.
    clock.set_to("2025-03-04T08:00:01Z")
    running.start(clock.variables)
    for step in ("second", "third"):
        await_row(running, "course", step, "waiting", "all sending is paused")
    (inside,) = explained(running, "cleo", "slow")
    assert (inside["state"], inside["messages"]) == ("waiting", [])
    order(running, clock, "journeys", "resume", "slow")
    await_row(running, "slow", "2", "waiting", "all sending is paused")
    assert sum(mailbox.accepted.values()) == 1
    order(running, clock, "sending", "on")
    for journey, step in (("course", "second"), ("course", "third"), ("slow", "2")):
        await_row(running, journey, step, "sent", "accepted")
    running.await_quiet(5)
    assert running.stop() == 0
    demand_once(running.intents(), mailbox.accepted)
    assert "Traceback" not in running.said(), running.said()


def demand_own_instants(running: Running) -> None:
    """Each step was taken when it was due, not when somebody got round to it."""
    (told,) = explained(running, "ada", "course")
    assert told["ended"] == "" and told["state"] in ("sending", "ended")
    hours = [line["at"][:16] for line in told["story"]]
    for hour in ("2025-03-03T18:00", "2025-03-03T19:00", "2025-03-03T21:00"):
        assert hour in hours, told["story"]
    dues = {one["step"]: one["at"][:16] for one in told["messages"]}
    assert dues == {"welcome": "2025-03-03T18:00", "second": "2025-03-03T21:00", "third": "2025-03-04T00:00"}


def test_a_clock_that_somebody_sets_by_nearly_an_hour(running: Running, mailbox: Mailbox, clock: WallClock) -> None:
    """Forth, and what waits goes on; back, and whoever comes is served; nothing happens twice."""
    clock.set_to("2025-03-03T12:00:00Z")
    running.start(clock.variables)
    tell(running, "bob", "Product Added", clock.now_us())
    clock.shift(59)
    tell(running, "cleo", "Signed Up", clock.now_us())
    await_row(running, "cart", "2", "sent", "accepted")
    clock.shift(-59)
    tell(running, "dov", "Signed Up", clock.now_us())
    running.await_quiet(3)
    sent = {row.intent.key: row for row in running.intents()}
    assert sorted(sent) == ["u:bob", "u:cleo", "u:dov"]
    assert format_time(sent["u:bob"].intent.due).startswith("2025-03-03T12:30")
    demand_once(running.intents(), mailbox.accepted)
    assert running.stop() == 0
