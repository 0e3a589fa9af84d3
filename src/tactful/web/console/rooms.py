"""Rooms: all of the console's, in the order of its navigation. A new room is one module and one line here."""

from collections.abc import Callable

from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tactful.operations.access.access import Access
from tactful.operations.access.openid import Provider
from tactful.web.console import access as accessing
from tactful.web.console import (
    audit,
    backtests,
    campaigns,
    consent,
    events,
    home,
    journey_people,
    journeys,
    live,
    messages,
    openid,
    outbox,
    people,
    quarantine,
    recalled,
    segment_people,
    signing,
    workrooms,
)
from tactful.web.console.room import Console

ROOMS: tuple[Callable[[Console], list[BaseRoute]], ...] = (
    home.routes,
    live.routes,
    consent.routes,
    people.routes,
    recalled.routes,
    workrooms.routes,
    segment_people.routes,
    journeys.routes,
    journey_people.routes,
    backtests.routes,
    campaigns.routes,
    messages.routes,
    outbox.routes,
    events.routes,
    quarantine.routes,
    audit.routes,
)


def routes(console: Console) -> list[BaseRoute]:
    found = [route for room in ROOMS for route in room(console)]
    return [*found, Mount("/static", GZipMiddleware(StaticFiles(packages=[("tactful.web", "static")])))]


def doors(console: Console, access: Access, provider: Provider | None = None) -> list[BaseRoute]:
    """Where people come in, and who they are; `provider` where there is one of OpenID Connect."""
    door = signing.Signing(console, access)
    there = openid.routes(console, access, door, provider) if provider is not None else []
    return [*signing.routes(console, door), *there, *accessing.routes(console, access)]
