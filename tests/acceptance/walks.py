"""People who walk through journeys of several steps in a server of their own, and what must have become of them.

What each person does is fixed by their name and a first instant, with timestamps of its own; so whenever and however
often the server dies, the runs are the same as those of a server that nothing happened to, down to the ids of intents.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

from msgspec import Struct

from tactful.runtime.ports import OutboxRow
from tactful.values import format_time
from tests.acceptance.customers import Call, Client
from tests.acceptance.installation import WRITE_KEY, Running, asked, run

SETTINGS = f"""
[workspace]
name = "Kettle Shop"
public_url = "https://mail.example.test"

[sources.shop]
write_key = "{WRITE_KEY}"
trust = "server"

[channels.email]
from = "Kettle Shop <hello@shop.example>"
smtp_url = "smtp://127.0.0.1:{{smtp_port}}?starttls={{starttls}}"
{{email}}

[engine]
partitions = 2
workers = 2
deliverers = {{deliverers}}
"""
LETTER = (
    'purpose: email_marketing\nsubject: "{name} for {{{{ profile.name }}}}"\n'
    "html: '<p>{body}</p><a href=\"{{{{ unsubscribe_url }}}}\">No more</a>'\n"
    "text: '{body} {{{{ unsubscribe_url }}}}'\n"
)
WALK = """
start: {event: Signed Up}
goal: {event: Confirmed, within: 5d}
steps:
  - {name: hello, send: {email: hello}}
  - wait: 1s
  - set: {greeted: true}
  - split: {calm: 50, bold: 50}
    bold:
      - {name: bold, send: {email: bold}}
  - wait: 1s
  - if: eager == True
    then:
      - wait: {for: Confirmed, at_most: 1h}
        then:
          - {name: thanks, send: {email: thanks}}
          - exit: confirmed
    else:
      - wait: {for: Confirmed, at_most: 1s}
        else:
          - {name: last, send: {email: last}}
"""
GIFT = """
start: {segment: greeted}
again: never
send: {email: gift}
"""


def letters(*names: str, body: str = "Dear {{ profile.name }}", more: str = "") -> dict[str, str]:
    """Files of messages."""
    return {f"messages/{name}.yaml": LETTER.format(name=name, body=body) + more for name in names}


FILES = {
    "journeys/walk.yaml": WALK,
    "journeys/gift.yaml": GIFT,
    "segments/greeted.yaml": "when: greeted == True\n",
    **letters("hello", "bold", "thanks", "last"),
    **letters("gift", body="Your code is {{ coupon.code }}.", more="coupon: gifts\n"),
}


def project(
    folder: Path,
    smtp_port: int,
    files: Mapping[str, str] = FILES,
    *,
    more: str = "",
    deliverers: int = 1,
    starttls: str = "never",
    email: str = "",
) -> Path:
    """`more` is added to the settings, `email` to those of the channel."""
    settings = SETTINGS.format(smtp_port=smtp_port, deliverers=deliverers, starttls=starttls, email=email) + more
    for name, text in {"tactful.toml": settings, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


class Walker(Struct, frozen=True):
    """Half of the people are eager: they confirm, and wait for that as long as it takes."""

    user: str
    is_eager: bool
    begin_us: int

    @property
    def key(self) -> str:
        return f"u:{self.user}"

    @property
    def address(self) -> str:
        return f"{self.user}@people.example"

    def signs_up(self) -> list[Call]:
        traits = {"name": self.user, "email": self.address, "eager": self.is_eager}
        return [
            call("/v1/identify", self.user, self.begin_us, traits=traits),
            call("/v1/consent", self.user, self.begin_us, purpose="email_marketing", granted=True),
            call("/v1/track", self.user, self.begin_us + 1000, event="Signed Up"),
        ]

    def confirms(self) -> list[Call]:
        return [call("/v1/track", self.user, self.begin_us + 4_000_000, event="Confirmed")] if self.is_eager else []


def call(path: str, user: str, at_us: int, **body: Any) -> Call:
    """One call of the shop's server, of the same messageId however often it is made."""
    message_id = f"{user}{path}/{body.get('event', '')}/{at_us}"
    kept = () if path == "/v1/consent" else (message_id,)
    return Call(path, {"userId": user, "messageId": message_id, "timestamp": format_time(at_us), **body}, kept)


class People:
    """`walkers`, in threads whose clients send again until they get their 200."""

    def __init__(self, seed: int, number: int, begin_us: int) -> None:
        draw = Random(seed)
        self.begin_us = begin_us
        self.walkers = [
            Walker(f"w{seed}-{n}", draw.random() < 0.5, begin_us + draw.randrange(500_000)) for n in range(number)
        ]
        self.done = 0
        """Calls that got their 200."""
        self.refused: list[str] = []

    def send(self, port: int, calls: Sequence[Sequence[Call]], clients: int = 4) -> list[Thread]:
        """Each person's calls in order."""
        shares = [calls[number::clients] for number in range(clients)]
        threads = [Thread(target=self._send, args=(port, share), daemon=True) for share in shares]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, port: int, calls: Iterable[Sequence[Call]]) -> None:
        client = Client(port)
        for of_one in calls:
            for one in of_one:
                status = client.send(one)
                self.done += 1
                if status != 200:
                    self.refused.append(f"{status} for {one}")
        client.close()

    def join(self, threads: Iterable[Thread]) -> None:
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), "the people are not done"
        assert self.refused == []

    @property
    def events(self) -> set[str]:
        return {
            one for walker in self.walkers for each in (*walker.signs_up(), *walker.confirms()) for one in each.messages
        }


def load_coupons(running: Running, pool: str, number: int) -> list[str]:
    """As many codes, loaded by the command."""
    codes = [f"{pool.upper()}-{n:05}" for n in range(number)]
    file = running.data.parent / f"{pool}.txt"
    file.write_text("\n".join(codes))
    done = run("coupons", "load", pool, str(file), "--data", str(running.data))
    assert done.returncode == 0, done.stderr
    return codes


# ---- what became of them ---------------------------------------------------------------------------------------------


def by_person(rows: Iterable[OutboxRow]) -> dict[str, list[OutboxRow]]:
    found = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.intent.due, row.intent.intent)):
        found[row.intent.key].append(row)
    return found


def ways(rows: Iterable[OutboxRow]) -> dict[str, Counter[str]]:
    """Of each person the intents, by what they are known by. When somebody enters a segment is when the engine learns of
    it, and so is the name of a run that begins with it: of that only the step is told."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        name = "" if row.intent.event.startswith("entered ") else row.intent.intent
        found[row.intent.key][f"{row.intent.journey}/{row.intent.step} {name}"] += 1
    return found


def demand_once(rows: Sequence[OutboxRow], received: Counter[str]) -> None:
    """No mail twice, and each accounted for; `received` are mails by the intent that they name."""
    assert {name: number for name, number in received.items() if number > 1} == {}, "mails that were accepted twice"
    known = {row.intent.intent: row for row in rows}
    assert len(known) == len(rows)
    assert received.keys() <= known.keys(), "mails that nobody decided on"
    for intent, row in known.items():
        assert row.status in ("sent", "held", "rejected", "refused", "lapsed"), f"{row.status}: {row.reason}"
        assert row.reason, f"{intent} is {row.status}, and nobody says why"
        if row.status == "sent":
            assert received[intent] == 1, f"{intent} is said to be sent"
        elif row.status != "held":
            assert received[intent] == 0, f"{intent} arrived, and is said to be {row.status}: {row.reason}"


def explained(running: Running, person: str, journey: str) -> list[dict[str, Any]]:
    """The runs as `tactful explain --journey` tells them."""
    told = asked("explain", person, "--journey", journey, "--data", str(running.data), "--json")
    runs: list[dict[str, Any]] = json.loads(told)["runs"]
    return runs


def demand_explained(running: Running, rows: Sequence[OutboxRow]) -> None:
    """The command tells of a person's messages of one journey what the outbox knows."""
    runs = explained(running, rows[0].intent.key, rows[0].intent.journey)
    told = {one["intent"]: (one["status"], one["reason"], one["detail"]) for each in runs for one in each["messages"]}
    assert told == {row.intent.intent: (row.status, row.reason, row.detail) for row in rows}
