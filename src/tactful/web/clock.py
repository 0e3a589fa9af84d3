"""GET /v1/clock: the installation's instant, and how fast it goes, for clients that stamp their events with it.

Usually it is the world's time, as everybody's clock shows it. Where a developer lets it run fast, whoever makes up
visitors, or signs tokens that expire, asks here. Open to everybody, like the time in every answer's headers.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.runtime.ports import Clock
from tactful.values import format_time


def routes(clock: Clock) -> list[Route]:
    async def show(request: Request) -> Response:
        now_us = clock.now_us()
        told = {"now": format_time(now_us), "now_us": now_us, "speed": clock.speed}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    return [Route("/v1/clock", show)]
