"""POST /v1/bounces: one mail that came back, as it came (message/rfc822). For mail servers that can call a URL."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.errors import TransientError
from tactful.messages.reports import Report
from tactful.runtime.intake import Busy
from tactful.web.bodies import Disconnected, read_body

MAIL_BYTES = 10 * 1024 * 1024

Read = Callable[[bytes, str], Report | None]
"""A mail, and the address that it came to ("" where only the mail says so)."""


def routes(read: Read, take: Callable[[list[Report]], Awaitable[None]]) -> list[Route]:
    """`take` returns when everything is durable. Answers whether the mail told anything."""

    async def bounce(request: Request) -> Response:
        try:
            body, size = await read_body(request.receive, MAIL_BYTES)
        except Disconnected:
            return Response(status_code=400)
        if size > MAIL_BYTES:
            return JSONResponse({"code": "too_large", "message": f"larger than {MAIL_BYTES:,} bytes"}, 413)
        report = read(body, request.query_params.get("to", "")[:500])
        if report is None:
            return JSONResponse({"told": None, "message": "the mail is no bounce and no complaint"})
        try:
            await take([report])
        except (Busy, TransientError):
            return JSONResponse({"code": "unavailable"}, 503, {"Retry-After": "60"})
        told = report.response
        return JSONResponse({"told": told.name, "kind": told.kind, "reason": told.reason, "intent": report.intent})

    return [Route("/v1/bounces", bounce, methods=["POST"])]
