"""Quarantine: what could not be taken, and why; looked at, tried again, thrown away.

A call is tried again as it came, against today's settings (operations/upkeep/quarantine.py); so whoever has mended the
tracking plan or a client's key comes here and presses one button.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.operations.upkeep import quarantine as operations
from tactful.operations.upkeep.quarantine import Retried
from tactful.runtime.ports import Quarantined
from tactful.runtime.settings import naming_of
from tactful.values import format_time
from tactful.web.console.room import Console, wants_csv

ROWS = 100
AT_ONCE = 1_000
"""Tried again by one press."""
EXPORTED = 10_000
_DONE = re.compile(r"[0-9]{1,6}|[a-z_]{1,40}")
COLUMNS = ("id", "received", "source", "code", "field", "message", "bytes", "body")


def routes(console: Console) -> list[BaseRoute]:
    room = Quarantine(console)
    return [
        console.route("/quarantine", room.index, may="people"),
        console.route("/quarantine/retry", room.retry, may="steer", methods=("POST",)),
        console.route("/quarantine/drop", room.drop, may="admin", methods=("POST",)),
        console.route("/quarantine/{id:int}", room.item, may="people"),
    ]


class Quarantine:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._kept = console.house.quarantine

    async def index(self, request: Request) -> Response:
        console, code = self._console, request.query_params.get("code", "")
        before = _number(request.query_params.get("before", ""))
        limit = EXPORTED if wants_csv(request) else ROWS
        rows, counts = await asyncio.to_thread(lambda: (self._kept.rows(before, limit, code), self._kept.counts()))
        if wants_csv(request):
            return console.csv(request, "quarantine", COLUMNS, map(_cells, rows))
        forgotten = counts.pop("forgotten", 0)
        older = "?" + urlencode({"code": code, "before": rows[-1].id}) if len(rows) == ROWS else ""
        return await console.page(
            request,
            "quarantine/list.html",
            rows=rows,
            counts=counts,
            forgotten=forgotten,
            code=code,
            older=older,
            done=_done(request),
        )

    async def item(self, request: Request) -> Response:
        number = request.path_params["id"]
        row = await asyncio.to_thread(self._kept.row, number)
        if row is None:
            return await self._console.page(request, "quarantine/gone.html", 404, done=_done(request))
        return await self._console.page(
            request, "quarantine/item.html", row=row, body=readable(row.body), done=_done(request)
        )

    async def retry(self, request: Request) -> Response:
        """Of one call, or of all with a code."""
        form = await self._console.form(request)
        code, number = str(form.get("code", "")), _number(str(form.get("id", "")))
        numbers = [number] if number is not None else await asyncio.to_thread(self._numbers, code)
        self._console.note(request, "retry", f"quarantine/{number or code}", f"{len(numbers)} calls")
        outcomes = await asyncio.to_thread(self._retry, numbers)
        taken = sum(one.refusal is None for one in outcomes)
        why = next((one.refusal.code for one in outcomes if one.refusal is not None), "")
        told = urlencode({"taken": taken, "of": len(outcomes), "why": why, "code": code})
        is_there = number is not None and not taken
        return self._console.back(f"/quarantine/{number}?{told}" if is_there else f"/quarantine?{told}")

    def _numbers(self, code: str) -> Sequence[int]:
        return [row.id for row in self._kept.rows(None, AT_ONCE, code)]

    def _retry(self, numbers: Sequence[int]) -> list[Retried]:
        house = self._console.house
        there = [number for number in numbers if self._kept.row(number) is not None]
        naming, sources = naming_of(house.settings.identity), self._console.hands.sources
        return list(
            operations.replay(self._kept, house.log, house.bells, sources, there, naming, secrets.token_bytes(32))
        )

    async def drop(self, request: Request) -> Response:
        form = await self._console.form(request)
        number = _number(str(form.get("id", "")))
        self._console.note(request, "drop", f"quarantine/{number}")
        dropped = await asyncio.to_thread(operations.drop, self._kept, [number] if number is not None else [])
        return self._console.back("/quarantine?" + urlencode({"dropped": dropped}))


def readable(body: bytes) -> str:
    """JSON on several lines; anything else as it came."""
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "backslashreplace")


def _cells(row: Quarantined) -> tuple[object, ...]:
    text = row.body.decode("utf-8", "backslashreplace")
    return (row.id, format_time(row.received_at), row.source, row.code, row.field, row.message, row.size, text)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _done(request: Request) -> dict[str, str]:
    """What an act before this page has done, to be told: numbers and a code, so that a link cannot put words here."""
    given = {name: request.query_params.get(name, "") for name in ("taken", "of", "why", "dropped")}
    return {name: text for name, text in given.items() if _DONE.fullmatch(text)}
