"""The people behind the numbers of a segment: who is in it now, and who came or left when, each with why."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from tactful.operations.reading import segmenting
from tactful.operations.reading.reader import Reader
from tactful.operations.reading.segmenting import Asked, SegmentSeen
from tactful.operations.segments.comparing import ABOVE
from tactful.operations.segments.segment_people import WHO, Wanted
from tactful.values import format_time
from tactful.web.console.room import Console, harmless, wants_csv
from tactful.web.console.segments import CAUSES
from tactful.web.wording import local, moment

TITLES = {"members": "Who is in it", "entered": "Who came", "left": "Who left"}
FILE_PAGE = 2_000
"""People that are looked at for one piece of a file; others are answered in between."""
MEMBER_COLUMNS = ("person", "since")
FILE_ROWS = 10_000
"""Of a file of those who came or left."""


def routes(console: Console) -> list[BaseRoute]:
    return [console.route("/segments/{name}/people", SegmentPeople(console).list, may="people")]


class SegmentPeople:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def list(self, request: Request) -> Response:
        """`?who=`, `?from=` and `?until=` (microseconds), `?cause=` and `?also=` (another segment) name the number,
        `?cursor=` where the page begins."""
        console, name = self._console, request.path_params["name"]
        asked = {key: text for key, text in request.query_params.items() if key not in ("cursor", "format")}
        found, _ = await console.desk.ask(segmenting.seen)
        one = next((each for each in found if each.name == name), None)
        wanted = _wanted(name, one, asked, found)
        told = _told(asked, console.house.clock.now_us())
        if one is None or wanted is None:
            return await console.page(request, "segments/nobody.html", 404, name=name)
        if wants_csv(request):
            return await self._file(request, wanted, told)
        cursor = request.query_params.get("cursor", "")
        listed = await console.slow.ask(lambda reader: segmenting.people_of(reader, wanted, cursor, asked=told))
        path = f"/segments/{quote(name)}/people"
        values: dict[str, Any] = {
            "one": one,
            "who": wanted.who,
            "title": TITLES[wanted.who],
            "sentence": self._sentence(wanted, asked),
            "listed": listed,
            "causes": CAUSES,
            "is_filtered": wanted.also >= 0 or told is not None or wanted.who != "members",
            "older": f"{path}?{urlencode({**asked, 'cursor': listed.next})}" if listed.next else "",
        }
        return await console.page(request, "segments/people.html", **values)

    def _sentence(self, wanted: Wanted, asked: dict[str, str]) -> str:
        parts = []
        if wanted.who != "members" and asked.get("until"):
            zone = self._console.zone
            parts.append(f"from {moment(local(wanted.from_us, zone))} to {moment(local(wanted.until_us, zone))}")
        if wanted.cause:
            parts.append(CAUSES.get(wanted.cause, wanted.cause))
        if wanted.also >= 0:
            parts.append(f"and is in {asked['also']} too")
        if asked.get("fact"):
            parts.append(f"{asked['fact']} {_is(asked.get('is', ''))}".strip())
        return f"{', '.join(parts)}. Newest first." if parts else "Newest first."

    async def _file(self, request: Request, wanted: Wanted, told: Asked | None) -> Response:
        """All members, in the order of their identifiers; of those who came or left the newest so many."""
        console = self._console
        name = f"{wanted.segment}-{wanted.who}"
        empty = console.csv(request, name, MEMBER_COLUMNS, ())
        if wanted.who == "members" and wanted.also < 0 and told is None and empty.status_code == 200:
            headers = {name: text for name, text in empty.headers.items() if name != "content-length"}
            return StreamingResponse(self._members(wanted.number, bytes(empty.body)), headers=headers)
        listed = await console.slow.ask(lambda reader: segmenting.people_of(reader, wanted, "", FILE_ROWS, told))
        lines = [
            (each.key, each.name, format_time(each.at), each.cause, each.because, each.is_in) for each in listed.entries
        ]
        return console.csv(request, name, ("person", "name", "at", "cause", "because", "is in it now"), lines)

    async def _members(self, number: int, head: bytes) -> AsyncIterator[bytes]:
        """In pieces, so that whoever asks for something else in between need not wait for a million people."""
        yield head
        cursor, is_more = "", True
        while is_more:
            some, cursor = await self._console.slow.ask(_asking(number, cursor))
            text = io.StringIO()
            csv.writer(text).writerows((harmless(key), format_time(since)) for key, since in some)
            yield text.getvalue().encode("utf-8", "replace")
            is_more = bool(cursor)


def _asking(number: int, cursor: str) -> Callable[[Reader], tuple[list[tuple[str, int]], str]]:
    return lambda reader: segmenting.everybody_in(reader, number, cursor, FILE_PAGE)


def _wanted(
    name: str, one: SegmentSeen | None, asked: Mapping[str, str], known: Sequence[SegmentSeen]
) -> Wanted | None:
    """What an address asks for; None where it makes no sense."""
    who, also = asked.get("who", "members"), asked.get("also", "")
    numbers = {each.name: each.number for each in known}
    if one is None or who not in WHO or (also and also not in numbers):
        return None
    from_us, until_us = (_instant(asked.get(key, "")) for key in ("from", "until"))
    if from_us is None or until_us is None:
        return None
    return Wanted(
        name,
        one.number,
        who,
        from_us,
        until_us or 1 << 62,
        asked.get("cause", ""),
        numbers.get(also, -1),
    )


def _told(asked: Mapping[str, str], now_us: int) -> Asked | None:
    """What members are to have in common beside."""
    name = asked.get("fact", "")
    return Asked(asked.get("kind", ""), name, asked.get("is", ""), now_us) if name else None


def _is(asked: str) -> str:
    return asked if asked.startswith(ABOVE) or not asked else f"is {asked}"


def _instant(text: str) -> int | None:
    """Microseconds; 0 where nothing is said, None where it is no such number."""
    return int(text or 0) if not text or (text.isascii() and text.isdecimal() and len(text) < 19) else None
