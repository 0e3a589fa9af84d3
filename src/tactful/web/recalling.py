"""As of, by the API: who was in a segment or met a condition, and what a profile looked like, at any instant.

It reads the history, which may take a second, in a thread of its own; nothing is changed by it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import DefinitionError, UsageError
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Clock
from tactful.values import format_time, parse_time
from tactful.web.changes import refused
from tactful.web.desk import Desk
from tactful.web.journeys import shown

if TYPE_CHECKING:
    from tactful.language.sql.seeing import Sees

Answer = dict[str, Any]
LIMIT, MOST = 100, 1000
FIRST = '"sees" as "happened" asks its first version, by what had happened by then'
CONDITION = "/v1/members asks for whom a condition held by what had happened by then"


def routes(recall: "Recall") -> list[Route]:
    """GET /v1/segments/{name}/members and /v1/members; GET /v1/profiles/{id} asks for `recall.profile`."""
    return [
        Route("/v1/segments/{name}/members", recall.segment),
        Route("/v1/members", recall.expression),
    ]


class Asked:
    """What the query of a request says; `problem` where it cannot be understood."""

    def __init__(self, request: Request, clock: Clock) -> None:
        query = request.query_params
        at, sees, limit = query.get("at", ""), query.get("sees", "known"), query.get("limit", str(LIMIT))
        at_us = parse_time(at) if at else clock.now_us()
        self.problem = ""
        if at_us is None:
            self.problem = '"at" is a time as ISO 8601: 2026-03-01T14:03:00Z'
        elif at_us > clock.now_us():
            self.problem = f'"at" is still to come; it is {format_time(clock.now_us())}'
        elif sees not in ("known", "happened"):
            self.problem = '"sees" is "known" (what was known then) or "happened" (what had happened by then)'
        elif not limit.isdecimal() or not 0 < int(limit[:9]) <= MOST:
            self.problem = f'"limit" is a whole number from 1 to {MOST}'
        self.at_us = at_us or 0
        self.sees: Sees = "happened" if sees == "happened" else "known"
        self.limit = int(limit[:9]) if limit.isdecimal() else LIMIT
        self.after = query.get("after", "")


class Recall:
    def __init__(self, past: Desk, clock: Clock) -> None:
        self._past = past
        self._clock = clock

    async def segment(self, request: Request) -> Response:
        """Who was in it; 404 where there was no such segment."""
        asked, name = Asked(request, self._clock), request.path_params["name"]

        def ask(reader: Reader) -> Answer:
            from tactful.operations.history import asof  # Slow to import.
            from tactful.operations.history.archived import lacks

            with reader.history().open() as opened:
                try:
                    found = asof.segment(opened, name, asked.at_us, asked.sees, after=asked.after, limit=asked.limit)
                except asof.NotYet as error:
                    raise UsageError(f"{error}; {CONDITION if error.has_none else FIRST}") from None
                return asof.as_values(found) | lacks(opened)

        return await self._answer(asked, ask, 404)

    async def expression(self, request: Request) -> Response:
        """For whom the condition `when` held."""
        asked, text = Asked(request, self._clock), request.query_params.get("when", "")
        if not text.strip():
            return refused(400, "bad_question", 'give a condition: "when"')

        def ask(reader: Reader) -> Answer:
            from tactful.operations.history import asof  # Slow to import.
            from tactful.operations.history.archived import lacks

            with reader.history().open() as opened:
                found = asof.expression(opened, text, asked.at_us, asked.sees, after=asked.after, limit=asked.limit)
                return asof.as_values(found) | lacks(opened)

        return await self._answer(asked, ask, 400)

    async def profile(self, request: Request) -> Response:
        """What it looked like; 404 where nobody was known by the identifier."""
        asked, person = Asked(request, self._clock), request.path_params["person"]

        def ask(reader: Reader) -> Answer:
            from tactful.operations.history import asof_profile  # Slow to import.
            from tactful.operations.history.archived import lacks

            with reader.history().open() as opened:
                found, more = asof_profile.profile(opened, person, asked.at_us, asked.sees), lacks(opened)
            if found is None:
                raise UsageError(f"nobody was known by this identifier at {format_time(asked.at_us)}")
            return asof_profile.as_values(found) | more

        return await self._answer(asked, ask, 404)

    async def _answer(self, asked: Asked, ask: Callable[[Reader], Answer], status: int) -> Response:
        """`status` of what cannot be answered."""
        if asked.problem:
            return refused(400, "bad_question", asked.problem)
        try:
            return shown(await self._past.ask(ask))
        except DefinitionError as error:
            return refused(400, "bad_expression", str(error))
        except UsageError as error:
            return refused(status, "not_found" if status == 404 else "bad_expression", str(error))
