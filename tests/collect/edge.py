"""A collect edge to test against: the production app over the real SQLite log and quarantine, and a hand-set clock."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.quarantine import SqliteQuarantine
from tactful.events.records import Consent, Event, Record, decode
from tactful.events.sources import Source
from tactful.runtime.intake import Bounds, Intake
from tactful.runtime.ports import Clock, Log, Quarantined
from tactful.values import parse_time
from tactful.web.answers import App, Message, Receive, Scope, Send
from tactful.web.collect import collect_app
from tactful.web.collect_reading import Rules

NOW = parse_time("2026-05-07T01:00:10Z") or 0
BROWSER = Source("web", "WK", "browser")
SERVER = Source("shop", "SK", "server")
PARTITIONS = 4
T = TypeVar("T")


class SetClock(Clock):
    """Stands still until it is moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def now_us(self) -> int:
        return self.now


@dataclass
class Reply:
    """What came back: status, headers (lower case) and the decoded JSON body."""

    status: int
    headers: dict[str, str]
    body: Any = None


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """The fallback: says that a request was not for collect."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"x-fallback", b"yes")]})
    await send({"type": "http.response.body", "body": b'{"code":"not_found","message":"nothing here"}'})


@dataclass
class Edge:
    """One installation's edge; `log` and what surrounds it may be replaced before `run`."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)
    sources: Sequence[Source] = (BROWSER, SERVER)
    bounds: Bounds = field(default_factory=Bounds)
    log: Log | None = None
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        self.real_log = SqliteLog(self.folder / "log", PARTITIONS, self.clock)
        self.log = self.log or self.real_log
        self.quarantine = SqliteQuarantine(self.folder / "quarantine.db")
        self.bells = MemoryBells()

    def run(self, scene: Callable[["Running"], Awaitable[T]]) -> T:
        """Run the scene in an event loop with a started edge."""

        async def play() -> T:
            assert self.log is not None
            intake = Intake(self.log, self.quarantine, self.bells, self.clock, self.bounds)
            intake.start()
            try:
                app = collect_app(intake, self.sources, self.clock, elsewhere, rules=self.rules)
                return await scene(Running(app, intake))
            finally:
                await intake.stop()

        return asyncio.run(play())

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None, query: str = "") -> Reply:
        """One POST by itself, authorized as the browser source unless headers are given."""

        async def scene(running: "Running") -> Reply:
            return await running.post(path, body, headers, query)

        return self.run(scene)

    def records(self) -> list[Record]:
        """Everything in the log, by partition."""
        return [
            decode(body) for partition in range(PARTITIONS) for _, body in self.real_log.read(partition, 0, 1_000_000)
        ]

    def events(self) -> list[Event]:
        return [record for record in self.records() if isinstance(record, Event)]

    def consents(self) -> list[Consent]:
        return [record for record in self.records() if isinstance(record, Consent)]

    def refused(self) -> list[Quarantined]:
        return self.quarantine.rows(limit=1_000_000)

    def close(self) -> None:
        self.real_log.close()
        self.quarantine.close()


@dataclass
class Running:
    app: App
    intake: Intake

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None, query: str = "") -> Reply:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.request("POST", path, sent, headers, query)

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: str = "",
        chunk: int = 1 << 16,
    ) -> Reply:
        """One request through the ASGI interface, its body in chunks as a server would hand it over."""
        chosen = {"authorization": "Basic V0s6"} if headers is None else headers
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "scheme": "http",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in chosen.items()],
        }
        chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
        reply = Reply(0, {})

        async def receive() -> Message:
            if not chunks:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            elif message["body"]:
                reply.body = json.loads(message["body"])

        await self.app(scope, receive, send)
        return reply


def repeats(batch: list[Any]) -> int:
    """How many may be a call that stands in the batch before, and in the quarantine once."""
    named = [json.dumps(call["messageId"]) for call in batch if isinstance(call, dict) and "messageId" in call]
    return len(named) - len(set(named))
