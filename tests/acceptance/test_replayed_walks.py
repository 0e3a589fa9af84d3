"""A history with journeys of steps is imported: everything is decided, each intent is closed as replay, traits are set once,
and nothing leaves; what happens after it is live."""

import json
from collections import Counter
from pathlib import Path

from tactful.app.clocks import SystemClock
from tactful.runtime.ports import OutboxRow
from tests.acceptance.customers import Call, Client
from tests.acceptance.installation import Running, run
from tests.acceptance.receivers import Hooks, Mailbox
from tests.acceptance.waiting import until
from tests.acceptance.walks import FILES, People, Walker, demand_once, load_coupons, project

DAY_US = 24 * 3_600_000_000
LOOP = """
start: {segment: greeted}
again: never
steps:
  - set: {greeted: false}
  - wait: 1s
  - set: {greeted: true, rounds: 'rounds + 1'}
  - send: {webhook: "http://127.0.0.1:{hook_port}/hook"}
    purpose: email_marketing
"""
MORE = '\n[channels.webhook]\nsecret = "a-secret-of-the-test"\nallow_private = true\n'
TYPES = {"/v1/identify": "identify", "/v1/track": "track"}


def line(one: Call, received_at: str) -> str:
    """A call as a line of an import."""
    if one.path == "/v1/consent":
        body = {"type": "consent", "userId": one.body["userId"], "purpose": one.body["purpose"], "granted": True}
        body["messageId"] = one.body["messageId"]
    else:
        body = {"type": TYPES[one.path], **one.body}
    return json.dumps({**body, "receivedAt": received_at})


def test_nothing_of_a_replayed_history_leaves(tmp_path: Path, mailbox: Mailbox, hooks: Hooks) -> None:
    files = {**FILES, "journeys/loop.yaml": LOOP.replace("{hook_port}", str(hooks.port))}
    running = Running(project(tmp_path / "project", mailbox.port, files, more=MORE), tmp_path / "data")
    people = People(1, 20, SystemClock().now_us() - 3 * DAY_US)
    file = tmp_path / "history.jsonl"
    calls = [one for walker in people.walkers for one in (*walker.signs_up(), *walker.confirms())]
    last = Walker("last", is_eager=False, begin_us=people.begin_us + 2 * DAY_US).signs_up()[0]
    file.write_text("\n".join(line(one, one.body["timestamp"]) for one in [*calls, last]))
    done = run("import", "--replay", str(file), "--project", str(running.project), "--data", str(running.data))
    assert done.returncode == 0, done.stderr

    eager = sum(one.is_eager for one in people.walkers)
    expected = {"walk/hello": 20, "gift/1": 20, "walk/thanks": eager, "walk/last": 20 - eager, "loop/4": 20}

    def replayed() -> list[OutboxRow]:
        return [row for row in running.intents() if row.intent.is_replay]

    def steps() -> Counter[str]:
        return Counter(f"{row.intent.journey}/{row.intent.step}" for row in replayed())

    def is_over() -> bool:
        """Between two instants of the past all is quiet as well."""
        found = steps()
        return found.pop("walk/bold", 0) < 20 and found == expected

    def demand_replayed() -> None:
        assert is_over(), steps()
        assert {(row.status, row.reason) for row in replayed()} == {("lapsed", "replay")}
        assert not hooks.taken and not hooks.wrong

    running.start()
    try:
        load_coupons(running, "gifts", 5)
        until(is_over, steps)
        running.await_quiet(80)
        demand_replayed()
        traits = [event["traits"] for event in running.events() if event["type"] == "identify" and not event["context"]]
        written = Counter(json.dumps(one, sort_keys=True) for one in traits if "greeted" in one)
        # The walk and the loop, each once a person; nobody goes round and round.
        assert sum(written.values()) == 3 * 20, written

        # What happens now is live.
        before = len(running.intents())
        client = Client(running.port)
        for one in Walker("live", is_eager=False, begin_us=SystemClock().now_us()).signs_up():
            assert client.send(one) == 200
        client.close()
        running.await_quiet(before + 4)
        live = [row for row in running.intents() if not row.intent.is_replay]
        assert {row.intent.key for row in live} == {"u:live"}
        assert {row.status for row in live} == {"sent"}
        assert running.stop() == 0
        demand_once([row for row in live if row.intent.channel == "email"], mailbox.accepted)
        assert sum(hooks.taken.values()) == 1
    finally:
        running.kill_all()
