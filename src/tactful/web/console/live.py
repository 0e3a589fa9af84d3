"""Live: what is happening now, and the stream of news that keeps open pages fresh."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from tactful.web.console.room import HEADERS, Console

ROWS = 100


def routes(console: Console) -> list[BaseRoute]:
    live = Live(console)
    return [
        console.route("/", live.page),
        console.route("/news", live.news),
    ]


class Live:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def page(self, request: Request) -> Response:
        overview, events = await self._console.desk.ask(lambda reader: (reader.overview(), reader.live(ROWS)))
        return await self._console.page(request, "live.html", overview=overview, events=events)

    async def news(self, request: Request) -> Response:
        """Server-sent events (WHATWG HTML 9.2): one line whenever something changed."""
        lines = _lines(self._console.news.listen())
        return StreamingResponse(lines, media_type="text/event-stream", headers=HEADERS)


async def _lines(news: AsyncIterator[bool]) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for has_changed in news:
        yield "data: changed\n\n" if has_changed else ": still here\n\n"
