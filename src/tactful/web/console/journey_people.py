"""The people behind the numbers of a journey: who is at a step now, who is counted by its report, each with why."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.operations.journeys.behind import KINDS, Entry, Listed, Wanted, behind, inside
from tactful.operations.people.telling_runs import HELD_OUT
from tactful.operations.reading.reader import Reader
from tactful.values import format_time
from tactful.web.console.journey_filters import bounds_of, filters_of
from tactful.web.console.room import Console, wants_csv

_TITLES = {
    "entered": "Who entered",
    "sends": "What was to be sent",
    "goal": "Who reached the goal",
    "inside": "Who is inside now",
}
_RESPONSES = {
    "delivered": "Delivered",
    "opened": "Who opened",
    "clicked": "Who clicked",
    "bounced": "What came back",
    "complained": "Who called it spam",
    "unsubscribed": "Who unsubscribed",
}


def routes(console: Console) -> list[BaseRoute]:
    return [console.route("/journeys/{name}/people", JourneyPeople(console).all, may="people")]


class JourneyPeople:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def all(self, request: Request) -> Response:
        """`?what=` and `?detail=` name the number, `?cursor=` where the page begins."""
        name, asked = request.path_params["name"], request.query_params
        what, detail, cursor = asked.get("what", "inside"), asked.get("detail", ""), asked.get("cursor", "")
        if what == "inside":
            keys, older = await self._console.slow.ask(
                lambda reader: inside(reader.people_states(), name, detail, cursor)
            )
            entries = [Entry(key, 0, "", step=step) for key, step in keys]
            return await self._page(request, what, detail, Listed(tuple(entries), older, is_short=bool(older)))
        filters = filters_of(request)
        bounds = bounds_of(filters, self._console.zone)
        if what not in KINDS or bounds is None:
            return await self._console.page(request, "journeys/nobody.html", 404, name=name)
        wanted = Wanted(
            what, detail, filters["version"] or None, asked.get("step", ""), asked.get("message", ""), *bounds
        )

        def ask(reader: Reader) -> Listed:
            return behind(reader.trail, len(reader.people_states()), name, wanted, reader.outbox.row, cursor)

        found = await self._console.slow.ask(ask)
        return await self._page(request, what, detail, found)

    async def _page(self, request: Request, what: str, detail: str, found: Listed) -> Response:
        name, is_now = request.path_params["name"], what == "inside"
        if wants_csv(request):
            columns = ("person", "step") if is_now else ("person", "at", "what", "for", "step", "version", "intent")
            return self._console.csv(request, f"{name}-{what}", columns, _lines(found.entries, is_now=is_now))
        asked = {key: text for key, text in request.query_params.items() if key not in ("cursor", "format")}
        path = f"/journeys/{quote(name)}/people"
        values: dict[str, Any] = {
            "name": name,
            "title": title(what, detail),
            "sentence": sentence(what, found),
            "rows": found.entries,
            "is_now": is_now,
            "is_short": found.is_short,
            "older": f"{path}?{urlencode({**asked, 'cursor': found.next})}" if found.next else "",
        }
        return await self._console.page(request, "journeys/people.html", **values)


def _lines(entries: Iterable[Entry], *, is_now: bool) -> Iterable[tuple[object, ...]]:
    for one in entries:
        if is_now:
            yield one.key, one.step
        else:
            yield one.key, format_time(one.at), one.text, one.entry_key, one.step, one.version, one.intent


def title(what: str, detail: str) -> str:
    match what:
        case "held":
            return f"Who is in {HELD_OUT[detail]}" if detail in HELD_OUT else "Who could be sent to"
        case "status" | "without":
            return detail[:1].upper() + detail[1:] if detail else "What was not sent"
        case "response":
            return _RESPONSES.get(detail, "What came back")
        case "inside" if detail:
            return f"Who waits at {detail} now"
    return _TITLES[what]


def sentence(what: str, found: Listed) -> str:
    if what == "inside":
        return "In the order of their identifiers." if found.entries else ""
    if found.is_short and found.entries:
        return "Newest first, as far as was looked; there are more."
    return "Newest first, one line for each time that it happened." if found.entries else ""
