"""The shop's stories through the real processes: calls over a socket, mail to a mail server, the gate between them.

How things go over hours and months is told by the clock, in tests/acceptance/test_stories.py.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installation import Running, asked, run
from tests.acceptance.receivers import mail_server
from tests.acceptance.shop import Letters, basic
from tests.acceptance.waiting import until

SHOP = Path("examples/shop")
BACKEND = "demo-backend"
LAMP = {"product_id": "lamp-fjord", "name": "Lamp Fjord", "category": "Lights", "price": 129}
MUG = {"product_id": "mug-tide", "name": "Mug Tide", "category": "Kitchen", "price": 18}
WAITS = re.compile(r"wait: (\d+[smhd]|\{until: [^}]*\})")
FOLDERS = ("collections", "events", "journeys", "messages", "blocks", "metrics", "segments")


def copy_in_a_hurry(to: Path) -> None:
    """The shop with waits of a second, without caps and nights: these mails really go to a server, so that the clock
    may not run fast instead."""
    for folder in FOLDERS:
        shutil.copytree(SHOP / folder, to / folder)
    for journey in (to / "journeys").glob("*.yaml"):
        journey.write_text(WAITS.sub("wait: 1s", journey.read_text()))
    settings = (SHOP / "tactful.toml").read_text()
    for said, hurried in (('cap = ["2 per day"]', "cap = []"), ('quiet = "21:00-08:00"', 'quiet = ""')):
        assert said in settings
        settings = settings.replace(said, hurried)
    (to / "tactful.toml").write_text(settings)


class Stage:
    """The shop in its processes, with waits of a second, and the mail server that it talks to."""

    def __init__(self, running: Running, letters: Letters) -> None:
        self.running, self.letters = running, letters
        self._numbers = count()

    def call(self, path: str, **call: Any) -> None:
        body = json.dumps({"messageId": f"m{next(self._numbers)}", **call}).encode()
        connection = HTTPConnection("127.0.0.1", self.running.port, timeout=20)
        headers = {"Authorization": basic(BACKEND), "Content-Type": "application/json"}
        connection.request("POST", f"/v1/{path}", body, headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()

    def knows(self, user: str, *, has_agreed: bool = True) -> None:
        """An account with an address; whoever says yes is welcomed."""
        self.call("consent", userId=user, consents={"analytics": True})
        self.call("identify", userId=user, traits={"email": f"{user}@mail.example", "firstName": user.title()})
        self.call("consent", userId=user, consents={"email_marketing": has_agreed})

    def track(self, user: str, event: str, properties: Mapping[str, Any]) -> None:
        self.call("track", userId=user, event=event, properties=properties)

    def order(self, user: str, number: int) -> None:
        order = {"order_id": f"{user}{number}", "total": 18, "currency": "EUR", "products": [MUG]}
        self.track(user, "Order Completed", order)

    def fates(self, user: str, journey: str) -> list[tuple[str, str]]:
        rows = [
            row for row in self.running.intents() if row.intent.key == f"u:{user}" and row.intent.journey == journey
        ]
        return [(row.status, row.reason) for row in rows]

    def explained(self, user: str, journey: str) -> str:
        return asked("explain", user, "--journey", journey, "--data", str(self.running.data))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    project, letters = tmp_path / "project", Letters()
    copy_in_a_hurry(project)
    with mail_server(letters):
        settings = project / "tactful.toml"
        url = f'[channels.email]\nsmtp_url = "smtp://127.0.0.1:{letters.port}?starttls=never"'
        text = settings.read_text().replace("[channels.email]", url)
        settings.write_text(text.replace("[workspace]", '[workspace]\npublic_url = "https://mail.example.test"'))
        running = Running(project, tmp_path / "data")
        try:
            running.start()
            for file in (SHOP / "coupons").glob("*.txt"):
                done = run("coupons", "load", file.stem, str(file), "--data", str(running.data))
                assert done.returncode == 0, done.stderr
            yield Stage(running, letters)
            assert running.stop() == 0
            assert "Traceback" not in running.said(), running.said()[-6000:]
        finally:
            running.kill_all()


def subjects(stage: Stage, user: str) -> list[str]:
    """Of the letters to somebody, but for the welcome."""
    named = [
        re.findall(r"^Subject: (.*)$", one.whole, re.MULTILINE)[0] for one in stage.letters.to(f"{user}@mail.example")
    ]
    return [subject for subject in named if not subject.startswith("Good to have you here")]


def test_the_cart_that_was_left_and_the_third_order(stage: Stage) -> None:
    for user in ("ada", "bob", "eve"):
        stage.knows(user)
    stage.knows("dov", has_agreed=False)
    for user in ("ada", "bob", "dov"):
        stage.track(user, "Product Added", {**LAMP, "quantity": 2})
    stage.track("ada", "Product Added", MUG)
    stage.order("bob", 1)
    for number in range(4):
        stage.order("eve", number)
    until(lambda: stage.fates("dov", "cart_reminder"), "the gate to see Dov's reminder")
    until(lambda: subjects(stage, "ada") and subjects(stage, "eve"), lambda: stage.running.said()[-2000:])
    stage.running.await_quiet(3)

    assert subjects(stage, "ada") == ["Ada, your Lamp Fjord is still here"]
    (letter,) = [one for one in stage.letters.to("ada@mail.example") if "Mug Tide" in one.whole]
    assert "Lamp Fjord" in letter.html and "Mug Tide" in letter.html
    assert subjects(stage, "eve") == ["Thank you, Eve"]
    codes = (SHOP / "coupons" / "fjord.txt").read_text().split()
    assert [codes[0] in one.whole for one in stage.letters.to("eve@mail.example")] == [False, True]
    assert len(stage.fates("eve", "third_order")) == 1
    assert subjects(stage, "bob") == subjects(stage, "dov") == []
    assert "has ended (Order Completed came first)" in stage.explained("bob", "cart_reminder")
    assert stage.fates("dov", "cart_reminder") == [("refused", "no consent: email_marketing")]
    assert "refused (no consent: email_marketing: never granted, or withdrawn)" in stage.explained(
        "dov", "cart_reminder"
    )


def test_looking_around_and_looking_closely(stage: Stage) -> None:
    for user in ("ada", "bob"):
        stage.knows(user)
    for product in ("a", "b", "c", "d"):
        stage.track("ada", "Product Viewed", {**LAMP, "product_id": product})
    for _ in range(3):
        stage.track("bob", "Product Viewed", LAMP)
    until(lambda: subjects(stage, "ada") and subjects(stage, "bob"), lambda: stage.running.said()[-2000:])
    stage.running.await_quiet(4)
    assert subjects(stage, "ada") == ["Ada, nothing right?"]
    assert stage.fates("ada", "browse_without_buying") == [("sent", "accepted")]
    assert stage.fates("bob", "browse_without_buying") == []
    assert subjects(stage, "bob") == ["Bob, a closer look?"]
    assert stage.fates("bob", "second_look") == [("sent", "accepted")]
