"""A whole installation in one process under a virtual clock: the production workers and the production deliverer, the
faces of the real server, and the shoppers as they are, who ask it the same things as over the network.

Nobody waits: time goes on in steps, and in each the shoppers say what is due, the workers decide it, mail is written
and handed over, and the feeds are read.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.types import ASGIApp

from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.events.identifiers import partition_of
from tactful.events.records import Event, Publish, encode
from tactful.events.sources import Source
from tactful.messages.tracking import Tracking
from tactful.operations.journeys.measuring import Report
from tactful.operations.reading.reader import Reader
from tactful.runtime.channels import Answer as Sending
from tactful.runtime.channels import Sent
from tactful.runtime.deliver import Deliverer, Lane
from tactful.runtime.intake import Intake
from tactful.runtime.ports import Bell, Claimed
from tactful.runtime.responding import Responding
from tactful.runtime.worker import Worker
from tactful.runtime.writing import Letterhead, mail_writer
from tactful.shoppers.calls import Door
from tactful.shoppers.catalogue import Catalogue, made_up
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.driving import Drive
from tactful.shoppers.inbox import Inbox
from tactful.shoppers.network import Answer, Request
from tactful.shoppers.people import Town
from tactful.shoppers.sending import Sender
from tactful.testing.clock import SimClock
from tactful.testing.processes import DeliverProcess, SimBells
from tactful.values import DAY_US, MINUTE_US, SECOND_US, parse_time
from tactful.web.api import routes as api
from tactful.web.clock import routes as clock_routes
from tactful.web.collect import collect_app
from tactful.web.desk import Desk
from tactful.web.feeds import routes as feeds
from tactful.web.journeys import routes as journeys
from tactful.web.responses import routes as follow

START = parse_time("2025-03-03T06:00:00Z") or 0
STEP_US = 30 * MINUTE_US
PARTITIONS = 2
KEYS = {1: b"k" * 64}
DOOR = Door("website", "backend")
SOURCES = [Source("website", "website", "browser"), Source("backend", "backend", "server")]
LETTERHEAD = Letterhead(
    "Shop", "Shop <hello@shop.example>", "https://shop.example", KEYS, Tracking(clicks=True, opens=True, trap=True)
)
MESSAGE = (
    "purpose: email_marketing\nsubject: Still there\n"
    'html: <p>Hello {{ profile.firstName }}</p><a href="https://shop.example/cart">Back</a>\ntext: Hello\n'
)


class Mailbox:
    """The channel `email`: what was handed over, by intent."""

    name = "email"
    is_repeatable = False
    slots = 64

    def __init__(self) -> None:
        self.mails: dict[str, bytes] = {}

    async def send(self, claim: Claimed, body: bytes) -> Sending:
        self.mails[claim.intent.intent] = body
        return Sent("250 ok")

    async def close(self) -> None:
        return None


class Ringing:
    """The port `Bells`; only the deliverer waits for one."""

    def __init__(self, bells: SimBells, give: Callable[[tuple[str, ...]], Bell] | None = None) -> None:
        self.ring = bells.ring
        self._give = give

    def bell(self, *names: str) -> Bell:
        assert self._give is not None
        return self._give(names)

    def close(self) -> None:
        return None


class Inside:
    """The shoppers' network: straight into the app."""

    def __init__(self, app: ASGIApp, clock: SimClock, decide: Callable[[], None]) -> None:
        self._app = app
        self._decide = decide
        self._clock = clock
        self.asked: dict[str, int] = {}

    def steady_us(self) -> int:
        return self._clock.monotonic_us

    async def pause(self, seconds: float) -> None:
        raise AssertionError("this server is always there")

    async def ask(self, request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        kind = "/".join(path.split("/")[:3])
        self.asked[kind] = self.asked.get(kind, 0) + 1
        headers = [(name.lower().encode(), value.encode()) for name, value in request.headers]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        await self._app(scope, receive, send)
        if request.method == "POST":
            self._decide()
        body = b"".join(message.get("body", b"") for message in said)
        return Answer(
            said[0]["status"], body, {name.decode().lower(): value.decode() for name, value in said[0]["headers"]}
        )


class Installation:
    """`files` are the project's definitions."""

    def __init__(self, files: Mapping[str, str], town: Town, start: int = START) -> None:
        self.clock = SimClock(start)
        self.log = MemoryLog(PARTITIONS, self.clock)
        self.stores = [MemoryStore() for _ in range(PARTITIONS)]
        self.outbox, self.trail = MemoryOutbox(), MemoryTrail()
        self.quarantine, self.ledger = MemoryQuarantine(), MemoryLedger()
        self._sim_bells = SimBells()
        self.bells = Ringing(self._sim_bells)
        self.mailbox = Mailbox()
        self.log.append({0: [encode(Publish(start, dict(files), {"time_zone": "UTC"}))]})
        self.workers = [
            Worker(
                number,
                self.log,
                store,
                self.outbox,
                self.trail,
                self.quarantine,
                self.ledger,
                self.bells,
                self.clock,
                {"email": 64},
            )
            for number, store in enumerate(self.stores)
        ]
        self._deliver = DeliverProcess("deliver", self.clock, self._deliverer)
        self.reader = Reader(self.log, self.stores, self.trail, self.outbox, self.quarantine)
        self._runner = asyncio.Runner()
        self.intake = Intake(self.log, self.quarantine, self.bells, self.clock)
        self.responding = Responding(self._submit)
        self.desk = Desk(lambda: self.reader)
        self.network = Inside(self._app(), self.clock, self._decide)
        self.crowd = Crowd(town, Catalogue(town.seed, made_up(town.seed)), DOOR, start, range(town.people), keeps=True)
        inbox = Inbox(self.network, self.crowd, "")
        self.drive = Drive(self.network, self.crowd, Sender(self.network, 1, is_dated=True, singles=0), inbox)

    def _app(self) -> ASGIApp:
        async def submit(records: Any) -> None:
            await self.intake.submit(records)

        routes = [
            *api(self.desk),
            *feeds(self.desk, self.mailbox.mails.get),
            *journeys(self.desk, submit, lambda: None, PARTITIONS),  # type: ignore[arg-type,return-value]  # nothing is changed
            *clock_routes(self.clock),
            *follow(KEYS, self.responding, self.clock),
        ]
        return collect_app(self.intake, SOURCES, self.clock, Starlette(routes=routes))

    def _deliverer(self, process: DeliverProcess) -> Deliverer:
        lane = Lane(self.mailbox, mail_writer(LETTERHEAD, self.outbox.template))
        bells = Ringing(self._sim_bells, lambda names: self._sim_bells.give(process, names, self.clock, has_net=False))
        return Deliverer("deliver-1", self.outbox, self.log, bells, self.clock, [lane])

    async def _submit(self, events: Any) -> None:
        found: list[Event] = list(events)
        await self.intake.submit([(partition_of(one.key, PARTITIONS), encode(one)) for one in found])

    # ---- time --------------------------------------------------------------------------------------------------

    def live(self, days: float, step_us: int = STEP_US) -> int:
        """So many days of the shoppers; returns the instant of their end."""
        until = self.clock.now_us() + int(days * DAY_US)
        self._runner.run(self._begin())
        self._settle()
        while self.clock.now_us() < until:
            self.clock.advance(step_us)
            self._runner.run(self._step(self.clock.now_us()))
            self._settle()
        self._runner.run(self.drive.look())
        return until

    async def _begin(self) -> None:
        self.intake.start()
        await self.drive.begin()

    async def _step(self, now_us: int) -> None:
        await self.drive.look()
        await self.drive.round(now_us)
        await self.responding.flush(now_us, all_=True)

    def _decide(self) -> None:
        """The workers go on until there is nothing to decide."""
        while any([worker.turn() for worker in self.workers]):
            pass

    def _settle(self) -> None:
        """Until nobody has anything to do at this instant."""
        while True:
            is_busy = any([worker.turn() for worker in self.workers])
            if self._deliver.is_ready(self.clock.monotonic_us):
                self._deliver.run()
                is_busy = True
            if not is_busy:
                # Verdicts are gathered for a moment before they are written.
                at = self._deliver.next_us()
                if at is None or at > self.clock.monotonic_us + SECOND_US:
                    return
                self.clock.advance(at - self.clock.monotonic_us)

    def truth(self, until: int) -> dict[str, Any]:
        found: dict[str, Any] = self._runner.run(self.drive.truth(until))
        return found

    def measure(self, journey: str, until: int) -> Report:
        return self.reader.measure(journey, self.crowd.start, until + 1)

    def close(self) -> None:
        self._runner.run(self.intake.stop())
        self._runner.close()
        self.desk.close()
        self._deliver.die()
