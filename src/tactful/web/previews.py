"""Previews by the API: for how many people an expression holds, now and before, and how its values lie over people.

It reads the history, which may take a second, in a thread of its own; nothing is changed by it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import DefinitionError
from tactful.operations.history.asked import checked_by
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Clock
from tactful.values import format_time, parse_time
from tactful.web.changes import refused
from tactful.web.desk import Desk
from tactful.web.journeys import body_of, shown

if TYPE_CHECKING:
    from tactful.language.sql.seeing import Sees

MOST_DAYS = 3_650
SEES: Mapping[str, "Sees"] = {"known": "known", "happened": "happened"}


def routes(past: Desk, clock: Clock) -> list[Route]:
    """POST /v1/preview."""
    return [Route("/v1/preview", Previews(past, clock).preview, methods=["POST"])]


class Previews:
    def __init__(self, past: Desk, clock: Clock) -> None:
        self._past = past
        self._clock = clock

    async def preview(self, request: Request) -> Response:
        """{"expression", "at", "days", "sees"}. Only who may see persons comes here (allowed.py)."""
        body = await body_of(request)
        if isinstance(body, Response):
            return body
        text, at, days = body.get("expression"), body.get("at"), body.get("days", 30)
        if not isinstance(text, str) or not text.strip():
            return refused(400, "bad_preview", 'give an "expression": a text')
        at_us = parse_time(at) if isinstance(at, str) else None
        if at is not None and at_us is None:
            return refused(400, "bad_preview", '"at" is a time as ISO 8601: "2026-03-01T14:03:00Z"')
        if at_us is not None and at_us > (now_us := self._clock.now_us()):
            return refused(400, "bad_preview", f'"at" is still to come; it is {format_time(now_us)}')
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= MOST_DAYS:
            return refused(400, "bad_preview", f'"days" is a whole number from 0 to {MOST_DAYS}')

        if (sees := SEES.get(str(body.get("sees", "known")))) is None:
            return refused(400, "bad_preview", '"sees" is "known" (what was known then) or "happened"')

        def ask(reader: Reader) -> dict[str, Any]:
            from tactful.operations.history.archived import lacks  # Slow to import.
            from tactful.operations.history.terms import terms_of
            from tactful.operations.previews.previewing_history import as_values, preview

            plan = reader.published()
            publish = plan.plan.publish if plan is not None else None
            checked = checked_by(publish, text)
            asked = at_us if at_us is not None else self._clock.now_us()
            with reader.history().open() as history:
                terms = terms_of(publish, history.terms.delays_us) if publish is not None else None
                found = preview(history, checked, asked, days, sees=sees, terms=terms, is_brief=not days)
                return as_values(found) | lacks(history)

        try:
            return shown(await self._past.ask(ask))
        except DefinitionError as error:
            return refused(400, "bad_expression", str(error))
