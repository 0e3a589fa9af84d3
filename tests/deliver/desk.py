"""A deliver loop with a real outbox and log on disk, and a worker who says yes to everything that is due."""

from collections.abc import Coroutine, Sequence
from pathlib import Path

import uvloop
from msgspec import Raw

from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.events import records
from tactful.events.derived import SendMessage
from tactful.messages.source import MessageSource, digest
from tactful.runtime.channels import Channel, RetryRule
from tactful.runtime.deliver import Deliverer, Lane
from tactful.runtime.ports import Bell, Claimed, Clock, OutboxRow
from tactful.runtime.writing import Letterhead, call_writer, mail_writer
from tactful.values import DAY_US, parse_time

START = parse_time("2025-03-01T08:00:00Z") or 0
KEYS = {1: bytes(range(64))}
LETTERHEAD = Letterhead("Shop", "Shop <hello@shop.example>", "https://t.shop.example", KEYS)
SOURCE = MessageSource(
    "reminder",
    "Your cart, {{ profile.first_name | default: 'friend' }}",
    html="<p>Hello {{ profile.first_name }}, <a href='{{ unsubscribe_url }}'>no more</a></p>",
    text="Hello {{ profile.first_name }}\n.\n..dots\n{{ unsubscribe_url }}\n",
    purpose="email_marketing",
)


def run(scene: Coroutine[None, None, None]) -> None:
    """On the event loop that `tactful deliver` runs on."""
    uvloop.run(scene)


class StillClock(Clock):
    def __init__(self, now_us: int = START) -> None:
        self.now = now_us

    def now_us(self) -> int:
        return self.now


class Rings:
    """Bells that remember; the bell itself is quiet (tests take turns themselves)."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, name: str) -> None:
        self.rung.append(name)

    def bell(self, *names: str) -> Bell:
        raise AssertionError("tests take turns themselves")


def order(intent: str, channel: str = "email", message: str = "reminder", *, valid_us: int = DAY_US) -> SendMessage:
    return SendMessage(
        at=START,
        intent=intent,
        key=f"u:{intent}",
        journey="cart",
        entry_key="",
        channel=channel,
        message=message,
        purpose="email_marketing" if channel == "email" else "",
        due=START,
        valid_until=START + valid_us,
        plan=1,
        started_at=START,
        started_ref=1,
        event="Product Added",
        properties=Raw(records.pack({"name": "Lamp", "price": 19.5})),
    )


def claimed(intent: SendMessage, attempt: int, now_us: int, source: MessageSource, address: str = "") -> Claimed:
    is_mail = intent.channel == "email"
    return Claimed(
        intent=intent,
        partition=0,
        attempt=attempt,
        claimed_at=now_us,
        position=1,
        address=address or (f"{intent.intent}@people.example" if is_mail else intent.message),
        permit="granted",
        template=digest(source.encode()) if is_mail else "",
        frozen=bytes(
            records.pack(
                {
                    "profile": {"first_name": "Ada"},
                    "event": {"name": intent.event, "timestamp": START, "properties": {"name": "Lamp"}},
                }
            )
        ),
    )


class Desk:
    """Outbox, log, clock and bells; `deliverer` makes one with lanes for the channels given."""

    def __init__(self, folder: Path, source: MessageSource = SOURCE) -> None:
        self.clock = StillClock()
        self.rings = Rings()
        self.outbox = SqliteOutbox(folder / "outbox.db")
        self.log = SqliteLog(folder / "log", 1, self.clock)
        self.source = source
        self.address = ""
        self._token = self.outbox.own(0)

    def put(self, *intents: SendMessage) -> None:
        self.outbox.put(0, intents)

    def lane(self, channel: Channel, retry: RetryRule | None = None) -> Lane:
        write = mail_writer(LETTERHEAD, self.outbox.template) if channel.name == "email" else call_writer()
        return Lane(channel, write, retry)

    def deliverer(self, *lanes: Lane, name: str = "one") -> Deliverer:
        return Deliverer(name, self.outbox, self.log, self.rings, self.clock, lanes)

    def claim(self, channel: str = "email", limit: int = 100) -> int:
        """The worker: claims what waits and is due; lapses what is no longer valid."""
        now = self.clock.now
        with self.outbox.claiming(0, self._token) as claiming:
            waiting = claiming.waiting(0, channel, now, limit)
            for one in waiting:
                claiming.claim(claimed(one.intent, one.attempt, now, self.source, self.address), self.source.encode())
        return len(waiting)

    async def deliver(
        self, deliverer: Deliverer, rounds: int = 1, channels: Sequence[str] = ("email", "webhook")
    ) -> None:
        """Claim, begin, wait for the end; then on to the next instant at which something waits."""
        for _ in range(rounds):
            for channel in channels:
                self.claim(channel)
            while self.outbox.counts().get("claimed"):
                deliverer.turn()
                await deliverer.drain(30.0)
            waits = self.outbox.next_waiting(0)
            if waits is None:
                return
            self.clock.now = max(self.clock.now, waits)

    def status(self, intent: str) -> str:
        row = self.row(intent)
        return row.status

    def row(self, intent: str) -> OutboxRow:
        row = self.outbox.row(intent)
        assert row is not None
        return row

    def outcomes(self) -> list[records.Outcome]:
        read = [records.decode(body) for _, body in self.log.read(0, 0, 10_000)]
        return [record for record in read if isinstance(record, records.Outcome)]

    def close(self) -> None:
        self.outbox.close()
        self.log.close()
