"""Tracking plan: which events came, which were planned, and where the two differ."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.operations.definitions import tracking
from tactful.operations.definitions.tracking import EventPage, EventRow
from tactful.operations.reading.reader import Reader
from tactful.values import DAY_US
from tactful.web.console import charts
from tactful.web.console.charts import Bar
from tactful.web.console.room import Console, wants_csv
from tactful.web.wording import local

DAYS = 14
COLUMNS = ("event", "planned", "file", "events", "read by", "description")
PROPERTY_COLUMNS = ("property", "planned", "required", "personal", "seen", "of", "types", "misfits")


def routes(console: Console) -> list[BaseRoute]:
    room = Events(console)
    return [
        console.route("/events", room.index),
        console.route("/events/{name:path}", room.event),
    ]


class Events:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def index(self, request: Request) -> Response:
        console, show = self._console, request.query_params.get("show", "")
        rows = await console.slow.ask(self._rows)
        shown = [row for row in rows if _is_meant(row, show)]
        if wants_csv(request):
            cells = (
                (row.name, bool(row.path), row.path, row.number, " ".join(row.readers), row.description)
                for row in shown
            )
            return console.csv(request, "events", COLUMNS, cells)
        return await console.page(
            request,
            "events/list.html",
            rows=[(row, charts.spark(row.by_day, row.name)) for row in shown],
            counts={one: sum(_is_meant(row, one) for row in rows) for one in ("", "unplanned", "silent")},
            show=show if show in ("unplanned", "silent") else "",
            days=DAYS,
            **await console.taught(is_empty=not rows),
        )

    async def event(self, request: Request) -> Response:
        console, name = self._console, request.path_params["name"]
        found = await console.slow.ask(lambda reader: self._event(reader, name))
        if found is None:
            return await console.page(request, "events/unknown.html", 404, name=name)
        if wants_csv(request):
            cells = (
                (
                    one.name,
                    one.planned,
                    one.is_required,
                    one.is_personal,
                    one.number,
                    found.looked_at,
                    " ".join(f"{kind}:{number}" for kind, number in one.types),
                    one.misfits,
                )
                for one in found.properties
            )
            return console.csv(request, name, PROPERTY_COLUMNS, cells)
        from_us = self._from_us()
        bars = [
            Bar(f"{local(from_us + number * DAY_US, console.zone):%-d %b}", count)
            for number, count in enumerate(found.row.by_day)
        ]
        chart = charts.columns(bars, f"{name}, by day")
        return await console.page(request, "events/event.html", found=found, chart=chart, days=DAYS)

    def _from_us(self) -> int:
        """The start of the first day; days are of the workspace's clock as it is now."""
        now_us = self._console.house.clock.now_us()
        offset = local(now_us, self._console.zone).utcoffset()
        shift_us = int(offset.total_seconds()) * 1_000_000 if offset is not None else 0
        return (now_us + shift_us) // DAY_US * DAY_US - shift_us - (DAYS - 1) * DAY_US

    def _rows(self, reader: Reader) -> list[EventRow]:
        from_us = self._from_us()
        edges = [from_us + day * DAY_US for day in range(DAYS + 1)]
        return tracking.events(reader.published(), reader.sums(edges, "", ("kept",)), from_us, DAYS)

    def _event(self, reader: Reader, name: str) -> EventPage | None:
        row = next((row for row in self._rows(reader) if row.name == name), None)
        if row is None:
            return None
        return tracking.event_page(reader.published(), reader.compiled().tracking.get(name), reader.log, row)


def _is_meant(row: EventRow, show: str) -> bool:
    if show == "unplanned":
        return not row.path and not row.is_own
    if show == "silent":
        return bool(row.path) and not row.number
    return True
