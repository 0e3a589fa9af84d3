"""Workrooms: the rooms in which definitions are written, which share one workshop."""

from starlette.routing import BaseRoute

from tactful.web.console import conditions, definitions, editing, previews, segments
from tactful.web.console.room import Console
from tactful.web.console.workshop import Workshop


def routes(console: Console) -> list[BaseRoute]:
    workshop = Workshop(console)
    rooms = (previews.routes, conditions.routes, segments.routes, editing.routes, definitions.routes)
    return [route for room in rooms for route in room(console, workshop)]
