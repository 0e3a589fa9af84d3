"""Backtests by the API: asked for, looked at until they are done, and stopped.

They change nothing and send nothing, but take all cores for a while: one is played at a time. A journey written at will
singles out persons, so to ask is for who may see them; the numbers are for everybody who looks.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import UsageError
from tactful.operations.definitions.folder import Edits, split
from tactful.runtime.ports import Clock
from tactful.values import format_time
from tactful.web.allowed import author_of, visitor_of
from tactful.web.changes import refused
from tactful.web.journeys import body_of, shown

if TYPE_CHECKING:
    from tactful.operations.backtesting.bench import Bench, Job
    from tactful.operations.backtesting.preparing import Asked

KEYS = ("journey", "text", "against", "other", "from", "to")
FILES, ORDERS = "files", "orders"
AUTHOR = "api"
LONGEST_NAME = 80
"""Letters of a journey's."""
LINES, MOST_LINES = 100, 1_000
LONGEST_NUMBER = 12
"""Digits."""
_GONE = "there is no such backtest (any more); only the newest are kept"


def routes(bench: "Bench", project: Path, clock: Clock, time_zone: str) -> list[Route]:
    """/v1/backtests and /v1/backtests/{number}, with the lines behind its numbers."""
    found = Backtests(bench, project, clock, time_zone)
    return [
        Route("/v1/backtests", found.listed, methods=["GET"]),
        Route("/v1/backtests", found.begin, methods=["POST"]),
        Route("/v1/backtests/{number:int}", found.one, methods=["GET"]),
        Route("/v1/backtests/{number:int}", found.stop, methods=["DELETE"]),
        Route("/v1/backtests/{number:int}/lines", found.lines, methods=["GET"]),
    ]


class Backtests:
    def __init__(self, bench: "Bench", project: Path, clock: Clock, time_zone: str) -> None:
        self._bench, self._project, self._clock = bench, project, clock
        self._time_zone = time_zone

    async def begin(self, request: Request) -> Response:
        """{"journey", "text", "against", "other", "from", "to", "files", "orders"}: without `text`, the project's own
        file."""
        body = await body_of(request)
        if isinstance(body, Response):
            return body
        edits = body.pop(FILES, {})
        if not isinstance(edits, dict) or not all(isinstance(text, str | None) for text in edits.values()):
            return refused(400, "bad_backtest", f'"{FILES}" has the text of a definition by its path, or null: removed')
        orders = body.pop(ORDERS, False)
        if not isinstance(orders, bool):
            return refused(400, "bad_backtest", f'"{ORDERS}" is true or false: whether orders that it had count')
        if wrong := [key for key, value in body.items() if key not in KEYS or not isinstance(value, str)]:
            return refused(400, "bad_backtest", f"{wrong[0]!r} is none of {', '.join(KEYS)}, all of which are texts")
        try:
            asked = asked_of(body, self._project, edits, orders=orders)
            job = self._bench.begin(asked, self._clock.now_us(), author_of(request, "", AUTHOR))
        except UsageError as error:
            return refused(400, "bad_backtest", str(error))
        return shown(values(job, with_people=False), 202)

    async def listed(self, _: Request) -> Response:
        return shown({"backtests": [{**values(job, with_people=False), "found": None} for job in self._bench.of()]})

    async def one(self, request: Request) -> Response:
        job = self._bench.find(request.path_params["number"])
        if job is None:
            return refused(404, "not_found", _GONE)
        return shown(values(job, with_people="people" in visitor_of(request).may))

    async def lines(self, request: Request) -> Response:
        """`?what=` is counted (behind.WHATS), of `?version=` (else the first): `?limit=` of them from `?after=` on that
        have whatever of behind.FIELDS is asked for."""
        job = self._bench.find(request.path_params["number"])
        if job is None:
            return refused(404, "not_found", _GONE)
        if job.found is None or job.behind is None:
            return refused(409, "not_done", f"this backtest is {job.state}; lines are there of one that is done")
        from tactful.operations.backtesting.behind import Wanted  # Seldom wanted.
        from tactful.operations.backtesting.report import as_line

        fields = dict(request.query_params)
        labels = [version["version"] for version in job.found["versions"]]
        version, what = fields.pop("version", labels[0]), fields.pop("what", "message")
        after, limit = fields.pop("after", "0"), fields.pop("limit", str(LINES))
        if version not in labels:
            return refused(400, "bad_question", f'"version" is one of {", ".join(labels)}')
        if not after.isdecimal() or len(after) > LONGEST_NUMBER:
            return refused(400, "bad_question", '"after" is what was "next" in the answer before')
        if not limit.isdecimal() or not 0 < int(limit[:LONGEST_NUMBER]) <= MOST_LINES:
            return refused(400, "bad_question", f'"limit" is a whole number from 1 to {MOST_LINES}')
        wanted, of = Wanted(what, fields, self._time_zone), labels.index(version)
        try:
            found = await asyncio.to_thread(job.behind.page, of, wanted, int(after), int(limit))
        except UsageError as error:
            return refused(400, "bad_question", str(error))
        lines = [as_line(one) for one in found.lines]
        return shown({"version": version, "what": what, "lines": lines, "next": found.next})

    async def stop(self, request: Request) -> Response:
        number = request.path_params["number"]
        if not self._bench.stop(number):
            return refused(404, "not_found", "there is no such backtest that could be stopped")
        return shown({"number": number, "state": "stopping"}, 202)


def asked_of(said: Mapping[str, Any], project: Path, edits: Edits | None = None, *, orders: bool = False) -> "Asked":
    """What a call or a form asks for, with `edits` of other definitions, and with the orders that the journey had.
    Raises UsageError."""
    from tactful.operations.backtesting.preparing import Asked, text_of  # Stands on Arrow, and is seldom wanted.

    name, other = str(said.get("journey", "")), str(said.get("other", ""))
    if not name.isidentifier() or len(name) > LONGEST_NAME:
        raise UsageError(f"{name[:LONGEST_NAME]!r} is no name of a journey")
    for path in edits or {}:
        split(path)
    own = f"journeys/{name}.yaml"
    text = str(said.get("text", "")) or (edits or {}).get(own) or text_of(project / own)
    against = other or str(said.get("against", ""))
    if not other and against not in ("", "published", "without"):
        raise UsageError('"against" is "published" or "without"; give the text of another version as "other"')
    label, place = ("other", "the other version") if other else ("", "")
    times = str(said.get("from", "")), str(said.get("to", ""))
    return Asked(name, text, against, label, *times, edits or {}, orders, against_place=place)


def values(job: "Job", *, with_people: bool) -> dict[str, Any]:
    found = msgspec.to_builtins(job.found) if job.found is not None else None
    if found is not None and not with_people:
        found = {**found, "versions": [{**version, "samples": []} for version in found["versions"]]}
    return {
        "number": job.number,
        "journey": job.asked.journey,
        "state": job.state,
        "share": round(job.share, 3),
        "at": format_time(job.at_us),
        "by": job.by,
        "problem": job.problem,
        "found": found,
    }
