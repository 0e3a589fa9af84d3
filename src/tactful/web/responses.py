"""What a mail's links and its pixel lead to: on to where the link was meant to go, and a picture of one pixel.

A reader is answered at once and whatever happens inside; what came back from the mail is told behind their back
(runtime/responding.py). A link goes only where its sealed token says, so nobody can send anybody anywhere with it. What
only looks (HEAD, a browser that fetches ahead) is answered and does not count.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.messages import machines
from tactful.messages.links import unseal_click, unseal_open
from tactful.runtime.ports import Clock
from tactful.runtime.responding import Responding
from tactful.web.mail_pages import bad_link

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""
AGENT_CHARS = 500
_HEADERS = {
    "Cache-Control": "no-store, no-cache, must-revalidate, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_TARGET = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE)
"""Nothing else is ever sealed (messages/tracking.py); that a header ends here, or a script runs, rests on no other."""


def routes(keys: Mapping[int, bytes], responding: Responding, clock: Clock) -> list[Route]:
    """GET and HEAD of /v1/c/TOKEN and /v1/o/TOKEN.gif."""

    async def click(request: Request) -> Response:
        link = unseal_click(keys, request.path_params["token"])
        if link is None or (link.target and not _TARGET.fullmatch(link.target)):
            return bad_link()
        if _counts(request):
            responding.clicked(link, _of(request), clock.now_us())
        if not link.target:  # The trap, which leads nowhere.
            return Response(status_code=204, headers=_HEADERS)
        return Response(status_code=302, headers={**_HEADERS, "Location": link.target})

    async def open_(request: Request) -> Response:
        link = unseal_open(keys, request.path_params["token"])
        if link is None:
            return bad_link()
        if _counts(request):
            responding.opened(link, _of(request), clock.now_us())
        return Response(PIXEL, media_type="image/gif", headers=_HEADERS)

    return [
        Route("/v1/c/{token}", click, methods=["GET", "HEAD"]),
        Route("/v1/o/{token}.gif", open_, methods=["GET", "HEAD"]),
    ]


def counted(counts: Callable[[], Mapping[str, int]]) -> Route:
    """GET /v1/responses, guarded: what was asked for since the process began, also what became no event."""

    async def show(_: Request) -> Response:
        return JSONResponse(dict(sorted(counts().items())))

    return Route("/v1/responses", show)


def _counts(request: Request) -> bool:
    return request.method == "GET" and not machines.is_prefetch(lambda name: request.headers.get(name, ""))


def _of(request: Request) -> machines.Request:
    return machines.Request(request.headers.get("user-agent", "")[:AGENT_CHARS])
