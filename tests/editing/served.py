"""The rooms of definitions over a real project folder and a real engine in memory, on a real server, for real browsers.

Who asks is whoever the cookie `who` names: sign-in has tests of its own.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event as Signal
from threading import Lock, Thread
from typing import NamedTuple
from urllib.parse import quote, urlencode

import uvicorn
from playwright.sync_api import Browser, BrowserContext
from starlette.applications import Starlette
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.house import MemoryHouse
from tactful.events.intake import Arrival
from tactful.events.records import Consent, Event, encode, pack
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import publish
from tactful.operations.people.patching import SOURCE
from tactful.operations.reading.reader import Reader
from tactful.operations.seeds.seeding import Seeder
from tactful.runtime.office import Visitor
from tactful.runtime.ports import Clock
from tactful.runtime.roles import ROLES
from tactful.runtime.settings import plan_settings, read_settings
from tactful.web.console.hands import Hands
from tactful.web.console.room import Console, Frame
from tactful.web.console.rooms import routes as rooms
from tactful.web.desk import Desk, News
from tests.console.playing import bench_of
from tests.previewing.opening import history_of
from tests.web.serving import Approved, nobody_previews, nobody_sends

BUYERS = "segments/buyers.yaml"
START = 1_741_000_000_000_000
CSRF = "csrf-of-a-test"


class Ticking(Clock):
    def __init__(self) -> None:
        self.us = START

    def now_us(self) -> int:
        self.us += 1_000
        return self.us


class Installation:
    """A project folder with people, and whoever asks for pages about it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.clock = Ticking()
        self.house = MemoryHouse(read_settings((project / "tactful.toml").read_text(), {}), self.clock)
        self.worker = self.house.worker(0, self.clock)
        self.lock = Lock()
        self._known: set[str] = set()
        self.publish("up")
        self.address = ""
        house = self.house
        self.bench = bench_of(lambda: history_of(house.log, house.trail), house.settings, project, house)
        self.desks: tuple[Desk, ...] = ()
        """Of the newest console: the quick one, who counts, and who asks the past."""

    def publish(self, author: str) -> None:
        """As `tactful up`, or `--dev`, does."""
        files, settings = load(self.project), plan_settings(self.house.settings)
        publish(files, settings, self.house.log, self.house.bells, self.clock, author)
        self.run()

    def run(self) -> None:
        with self.lock:
            while self.worker.turn():
                pass
            self.worker.report()

    def seed(self) -> None:
        """As the process that asks the history does."""
        with self.lock:
            Seeder(self.house, history_of(self.house.log, self.house.trail)).turn()
        self.run()

    def happen(self, name: str, key: str, **properties: object) -> None:
        """Of somebody who permits it."""
        now = self.clock.now_us()
        if key not in self._known:
            self._known.add(key)
            said = Consent(1, "server", "server", key, f"c{now}", "analytics", True, now, now, "v1")
            self.house.log.append({0: [encode(said)]})
        event = Event(
            1, "server", "server", "track", name, key, (key,), f"m{now}", now, now, pack(properties), pack({})
        )
        self.house.log.append({0: [encode(event)]})

    def application(self, address: str) -> tuple[ASGIApp, News]:
        console = self.console(address)
        return _known(Starlette(routes=rooms(console))), console.news

    def console(self, address: str) -> Console:
        house, bells = self.house, MemoryBells()

        def reader() -> Reader:
            history = lambda: history_of(house.log, house.trail)  # noqa: E731  (opened when it is asked)
            return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine, history)

        desk, counting, past = (Desk(reader) for _ in range(3))
        news, self.desks = News(bells.bell("watch")), (desk, counting, past)

        async def submit(records: Sequence[tuple[int, bytes]]) -> None:
            for partition, body in records:
                house.log.append({partition: [body]})
            self.run()

        return Console(
            desk,
            desk,
            news,
            house,
            house.office,
            self.project,
            Frame("The Kettle Shop", "UTC", address, "key"),
            submit,
            lambda: Arrival(SOURCE, self.clock.now_us()),
            lambda _: None,
            Hands(Approved(), nobody_previews, nobody_sends, bench=self.bench),
            counting,
            past,
        )


def _known(app: ASGIApp) -> ASGIApp:
    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            cookies = dict(scope["headers"]).get(b"cookie", b"").decode()
            name, _, role = cookie_parser(cookies).get("who", "ann/marketer").partition("/")
            may = ROLES[role or "marketer"]  # type: ignore[index]  # a role that is none is a mistake of the test
            scope.setdefault("state", {})["visitor"] = Visitor(name, role, may, CSRF)
        await app(scope, receive, send)

    return enter


@contextmanager
def serve(installation: Installation) -> Iterator[str]:
    """Its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app, news = installation.application(address)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    started = Signal()

    def run() -> None:
        started.set()
        server.run(sockets=[listening])

    thread = Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield address
    finally:
        news.close()
        installation.bench.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def opened(browser: Browser, address: str, *, who: str = "ann/marketer", script: bool = True) -> BrowserContext:
    """A browser of somebody; what goes wrong on its pages fails the test that closes it."""
    context = browser.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "who", "value": who, "url": address}])
    return context


def text_of(shop: Installation, path: str = BUYERS) -> str:
    return (shop.project / path).read_text()


def in_force(shop: Installation, path: str = BUYERS) -> str | None:
    plan = shop.house.plan(0)
    assert plan is not None
    return plan.plan.publish.files.get(path)


class Answer(NamedTuple):
    status_code: int
    headers: Mapping[str, str]
    text: str


class Visiting:
    """Pages by plain requests, whose redirects are not followed."""

    def __init__(self, address: str) -> None:
        self._host = address.removeprefix("http://")

    def get(self, path: str, who: str = "ann/marketer") -> Answer:
        return self._ask("GET", path, None, who)

    def post(self, path: str, /, who: str = "ann/marketer", csrf: str = CSRF, **fields: str) -> Answer:
        return self._ask("POST", path, urlencode({"csrf": csrf, **fields}), who)

    def _ask(self, method: str, path: str, body: str | None, who: str) -> Answer:
        headers = {"Cookie": f"who={who}", "Content-Type": "application/x-www-form-urlencoded"}
        connection = HTTPConnection(self._host, timeout=30)
        connection.request(method, quote(path, safe="/?&=%"), body, headers)
        answer = connection.getresponse()
        found = Answer(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        )
        connection.close()
        return found
