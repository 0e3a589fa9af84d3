"""The pages on a real server (uvicorn on a free port of 127.0.0.1), for clients and browsers that are real as well."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.house import MemoryHouse
from tactful.adapters.openid import OpenIdProvider
from tactful.errors import UsageError
from tactful.events.intake import Arrival
from tactful.operations.access.access import Access
from tactful.operations.journeys.campaigns import Approval
from tactful.operations.journeys.previewing import Preview
from tactful.operations.messages.proofs import Said
from tactful.operations.people.patching import SOURCE
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Claimed, Clock
from tactful.runtime.settings import Settings
from tactful.runtime.settings_access import AccessSettings
from tactful.web import api
from tactful.web.allowed import allowed
from tactful.web.console.hands import Hands
from tactful.web.console.room import Console, Frame
from tactful.web.console.rooms import doors
from tactful.web.console.rooms import routes as rooms
from tactful.web.desk import Desk, News
from tactful.web.guard import Guard
from tactful.web.patience import Patient
from tests.web.doorkeeping import Walking, doorkeeper
from tests.web.scene import Scene, SceneClock


class Served:
    def __init__(self, address: str, bells: MemoryBells, access: Access, app: ASGIApp) -> None:
        self.address = address
        self.bells = bells
        self.access = access
        self.app = app


class Approved:
    """Approvals that are kept for as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, Approval] = {}

    def read(self) -> dict[str, Approval]:
        return dict(self.kept)

    def write(self, approvals: Mapping[str, Approval]) -> None:
        self.kept = dict(approvals)


def nobody_previews(_reader: Reader, name: str) -> tuple[str, Preview]:
    raise UsageError(f"there is no campaign {name!r}")


def nobody_sends(_claim: Claimed, _source: bytes) -> Said:
    return Said(problem="there is no channel")


def application(
    scene: Scene,
    bells: MemoryBells,
    address: str,
    tokens: tuple[str, ...] = (),
    clock: Clock | None = None,
    settings: AccessSettings | None = None,
) -> tuple[ASGIApp, News, Access]:
    """`clock` and `settings`: of who stands at the door."""
    desk = Desk(lambda: scene.reader)
    news = News(bells.bell("watch"))
    around = Frame("The Kettle Shop", "Europe/London", address, "kettle-server-key")
    house = MemoryHouse(Settings(), SceneClock())

    async def submit(records: Sequence[tuple[int, bytes]]) -> None:
        for partition, body in records:
            scene.log.append({partition: [body]})

    def arrive() -> Arrival:
        return Arrival(SOURCE, house.clock.now_us())

    hands = Hands(Approved(), nobody_previews, nobody_sends)
    console = Console(desk, desk, news, house, house.office, Path(), around, submit, arrive, scene.mails.get, hands)
    access = doorkeeper(house.office, clock or Walking(), *tokens, settings=settings)
    provider = OpenIdProvider(settings.openid) if settings is not None and settings.openid.issuer else None
    for_programs = allowed([*api.routes(desk), *api.probes(desk, lambda: {"opens": 7})], access.note)
    routes = [*for_programs, *rooms(console), *doors(console, access, provider)]
    return Guard(Starlette(routes=routes), access, api.OPEN_PATHS), news, access


@contextmanager
def serve(
    scene: Scene,
    tokens: tuple[str, ...] = (),
    clock: Clock | None = None,
    settings: AccessSettings | None = None,
    address: str = "",
) -> Iterator[Served]:
    """`address`: that the settings say, where it is another one."""
    listening = socket.create_server(("127.0.0.1", 0))
    here = f"http://127.0.0.1:{listening.getsockname()[1]}"
    bells = MemoryBells()
    app, news, access = application(scene, bells, address or here, tokens, clock, settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", http=Patient))
    started = Event()

    def run() -> None:
        started.set()
        server.run(sockets=[listening])

    thread = Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield Served(here, bells, access, app)
    finally:
        news.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server stops although pages are open"
