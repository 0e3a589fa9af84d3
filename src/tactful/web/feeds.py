"""For programs that follow along: the feed of a journey, and a mail as it was sent where it was kept.

Guarded like the read API, whose desk it asks.
"""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import UsageError
from tactful.operations.reading.reader import Reader
from tactful.web.changes import refused
from tactful.web.desk import Desk
from tactful.web.journeys import shown

MAIL_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""It comes from templates and from people's data: nothing that a browser should open by itself."""


def routes(desk: Desk, mail: Callable[[str], bytes | None]) -> list[Route]:
    """GET /v1/journeys/{name}/feed and /v1/outbox/{intent}/mail; `mail` gives the bytes of one by its intent, None
    where it went to a mail server."""

    async def feed(request: Request) -> Response:
        name, after = request.path_params["name"], request.query_params.get("after", "")
        try:
            found = await desk.ask(lambda reader: reader.feed(name, after))
        except UsageError as error:
            is_unknown = "there is no journey" in str(error)
            return refused(404 if is_unknown else 400, "not_found" if is_unknown else "bad_after", str(error))
        return shown(msgspec.to_builtins(found))

    async def raw(request: Request) -> Response:
        intent = request.path_params["intent"]

        def ask(reader: Reader) -> bytes | None:
            row = reader.outbox.row(intent)
            return mail(intent) if row is not None and row.intent.channel == "email" else None

        body = await desk.ask(ask)
        if body is None:
            return refused(404, "not_found", "no such mail is kept here; only the local outbox keeps what was sent")
        return Response(body, 200, MAIL_HEADERS, "message/rfc822")

    return [Route("/v1/journeys/{name}/feed", feed), Route("/v1/outbox/{intent}/mail", raw)]
