"""The pages: live events, people with their story, the outbox. Templates over the values of `operations/`.

Everything works without JavaScript; one small script keeps an open page fresh. No address outside of this server is
named, and the policy in each answer's headers lets nothing else in. A mail is shown in a frame that may run nothing,
load nothing and reach nothing.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tactful.operations.reading import Reader
from tactful.runtime.ports import OutboxRow
from tactful.web import wording
from tactful.web.desk import Desk, News
from tactful.web.mailview import frame, read_mail

STATUSES = ("waiting", "claimed", "sent", "held", "refused", "rejected", "lapsed", "dropped")
ROWS = 100
STEPS = 200
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Frame(Struct, frozen=True):
    """What stands around every page."""

    workspace: str
    time_zone: str
    address: str
    """Where this server is reached, for the lines that pages teach: "http://127.0.0.1:8080"."""
    write_key: str
    """Of a server source, for the same lines; "" where there is none."""


def routes(desk: Desk, news: News, mail: Callable[[str], bytes | None], around: Frame) -> list[BaseRoute]:
    """`mail` gives the bytes of a mail by its intent where they were kept (the local outbox); called in the reading
    thread."""
    pages = Pages(desk, news, mail, around)
    return [
        Route("/", pages.live),
        Route("/people", pages.people),
        Route("/people/{key:path}", pages.person),
        Route("/outbox", pages.outbox),
        Route("/outbox/{intent}", pages.message),
        Route("/outbox/{intent}/html", pages.message_html),
        Route("/news", pages.stream),
        Mount("/static", StaticFiles(packages=[("tactful.web", "static")])),
    ]


class Pages:
    def __init__(self, desk: Desk, news: News, mail: Callable[[str], bytes | None], around: Frame) -> None:
        self._desk = desk
        self._news = news
        self._mail = mail
        self._around = around
        self._templates = Environment(
            loader=PackageLoader("tactful.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update({"around": around, "statuses": STATUSES})
        self._templates.filters.update(wording.filters(ZoneInfo(around.time_zone)))

    async def live(self, request: Request) -> Response:
        overview, events = await self._desk.ask(lambda reader: (reader.overview(), reader.live(ROWS)))
        return self._page("live.html", here="live", overview=overview, events=events)

    async def people(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()
        if wanted:
            found = await self._desk.ask(lambda reader: reader.find(wanted))
            if found is not None:
                return RedirectResponse(request.url_for("person", key=found.key).path, 303, HEADERS)
        people = await self._desk.ask(lambda reader: reader.people(ROWS))
        return self._page("people.html", 404 if wanted else 200, here="people", people=people, wanted=wanted)

    async def person(self, request: Request) -> Response:
        key = request.path_params["key"]
        story = await self._desk.ask(lambda reader: reader.story(key, STEPS))
        if story is None:
            return self._page("nobody.html", 404, here="people", key=key)
        days = wording.by_day(reversed(story.lines), ZoneInfo(self._around.time_zone))
        return self._page("person.html", here="people", story=story, days=days)

    async def outbox(self, request: Request) -> Response:
        status = request.query_params.get("status", "")
        status = status if status in STATUSES else ""
        before = request.query_params.get("before", "")
        before_us = int(before) if before.isdecimal() and len(before) < 19 else None
        rows, counts = await self._desk.ask(
            lambda reader: (reader.outbox.rows(status or None, None, before_us, ROWS), reader.outbox.counts())
        )
        older = rows[-1].intent.due if len(rows) == ROWS else None
        return self._page("outbox.html", here="outbox", rows=rows, counts=counts, chosen=status, older=older)

    async def message(self, request: Request) -> Response:
        intent = request.path_params["intent"]
        row, raw = await self._desk.ask(lambda reader: self._message(reader, intent))
        if row is None:
            return self._page("nothing.html", 404, here="outbox")
        responses = await self._desk.ask(lambda reader: reader.responses(row)) if row.status == "sent" else ()
        mail = read_mail(raw) if raw else None
        return self._page("message.html", here="outbox", row=row, mail=mail, responses=responses)

    def _message(self, reader: Reader, intent: str) -> tuple[OutboxRow | None, bytes | None]:
        row = reader.outbox.row(intent)
        return row, self._mail(intent) if row is not None and row.intent.channel == "email" else None

    async def message_html(self, request: Request) -> Response:
        """The HTML part alone, for the frame."""
        intent = request.path_params["intent"]
        _, raw = await self._desk.ask(lambda reader: self._message(reader, intent))
        mail = read_mail(raw) if raw else None
        if mail is None or not mail.html:
            return self._page("nothing.html", 404, here="outbox")
        return frame(mail.html)

    async def stream(self, request: Request) -> Response:
        """Server-sent events (WHATWG HTML 9.2): one line whenever something changed."""
        return StreamingResponse(_lines(self._news.listen()), media_type="text/event-stream", headers=HEADERS)

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return _html(self._templates.get_template(template).render(values), status)


async def _lines(news: AsyncIterator[bool]) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for has_changed in news:
        yield "data: changed\n\n" if has_changed else ": still here\n\n"


def _html(body: str, status: int, headers: Mapping[str, str] = HEADERS) -> Response:
    return Response(body.encode("utf-8", "replace"), status, headers, "text/html")
