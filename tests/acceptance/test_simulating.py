"""Shoppers at a whole server whose clock runs fast: they enter journeys, get mail and answer it, and know the truth."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installation import Running, command

SETTINGS = """\
[workspace]
name = "Kettle Shop"
public_url = "https://mail.example.test"

[sources.website]
write_key = "website"
trust = "browser"

[sources.backend]
write_key = "backend"
trust = "server"

[tracking]
clicks = true
opens = true

[engine]
partitions = 2
workers = 1
"""
FILES = {
    "tactful.toml": SETTINGS,
    "journeys/reminder.yaml": (
        "start: {event: Product Added}\nunless: Order Completed\nlimit: 1 per 24h\nholdout: 30%\n"
        "goal: {event: Order Completed, within: 5d, value: total}\nwait: 1h\nsend: {email: reminder}\n"
    ),
    "messages/reminder.yaml": (
        'purpose: email_marketing\nsubject: Still there\nhtml: <a href="https://shop.example/cart">Cart</a>\ntext: Cart\n'
    ),
}
TOKEN = "a-token-of-the-test"


class Fast(Running):
    """At 3,600 times the world's speed: an hour in a second."""

    arguments = ("--dev", "--speed", "3600", "--begin", "2025-03-03T08:00:00Z")

    def launch(self, variables: Any = None) -> None:
        with self.output.open("ab") as output:
            where = ["--project", str(self.project), "--data", str(self.data), "--port", str(self.port)]
            self._supervisor = subprocess.Popen(
                [*command("up"), *where, *self.arguments],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(variables or {})},
                start_new_session=True,
            )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Fast]:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    running = Fast(tmp_path / "project", tmp_path / "data")
    running.start({"TACTFUL_ADMIN_TOKEN": TOKEN})
    yield running
    running.stop()


def tactful(server: Fast, *words: str) -> dict[str, Any]:
    ran = subprocess.run(
        [*command(words[0]), *words[1:], "--data", str(server.data)],
        capture_output=True,
        text=True,
        env={**os.environ, "TACTFUL_ADMIN_TOKEN": TOKEN},
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "refused" not in ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_shoppers_live_in_the_servers_time_and_tell_the_truth(server: Fast) -> None:
    url = f"http://127.0.0.1:{server.port}"
    where = ["--project", str(server.project), "--url", url]
    told = tactful(
        server, "simulate", *where, "--people", "150", "--visits", "7", "--effect", "1", "--for", "24h", "--truth"
    )
    assert told["mails"] > 5
    report = tactful(server, "measure", "reminder", "--json")["total"]
    truth = told["journeys"]["reminder"]
    assert truth["known"]
    assert truth["people"] == report["people"] > 20
    assert report["responses"]["opened"]["people"] > 0
    assert report["responses"]["clicked"]["people"] > 0
    assert truth["conversion"]["effect"] >= 0


def test_as_fast_as_the_server_takes_it(server: Fast) -> None:
    url = f"http://127.0.0.1:{server.port}"
    words = ["--project", str(server.project), "--url", url, "--data", str(server.data)]
    ran = subprocess.run(
        [*command("simulate"), *words, "--fast", "--processes", "2", "--people", "400", "--for", "2s"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert " events in 2." in ran.stderr
    assert "refused" not in ran.stderr
