"""Live: events as they come, for as many open pages as there are at the price of one.

However fast events come, the logs are read twice a second, and a page is told of so many rows at a time as somebody can
read; the others are counted. What is filtered is looked for among all of them. Nobody looks: nothing is read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from tactful.kernel.state import PartitionState
from tactful.operations.reading.following import Followed, Following
from tactful.operations.reading.reader import Reader
from tactful.operations.stories import SeenEvent
from tactful.values import SECOND_US
from tactful.web.console.room import HEADERS, Console, wants_csv

ROWS = 50
"""On a page when it is opened; it grows to a hundred."""
AT_ONCE = 20
"""Rows that a page is told of in one message; of more the newest."""
EVERY_S = 0.5
BEHIND = 2_000
"""Records of each partition that a filtered page looks back through when it is opened."""
FIRST = 200
"""Records of each partition that the feed begins with."""
KEPT = 4_000
"""Events that are remembered for pages that are slow to listen."""


class Wanted(Struct, frozen=True):
    """Which events a page shows; "" is all."""

    event: str = ""
    source: str = ""

    def fits(self, event: SeenEvent) -> bool:
        return (not self.event or event.name == self.event) and (not self.source or event.source == self.source)


class Told(Struct, frozen=True, rename="camel"):
    """One message to a page: rows of HTML, the newest first."""

    rows: str
    shown: int
    came: int
    """Events that fit, shown or not."""
    per_second: float
    """Of all events."""


def routes(console: Console) -> list[BaseRoute]:
    live = Live(console)
    return [
        console.route("/live", live.page, may="people"),
        console.route("/live/rows", live.stream, may="people"),
        console.route("/news", live.news),
    ]


class Live:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._feed = _Feed(console)

    async def page(self, request: Request) -> Response:
        console, wanted = self._console, _wanted(request)
        events, states = await console.desk.ask(lambda reader: (_newest(reader, wanted), reader.partitions()))
        if wants_csv(request):
            columns = ("received", "event", "person", "source", "properties")
            rows = [
                (e.received_at / SECOND_US, e.name, e.key, e.source, msgspec.json.encode(e.properties).decode())
                for e in events
            ]
            return console.csv(request, "events", columns, rows)
        sources = sorted(console.house.settings.sources)
        return await console.page(
            request,
            "live.html",
            events=events,
            names=_names(states),
            sources=sources,
            wanted=wanted,
            is_filtered=wanted != Wanted(),
            plan=any(state.adopted for state in states),
            **await console.taught(is_empty=not events),
        )

    async def stream(self, request: Request) -> Response:
        """Server-sent events (WHATWG HTML 9.2): rows, at most twice a second."""
        return StreamingResponse(self._told(_wanted(request)), media_type="text/event-stream", headers=HEADERS)

    async def _told(self, wanted: Wanted) -> AsyncIterator[str]:
        template = self._console.templates.get_template("live_rows.html")
        yield "retry: 2000\n\n"
        is_first = True
        async for events, per_second in self._feed.listen():
            fits = [event for event in events if wanted.fits(event)]
            shown = fits[-AT_ONCE:][::-1]
            rows = template.render(events=shown, newest_us=shown[0].received_at) if shown else ""
            # The first are the newest, whether or not the page has them: something may have come since it was made.
            told = Told(rows, len(shown), len(shown) if is_first else len(fits), round(per_second, 1))
            is_first = False
            yield f"data: {msgspec.json.encode(told).decode()}\n\n"

    async def news(self, request: Request) -> Response:
        """Server-sent events: one line whenever something changed, for pages that ask for themselves anew."""
        since = request.query_params.get("since", "")
        lines = _lines(self._console.news.listen(int(since[:12]) if since.isdecimal() and since.isascii() else None))
        return StreamingResponse(lines, media_type="text/event-stream", headers=HEADERS)


class _Feed:
    """One reader of the logs for all open pages; it reads while somebody listens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._following: Following | None = None
        self._events: deque[tuple[int, SeenEvent]] = deque(maxlen=KEPT)
        self._count = 0
        self._per_second = 0.0
        self._came = 0
        """Since the last time that the rate was worked out."""
        self._reading = asyncio.Lock()
        self._turned = asyncio.Event()
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncIterator[tuple[list[SeenEvent], float]]:
        """First the newest that are known, then what came since the last time, with the events in a second; nothing
        now and then, as a sign of life."""
        self._listeners += 1
        if self._task is None or self._task.done():
            self._events.clear()
            self._following = None
            self._task = asyncio.create_task(self._run())
        task, seen = self._task, 0
        try:
            await self._read()  # What is told first is never older than the page.
            while not task.done():
                turned = self._turned
                yield [event for number, event in self._events if number > seen], self._per_second
                seen = self._count
                await turned.wait()
        finally:
            self._listeners -= 1

    async def _run(self) -> None:
        try:
            clock, before_us = self._console.house.clock, 0
            async for _ in self._asked():
                await self._read()
                now_us = clock.real_us()
                span_us = max(now_us - before_us, SECOND_US // 10)
                self._per_second = self._came * SECOND_US / span_us if before_us else 0.0
                before_us, self._came = now_us, 0
                self._tell()
                await asyncio.sleep(EVERY_S)
        finally:
            self._task = None
            self._tell()

    async def _asked(self) -> AsyncIterator[None]:
        """At once, and whenever something changed, for as long as somebody listens."""
        news = self._console.news.listen()
        yield None
        async for _ in news:
            if not self._listeners:
                return
            yield None

    async def _read(self) -> None:
        async with self._reading:
            followed = await self._console.desk.ask(self._turn)
            self._came += len(followed.events) + followed.passed
            for event in followed.events:
                self._count += 1
                self._events.append((self._count, event))

    def _turn(self, reader: Reader) -> Followed:
        if self._following is None:
            self._following = reader.following(FIRST)
        return self._following.turn()

    def _tell(self) -> None:
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


def _wanted(request: Request) -> Wanted:
    return Wanted(request.query_params.get("event", "").strip(), request.query_params.get("source", "").strip())


def _newest(reader: Reader, wanted: Wanted) -> list[SeenEvent]:
    if wanted == Wanted():
        return reader.live(ROWS)
    fits = [event for event in reader.following(BEHIND).turn().events if wanted.fits(event)]
    return fits[-ROWS:][::-1]


def _names(states: list[PartitionState]) -> list[str]:
    """Of the last days, those that came most often first."""
    counted: dict[str, int] = {}
    for state in states:
        for name, days in state.names.items():
            counted[name] = counted.get(name, 0) + sum(days)
    return sorted(counted, key=lambda name: (-counted[name], name))[:200]


async def _lines(news: AsyncIterator[bool]) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for has_changed in news:
        yield "data: changed\n\n" if has_changed else ": still here\n\n"
