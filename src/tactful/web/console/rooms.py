"""Rooms: all of the console's, in the order of its navigation. A new room is one module and one line here."""

from collections.abc import Callable

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tactful.web.console import journey_people, journeys, live, outbox, people, quarantine
from tactful.web.console.room import Console

ROOMS: tuple[Callable[[Console], list[BaseRoute]], ...] = (
    live.routes,
    people.routes,
    journeys.routes,
    journey_people.routes,
    outbox.routes,
    quarantine.routes,
)


def routes(console: Console) -> list[BaseRoute]:
    found = [route for room in ROOMS for route in room(console)]
    return [*found, Mount("/static", StaticFiles(packages=[("tactful.web", "static")]))]
