"""The whole console over the living shop, on a free port of 127.0.0.1, for clients and browsers that are real.

Whoever asks is an administrator, or whom the header X-Role names ("viewer", ...); what sign-in does is another test.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Event, Thread
from urllib.parse import urlencode, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.office import MemoryOffice
from tactful.app.parts import sources_of
from tactful.events.intake import Arrival
from tactful.operations.access.access import Access
from tactful.operations.people.patching import SOURCE
from tactful.operations.reading import previewed
from tactful.runtime.office import Visitor
from tactful.runtime.roles import ROLES
from tactful.web.console.hands import Hands
from tactful.web.console.room import Console, Frame
from tactful.web.console.rooms import doors
from tactful.web.console.rooms import routes as rooms
from tactful.web.desk import Desk, News
from tests.console.office import move_in
from tests.console.playing import ASKED, PAGE, bench_of
from tests.console.shop import Shop
from tests.web.doorkeeping import doorkeeper
from tests.web.serving import Approved, nobody_sends

CSRF = "the-token-of-these-tests"


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


class Served:
    """`address` for a browser; `get` and `post` for one who reads what a server says."""

    def __init__(self, address: str, shop: Shop, bells: MemoryBells, console: Console, access: Access) -> None:
        self.address = address
        self.shop = shop
        self.bells = bells
        self.console = console
        self.access = access

    def move_in(self) -> dict[str, str]:
        """There are users from now on; the cookie of the first, for a browser."""
        port = urlsplit(self.address).port
        return {"name": f"tactful-{port}", "value": move_in(self.access), "url": self.address}

    def get(self, path: str, role: str = "admin") -> Answer:
        return self._ask("GET", path, role)

    def post(self, path: str, role: str = "admin", csrf: str = CSRF, **fields: str) -> Answer:
        """A form of one of the console's own pages."""
        return self._ask("POST", path, role, urlencode({"csrf": csrf, **fields}))

    def played(self) -> str:
        """The page of a backtest that is done, of two versions beside each other."""
        page = self.post(PAGE, **ASKED).headers["location"]
        bench = self.console.hands.bench
        while bench.of("cart_reminder")[0].state in ("waiting", "playing"):
            self.get(page)
        return page

    def send(self, path: str, fields: Mapping[str, str]) -> Answer:
        """A form of an administrator, whatever its fields are called."""
        return self._ask("POST", path, "admin", urlencode({"csrf": CSRF, **fields}))

    def _ask(self, method: str, path: str, role: str, body: str | None = None) -> Answer:
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        headers = {"X-Role": role, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return found


class _Roles:
    """Puts the visitor where the guard would; nobody at the door."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/signin"):
            role = Headers(scope=scope).get("x-role", "admin")
            scope.setdefault("state", {})["visitor"] = Visitor("nina", role, ROLES[role], CSRF)  # type: ignore[index]  # a role by its name
        await self._app(scope, receive, send)


def console_of(shop: Shop, bells: MemoryBells, address: str, hands: Hands | None = None) -> Console:
    desk = Desk(lambda: shop.reader)
    workspace = shop.settings.workspace
    around = Frame(workspace.name, workspace.time_zone, address, "demo-backend")

    async def submit(records: Sequence[tuple[int, bytes]]) -> None:
        for partition, body in records:
            shop.world.log.append({partition: [body]})

    def arrive() -> Arrival:
        return Arrival(SOURCE, shop.house.clock.now_us())

    hands = hands or Hands(
        Approved(),
        lambda reader, name: previewed.preview(name, reader, shop.house),
        nobody_sends,
        sources_of(shop.settings),
        bench=bench_of(shop.reader.history, shop.settings, shop.project, shop.house),
    )
    return Console(
        desk,
        desk,
        News(bells.bell("watch")),
        shop.house,
        shop.house.office,
        shop.project,
        around,
        submit,
        arrive,
        shop.mail,
        hands,
    )


def access_of(console: Console) -> Access:
    office = console.house.office
    assert isinstance(office, MemoryOffice)
    return doorkeeper(office, console.house.clock)


def routes_of(console: Console, access: Access | None = None) -> list[BaseRoute]:
    return [*rooms(console), *doors(console, access or access_of(console))]


@contextmanager
def serve(shop: Shop, hands: Hands | None = None) -> Iterator[Served]:
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    bells = MemoryBells()
    console = console_of(shop, bells, address, hands)
    access = access_of(console)
    app = _Roles(Starlette(routes=routes_of(console, access)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    started = Event()

    def run() -> None:
        started.set()
        server.run(sockets=[listening])

    thread = Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield Served(address, shop, bells, console, access)
    finally:
        listening.close()
        console.news.close()
        console.hands.bench.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server stops although pages are open"
