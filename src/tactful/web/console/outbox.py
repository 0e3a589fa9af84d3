"""Outbox: what waits, what was sent and what was not, with the reason; a mail as a mail client would show it.

A mail is shown in a frame that may run nothing, load nothing and reach nothing.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.operations.reading import Reader
from tactful.runtime.ports import OutboxRow
from tactful.web.console.room import Console
from tactful.web.mailview import frame, read_mail

STATUSES = ("waiting", "claimed", "sent", "held", "refused", "rejected", "lapsed", "dropped")
ROWS = 100


def routes(console: Console) -> list[BaseRoute]:
    outbox = Outbox(console)
    return [
        console.route("/outbox", outbox.index, may="people"),
        console.route("/outbox/{intent}", outbox.message, may="people"),
        console.route("/outbox/{intent}/html", outbox.html, may="people"),
    ]


class Outbox:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def index(self, request: Request) -> Response:
        status = request.query_params.get("status", "")
        status = status if status in STATUSES else ""
        before = request.query_params.get("before", "")
        before_us = int(before) if before.isdecimal() and len(before) < 19 else None
        rows, counts = await self._console.desk.ask(
            lambda reader: (reader.outbox.rows(status or None, None, before_us, ROWS), reader.outbox.counts())
        )
        older = rows[-1].intent.due if len(rows) == ROWS else None
        return await self._console.page(
            request, "outbox.html", rows=rows, counts=counts, chosen=status, statuses=STATUSES, older=older
        )

    async def message(self, request: Request) -> Response:
        intent, desk = request.path_params["intent"], self._console.desk
        row, raw = await desk.ask(lambda reader: self._message(reader, intent))
        if row is None:
            return await self._console.page(request, "nothing.html", 404)
        responses = await desk.ask(lambda reader: reader.responses(row)) if row.status == "sent" else ()
        mail = read_mail(raw) if raw else None
        return await self._console.page(request, "message.html", row=row, mail=mail, responses=responses)

    def _message(self, reader: Reader, intent: str) -> tuple[OutboxRow | None, bytes | None]:
        row = reader.outbox.row(intent)
        return row, self._console.mail(intent) if row is not None and row.intent.channel == "email" else None

    async def html(self, request: Request) -> Response:
        """The HTML part alone, for the frame."""
        intent = request.path_params["intent"]
        _, raw = await self._console.desk.ask(lambda reader: self._message(reader, intent))
        mail = read_mail(raw) if raw else None
        if mail is None or not mail.html:
            return await self._console.page(request, "nothing.html", 404)
        return frame(mail.html)
