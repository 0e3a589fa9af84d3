"""`tactful import` beside a running `tactful up`, killed on the way and given again: every row counts once, nobody is
written to for it, and who comes in meanwhile is served."""

import json
import subprocess
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path

from tests.acceptance.installation import WRITE_KEY, Running, command, run
from tests.acceptance.receivers import Hooks
from tests.acceptance.waiting import until

ROWS = 12_000
MAPPING = """source: shop
events:
  - {event: Signed Up, user_id: user, timestamp: at, id: number, properties: {number: number}}
"""


def sign_up(running: Running, user: str) -> None:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=10)
    key = b64encode(f"{WRITE_KEY}:".encode()).decode()
    call = {"type": "track", "event": "Signed Up", "userId": user, "messageId": f"live-{user}"}
    connection.request(
        "POST", "/v1/track", json.dumps(call), {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
    )
    assert connection.getresponse().status == 200
    connection.close()


def test_an_import_beside_a_server_is_killed_and_goes_on(running: Running, hooks: Hooks, tmp_path: Path) -> None:
    file, mapping = tmp_path / "people.csv", running.project / "imports/people.yaml"
    rows = (f"person-{number},2024-05-{number % 28 + 1:02}T10:00:00Z,{number}\n" for number in range(ROWS))
    file.write_text("user,at,number\n" + "".join(rows))
    mapping.parent.mkdir()
    mapping.write_text(MAPPING)
    running.start()
    words = ("import", str(file), "--project", str(running.project), "--data", str(running.data), "--json")

    first = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reports = running.data / "imports"
    until(lambda: any(reports.glob("*.json")), "the first rows to be taken")
    first.kill()
    first.wait(10)
    sign_up(running, "somebody")
    assert "goes on there" in run("doctor", "--project", str(running.project), "--data", str(running.data)).stdout
    assert running.stop() == 0
    running.start()
    assert "people.csv was imported to row" in running.said()

    done = run(*words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["rows"], told["kept"], told["is_finished"]) == (ROWS, ROWS, True)
    running.await_quiet(1)
    assert running.overview().lag == 0
    assert [row.intent.key for row in running.intents()] == ["u:somebody"]
    found = [one["messageId"] for one in running.events() if one["type"] != "message"]
    assert (len(found), len(set(found))) == (ROWS + 1, ROWS + 1)
    assert "nothing to do" in run(*words[:-1]).stdout
    assert running.stop() == 0
