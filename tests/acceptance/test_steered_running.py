"""Somebody steers while people are inside a running server of two partitions: edits that move and edits that let finish,
drain and stop, a campaign that is launched under load, and a schedule whose hour comes while nobody is there."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactful.values import parse_time
from tests.acceptance.customers import Call, Client, Crowd
from tests.acceptance.installation import Running, run
from tests.acceptance.receivers import Mailbox
from tests.acceptance.waiting import until
from tests.acceptance.walks import Walker, call, demand_once, explained, letters, project
from tests.acceptance.wall_clock import WallClock

WAITING = """
start: {{event: {event}}}
editing: {editing}
steps:
  - {{name: first, send: {{email: first}}}}
  - {{name: nap, wait: {{for: Woken, at_most: 30d}}}}
  - {{name: {name}, send: {{email: {message}}}}}
"""
FILES = {
    "journeys/moved.yaml": WAITING.format(event="Move Me", editing="move", name="then", message="old"),
    "journeys/finished.yaml": WAITING.format(event="Finish Me", editing="finish", name="then", message="old"),
    "journeys/drained.yaml": WAITING.format(event="Drain Me", editing="move", name="then", message="old"),
    "journeys/stopped.yaml": WAITING.format(event="Stop Me", editing="move", name="then", message="old"),
    "journeys/offer.yaml": "start: {campaign: everybody}\nsteps:\n  - {name: offer, send: {email: offer}}\n",
    "journeys/weekly.yaml": (
        'start: {schedule: "mondays 09:00", segment: everybody}\nvalidity: 3h\nsteps:\n'
        "  - {name: weekly, send: {email: weekly}}\n"
    ),
    "segments/everybody.yaml": "when: member == True\n",
    **letters("first", "old", "new", "offer", "weekly"),
}
STORIES = {"moved": "Move Me", "finished": "Finish Me", "drained": "Drain Me", "stopped": "Stop Me"}


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    made = WallClock(tmp_path / "clock")
    # A Sunday.
    made.set_to("2025-03-02T20:00:00Z")
    return made


@pytest.fixture
def running(tmp_path: Path, mailbox: Mailbox, clock: WallClock) -> Iterator[Running]:
    made = Running(project(tmp_path / "project", mailbox.port, FILES), tmp_path / "data")
    made.start(clock.variables)
    yield made
    made.kill_all()


class Desk:
    """What people and the shop's owner do."""

    def __init__(self, running: Running, clock: WallClock) -> None:
        self.running, self.clock = running, clock

    def order(self, *words: str) -> None:
        done = run(*words, "--data", str(self.running.data), variables=self.clock.variables)
        assert done.returncode == 0, done.stdout + done.stderr

    def join(self, *users: str) -> None:
        at_us = self.clock.now_us()
        for user in users:
            known = Walker(user, is_eager=False, begin_us=at_us).signs_up()[:2]
            self._send(*known, call("/v1/identify", user, at_us + 1, traits={"member": True}))

    def say(self, event: str, *users: str) -> None:
        self._send(*(call("/v1/track", user, self.clock.now_us(), event=event) for user in users))

    def _send(self, *calls: Call) -> None:
        client = Client(self.running.port)
        assert {client.send(one) for one in calls} == {200}
        client.close()

    def publish(self, **journeys: str) -> None:
        for name, text in journeys.items():
            (self.running.project / f"journeys/{name}.yaml").write_text(text)
        self.order("publish", "--project", str(self.running.project))

    def got(self, *users: str) -> dict[str, list[str]]:
        """Of each, what was sent, by name."""
        rows = sorted(self.running.intents(), key=lambda row: row.intent.due)
        return {
            user: [row.intent.message for row in rows if row.intent.key == f"u:{user}" and row.status == "sent"]
            for user in users
        }

    def await_got(self, **wanted: list[str]) -> None:
        until(lambda: self.got(*wanted) == wanted, lambda: f"{wanted}; there is {self.got(*wanted)}", 30)


def test_edits_orders_and_launches(running: Running, mailbox: Mailbox, clock: WallClock) -> None:
    desk = Desk(running, clock)
    names = [f"{journey}{n}" for journey in STORIES for n in range(2)]
    desk.join(*names)
    for journey, event in STORIES.items():
        desk.say(event, f"{journey}0")
    desk.await_got(**{f"{journey}0": ["first"] for journey in STORIES})

    edited = {"event": "Move Me", "editing": "move", "name": "then", "message": "new"}
    desk.publish(
        moved=WAITING.format(**edited),
        finished=WAITING.format(**{**edited, "event": "Finish Me", "editing": "finish"}),
    )
    desk.order("journeys", "drain", "drained")
    desk.order("journeys", "stop", "stopped")
    until(lambda: explained(running, "stopped0", "stopped")[0]["state"] == "ended", "the end of who was inside")
    # Nobody enters what drains or stands still; into the edited ones people go by the new version.
    for journey, event in STORIES.items():
        desk.say(event, f"{journey}1")
    desk.say("Woken", *names)
    desk.await_got(
        moved0=["first", "new"],
        finished0=["first", "old"],
        moved1=["first", "new"],
        finished1=["first", "new"],
        drained0=["first", "old"],
        drained1=[],
        stopped0=["first"],
        stopped1=[],
    )
    assert explained(running, "stopped0", "stopped")[0]["ended"] == "the journey was stopped"
    assert explained(running, "drained1", "drained")[0]["ended"] == "the journey is draining"

    # A campaign under load, for whoever is a member at that instant: once, whatever else goes on.
    crowd = Crowd(3, running.port, customers=150).start()
    desk.order("campaign", "approve", "offer", "--by", "bea")
    crowd.await_sent(50)
    desk.order("campaign", "launch", "offer", "--by", "ann")
    crowd.join()
    until(lambda: offered(running) == Counter(f"u:{name}" for name in names), lambda: f"offers: {offered(running)}")
    running.await_quiet(len(running.intents()))
    demand_once(running.intents(), mailbox.accepted)

    # The schedule's hour comes while nobody is there: within the validity it is caught up with, at its own instant.
    assert running.stop() == 0
    clock.set_to("2025-03-03T10:30:00Z")
    running.start(clock.variables)
    until(lambda: len(weekly(running, "sent")) == len(names), lambda: f"weekly: {weekly(running, 'sent')}")
    assert {row.intent.at for row in running.intents() if row.intent.step == "weekly"} == {
        instant("2025-03-03T09:00:00Z")
    }
    assert running.stop() == 0
    clock.set_to("2025-03-10T18:00:00Z")
    running.start(clock.variables)
    running.await_quiet(0)
    assert running.stop() == 0
    # Nine hours late nothing leaves any more.
    again = [
        row
        for row in running.intents()
        if row.intent.step == "weekly" and row.intent.at > instant("2025-03-04T00:00:00Z")
    ]
    assert Counter((row.intent.key, row.status) for row in again) == {(f"u:{name}", "lapsed"): 1 for name in names}
    demand_once(running.intents(), mailbox.accepted)
    assert "Traceback" not in running.said(), running.said()[-4000:]


def offered(running: Running) -> Counter[str]:
    rows = [row for row in running.intents() if row.intent.journey == "offer"]
    return Counter(row.intent.key for row in rows if row.status == "sent")


def weekly(running: Running, status: str) -> Counter[str]:
    rows = [row for row in running.intents() if row.intent.journey == "weekly"]
    return Counter(row.intent.key for row in rows if row.status == status)


def instant(at: str) -> int:
    found = parse_time(at)
    assert found is not None
    return found
