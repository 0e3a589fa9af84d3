"""The read API: JSON for machines, the same values that the pages show. Guarded like the pages; probes are open."""

import json
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tactful.errors import UsageError
from tactful.operations.messages import outbox
from tactful.operations.people import explain_runs
from tactful.operations.people.explain import as_values
from tactful.operations.stories import Overview, PersonSeen
from tactful.values import format_time, parse_time
from tactful.web import openapi
from tactful.web.desk import Desk

OPEN_PATHS = ("/healthz", "/readyz", "/openapi.json")
"""Probes, which say nothing but yes or no, and what everybody may know."""
PROFILE = ("person", "userId", "identifiers", "waiting", "traits", "segments", "consents", "runs")
"""Of a story, what a profile shows."""
MOST = 1000
"""Rows of one answer at most."""
LOOKED_AT = 100
"""People at least, to find the newest among them."""


Asked = Callable[[Request], Awaitable[Response]]


def routes(desk: Desk, then: Asked | None = None) -> list[Route]:
    """GET /v1/profiles[/{id}], /v1/explain/{id}, /v1/outbox[/{intent}], /openapi.json. `then` answers for a profile as
    of another instant."""
    api = Api(desk, then)
    return [
        Route("/v1/profiles", api.profiles),
        Route("/v1/profiles/{person:path}", api.profile),
        Route("/v1/explain/{person:path}", api.explain),
        Route("/v1/outbox", api.outbox),
        Route("/v1/outbox/{intent}", api.message),
        openapi.ROUTE,
    ]


def probes(desk: Desk, asked_for: Callable[[], Mapping[str, int]] = dict) -> list[Route]:
    """GET /healthz, /readyz and /metrics, of the process that takes calls; `asked_for` counts pixels and links."""
    probe = Probes(desk, asked_for)
    return [Route("/healthz", probe.alive), Route("/readyz", probe.ready), Route("/metrics", probe.metrics)]


class Api:
    def __init__(self, desk: Desk, then: Asked | None) -> None:
        self._desk = desk
        self._then = then

    async def profiles(self, request: Request) -> Response:
        limit = _number(request, "limit", 100)
        people = await self._desk.ask(lambda reader: reader.people(max(limit, LOOKED_AT)))
        return _json({"profiles": [seen_values(person) for person in people[:limit]]})

    async def profile(self, request: Request) -> Response:
        if self._then is not None and request.query_params.keys() & {"at", "sees"}:
            return await self._then(request)
        story = await self._desk.ask(lambda reader: reader.story(request.path_params["person"], 0))
        if story is None:
            return _unknown("nobody is known by this identifier")
        shown = as_values(story)
        return _json({name: shown[name] for name in PROFILE})

    async def explain(self, request: Request) -> Response:
        if journey := request.query_params.get("journey", ""):
            return await self._runs(request.path_params["person"], journey)
        steps = _number(request, "limit", 200)
        story = await self._desk.ask(lambda reader: reader.story(request.path_params["person"], steps))
        return _json(as_values(story)) if story is not None else _unknown("nobody is known by this identifier")

    async def _runs(self, person: str, journey: str) -> Response:
        """The runs of one journey."""
        try:
            found = await self._desk.ask(lambda reader: reader.runs(person, journey))
        except UsageError as error:
            return _unknown(str(error))
        if found is None:
            return _unknown("nobody is known by this identifier")
        return _json(explain_runs.as_values(found[0], journey, found[1]))

    async def outbox(self, request: Request) -> Response:
        limit = _number(request, "limit", 100)
        status, person = request.query_params.get("status"), request.query_params.get("person")
        before = parse_time(request.query_params.get("before", ""))
        rows = await self._desk.ask(lambda reader: reader.messages(status or None, person or "", before, limit))
        return _json({"messages": [outbox.as_values(row) for row in rows]})

    async def message(self, request: Request) -> Response:
        row = await self._desk.ask(lambda reader: reader.outbox.row(request.path_params["intent"]))
        return _json(outbox.as_values(row)) if row is not None else _unknown("the outbox holds no such intent")


class Probes:
    def __init__(self, desk: Desk, asked_for: Callable[[], Mapping[str, int]]) -> None:
        self._desk = desk
        self._asked_for = asked_for

    async def alive(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Ready where the data folder can be read."""
        try:
            await self._desk.ask(lambda reader: reader.overview())
        except Exception as error:
            return _json({"status": "not ready", "message": str(error)}, 503)
        return _json({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        overview, waiting = await self._desk.ask(lambda reader: (reader.overview(), reader.outbox.waiting_by_channel()))
        text = prometheus(overview, waiting, self._asked_for())
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def seen_values(person: PersonSeen) -> dict[str, Any]:
    """A person of the list as JSON values."""
    return {
        "person": person.key,
        "name": person.name or None,
        "at": format_time(person.at),
        "last": person.last,
        "segments": list(person.segments),
    }


def prometheus(
    overview: Overview,
    waiting: Mapping[str, int] = MappingProxyType({}),
    asked_for: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """The text exposition format, version 0.0.4; `waiting` are intents by channel."""
    lines = [
        *_metric("tactful_events_total", "counter", "Events applied.", {"": overview.events}),
        *_metric("tactful_repeats_total", "counter", "Events dropped as repeats.", {"": overview.repeats}),
        *_metric(
            "tactful_events_refused_total",
            "counter",
            "Events that were not kept as they came, by verdict.",
            {f'{{verdict="{verdict}"}}': number for verdict, number in overview.refused.items()},
        ),
        *_metric("tactful_people", "gauge", "Profiles kept.", {"": overview.people}),
        *_metric("tactful_quarantined", "gauge", "Calls in the quarantine.", {"": overview.quarantined}),
        *_metric("tactful_lag_records", "gauge", "Records that no worker has read yet.", {"": overview.lag}),
        *_metric("tactful_plan_version", "gauge", "Version of the plan in force.", {"": overview.plan}),
        *_metric(
            "tactful_messages",
            "gauge",
            "Messages in the outbox, by status.",
            {f'{{status="{status}"}}': number for status, number in sorted(overview.messages.items())},
        ),
        *_metric(
            "tactful_messages_waiting",
            "gauge",
            "Messages that wait, by channel.",
            {f'{{channel="{channel}"}}': number for channel, number in sorted(waiting.items())},
        ),
        *_metric(
            "tactful_responses_total",
            "counter",
            "Pixels and links that were asked for since the process began; of them by machines, and those not kept.",
            {f'{{what="{what}"}}': number for what, number in sorted(asked_for.items())},
        ),
        *_metric(
            "tactful_log_end",
            "counter",
            "Highest position of the log.",
            {f'{{partition="{n}"}}': end for n, (end, _) in enumerate(overview.ends)},
        ),
    ]
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, text: str, values: dict[str, int]) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *(f"{name}{label} {n}" for label, n in values.items())]


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return min(int(text[:9]), MOST) if text.isdecimal() else default


def _json(values: Any, status: int = 200) -> Response:
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def _unknown(message: str) -> Response:
    return JSONResponse({"code": "not_found", "message": message}, status_code=404)
