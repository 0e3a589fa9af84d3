"""The pages on a real server (uvicorn on a free port of 127.0.0.1), for clients and browsers that are real as well."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from tactful.adapters.memory.bells import MemoryBells
from tactful.web import api, pages
from tactful.web.desk import Desk, News
from tactful.web.guard import Guard
from tests.web.scene import Scene


class Served:
    def __init__(self, address: str, bells: MemoryBells) -> None:
        self.address = address
        self.bells = bells


def application(scene: Scene, bells: MemoryBells, address: str, tokens: tuple[str, ...] = ()) -> tuple[ASGIApp, News]:
    desk = Desk(lambda: scene.reader)
    news = News(bells.bell("watch"))
    around = pages.Frame("The Kettle Shop", "Europe/London", address, "kettle-server-key")
    routes = [*api.routes(desk, lambda: {"opens": 7}), *pages.routes(desk, news, scene.mails.get, around)]
    return Guard(Starlette(routes=routes), tokens, api.OPEN_PATHS), news


@contextmanager
def serve(scene: Scene, tokens: tuple[str, ...] = ()) -> Iterator[Served]:
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    bells = MemoryBells()
    app, news = application(scene, bells, address, tokens)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    started = Event()

    def run() -> None:
        started.set()
        server.run(sockets=[listening])

    thread = Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield Served(address, bells)
    finally:
        news.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server stops although pages are open"
