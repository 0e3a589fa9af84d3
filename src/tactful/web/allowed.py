"""Allowed: what each address of the API needs, in one table, and which of them are acts that the audit log keeps.

What a shop's own server does all day long for one person (a trait set, an entry into a journey, a bounce reported) is
no administrative act: it is a record in the log, and explained from there.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.errors import TransientError
from tactful.runtime.office import Visitor
from tactful.runtime.roles import Permission
from tactful.web.guard import NOBODY

ACTS = frozenset(
    ("unmerge", "approve", "launch", "pause", "resume", "drain", "stop", "switch_on", "switch_off")
)  # fmt: skip
Note = Callable[[str, str, str, str], None]
"""Who, act, about, detail; into the audit log."""


class Need(Struct, frozen=True):
    permission: Permission | None
    """None: everybody may."""
    act: str = ""
    """A word of the audit log; with the names of the path's parts in braces, like `about`."""
    about: str = ""


PEOPLE, LOOK, OPEN = Need("people"), Need("look"), Need(None)
NEEDS: Mapping[tuple[str, str], Need] = {
    ("GET", "/v1/profiles"): PEOPLE,
    ("GET", "/v1/profiles/{person:path}"): PEOPLE,
    ("PATCH", "/v1/profiles/{person:path}"): Need("edit"),
    ("POST", "/v1/profiles/{person:path}/unmerge"): Need("privacy", "unmerge", "{person}"),
    ("GET", "/v1/segments/{name}/members"): PEOPLE,
    ("GET", "/v1/members"): PEOPLE,
    ("GET", "/v1/explain/{person:path}"): PEOPLE,
    ("GET", "/v1/outbox"): PEOPLE,
    ("GET", "/v1/outbox/{intent}"): PEOPLE,
    ("GET", "/v1/outbox/{intent}/mail"): PEOPLE,
    ("GET", "/v1/journeys"): LOOK,
    ("GET", "/v1/journeys/{name}"): LOOK,
    ("GET", "/v1/journeys/{name}/report"): LOOK,
    ("GET", "/v1/journeys/{name}/feed"): PEOPLE,
    ("POST", "/v1/journeys/{name}/enter"): Need("steer"),
    ("POST", "/v1/journeys/{name}/{order:str}"): Need("steer", "{order}", "journeys/{name}"),
    ("POST", "/v1/sending/{switch:str}"): Need("steer", "switch_{switch}", "sending"),
    ("GET", "/v1/campaigns"): LOOK,
    ("GET", "/v1/campaigns/{name}"): LOOK,
    ("GET", "/v1/campaigns/{name}/preview"): PEOPLE,
    ("POST", "/v1/campaigns/{name}/approve"): Need("steer", "approve", "journeys/{name}"),
    ("POST", "/v1/campaigns/{name}/launch"): Need("steer", "launch", "journeys/{name}"),
    ("POST", "/v1/campaigns/{name}/stop"): Need("steer", "stop", "journeys/{name}"),
    ("POST", "/v1/preview"): PEOPLE,  # A condition asked at will singles out persons.
    ("GET", "/v1/backtests"): LOOK,
    ("POST", "/v1/backtests"): PEOPLE,  # So does a journey that is.
    ("GET", "/v1/backtests/{number:int}"): LOOK,
    ("DELETE", "/v1/backtests/{number:int}"): PEOPLE,
    ("GET", "/v1/backtests/{number:int}/lines"): PEOPLE,
    ("GET", "/v1/responses"): LOOK,
    ("POST", "/v1/bounces"): Need("send"),
    ("GET", "/metrics"): LOOK,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/openapi.json"): OPEN,
}


def author_of(request: Request, said: object, otherwise: str = "") -> str:
    """Who an act is by: whoever showed a sign-in or a token, whatever the call says. Only who may name others is
    believed in what is `said`; who says nothing is `otherwise`."""
    who = visitor_of(request)
    return who.name if who.name and not who.names_others else str(said or otherwise)


def visitor_of(request: Request) -> Visitor:
    """Who asks; the guard has put it there."""
    who = getattr(request.state, "visitor", NOBODY)
    assert isinstance(who, Visitor)
    return who


def allowed(routes: Iterable[Route], note: Note) -> list[Route]:
    """The same routes, for who has the permission. A route that is not in the table is our bug."""
    return [_allowed(route, note) for route in routes]


def _allowed(route: Route, note: Note) -> Route:
    methods = sorted((route.methods or {"GET"}) - {"HEAD"})
    needs = {method: NEEDS[method, route.path] for method in methods}
    endpoint: Callable[[Request], Awaitable[Response]] = route.endpoint

    async def enter(request: Request) -> Response:
        need = needs["GET" if request.method == "HEAD" else request.method]
        who = visitor_of(request)
        if need.permission is not None and need.permission not in who.may:
            message = f'this needs the permission "{need.permission}", which the role {who.role or "of nobody"} has not'
            return JSONResponse({"code": "forbidden", "message": message}, 403)
        said = need.act.format(**request.path_params), need.about.format(**request.path_params)
        if said[0] not in ACTS:  # Among them what is no order at all, which the endpoint says.
            return await endpoint(request)
        # Before it is done: what cannot be noted is not done.
        try:
            await asyncio.to_thread(note, who.name, *said, "by the API")
        except TransientError as error:
            return JSONResponse({"code": "not_noted", "message": f"not done: {error}"}, 503, {"Retry-After": "5"})
        answer = await endpoint(request)
        if answer.status_code >= 400:
            await asyncio.to_thread(note, who.name, *said, f"by the API: not done ({answer.status_code})")
        return answer

    return open_to_lines(Route(route.path, enter, methods=methods, name=route.name))


def open_to_lines(route: Route) -> Route:
    """The same route, and a part `{key:path}` may hold line ends: identifiers are whatever a client has sent."""
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route
