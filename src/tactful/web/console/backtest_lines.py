"""The lines behind each number of a backtest: every message, and every run that came to none, with why; as pages and as
CSV (operations/backtesting/behind.py)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from tactful.errors import UsageError
from tactful.operations.backtesting.bench import Job
from tactful.operations.people.telling_runs import HELD_OUT, in_words
from tactful.values import format_time
from tactful.web.console.room import Console, wants_csv

PAGE, EXPORTED = 100, 100_000
_TITLES = {
    "message": "Messages it would have sent",
    "began": "Runs that began",
    "start": "Where no run began",
    "run": "Runs that ended without a message",
    "gate": "What the gate refused",
    "held": "What was held back for a while",
    "inside": "Who is inside at the end",
    "other": "Messages of other journeys",
    "fact": "What was sent in fact",
}
_SAID = {
    "day": "on {}",
    "hour": "in the hour from {}:00 on",
    "step": "at step {}",
    "message": "message {}",
    "channel": "by {}",
    "variant": "variant {}",
    "segment": "to people in {}",
    "many": "to people who get {}",
    "beside": "to people who get messages from {} as well",
    "near": "within a day of one from {}",
    "reason": "{}",
    "arm": "{}",
    "journey": "of {}",
    "person": "to {}",
    "anyway:before": "after it had come already",
    "anyway:after": "after which it came",
    "anyway:both": "on both sides of which it came",
    "anyway:open": "whose window is not over",
    "alone:message": "that the other version has not",
    "alone:person": "to people to whom the other version sends nothing",
}
_OF_MESSAGES = ("at", "person", "message", "step", "channel", "variant", "key", "start", "due", "before", "after")
_OF_OTHERS = ("at", "person", "why", "message", "step", "key")


def address(job: Job, version: int, what: str, **fields: str) -> str:
    """Of the page with the lines that a number counts."""
    asked = {"job": str(job.number), "of": str(version), "what": what, **fields}
    return f"/journeys/{quote(job.asked.journey)}/backtest/lines?{urlencode(asked)}"


class BacktestLines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._bench = console.hands.bench

    async def page(self, request: Request) -> Response:
        """`?job=` and `?of=` name a version of a backtest, `?what=` and the fields the number, `?after=` where the page
        begins."""
        name, asked = request.path_params["name"], dict(request.query_params)
        number, of, after = (asked.pop(key, "0") for key in ("job", "of", "after"))
        what, form = asked.pop("what", "message"), asked.pop("format", "")
        job = self._bench.find(int(number)) if number.isdecimal() else None
        if job is None or job.asked.journey != name or job.behind is None or job.found is None:
            return await self._gone(request, name, "This backtest is kept no longer; play it once more.")
        if not (of.isdecimal() and after.isdecimal()) or int(of) >= len(job.found["versions"]):
            return await self._gone(request, name, "This backtest has no such version.")
        from tactful.operations.backtesting.behind import Wanted  # Seldom wanted.

        wanted, most = Wanted(what, asked, self._console.around.time_zone), EXPORTED if wants_csv(request) else PAGE
        try:
            found = await asyncio.to_thread(job.behind.page, int(of), wanted, int(after), most)
        except UsageError as error:
            return await self._gone(request, name, str(error))
        if form == "csv":
            columns = _OF_MESSAGES if what == "message" else _OF_OTHERS
            return self._console.csv(request, f"{name}-backtest-{what}", columns, _rows(found.lines, what))
        here = {"job": number, "of": of, "what": what, **asked}
        versions = job.found["versions"]
        values: dict[str, Any] = {
            "name": name,
            "job": job,
            "what": what,
            "title": _TITLES[what],
            "sentence": sentence(asked),
            "version": versions[int(of)]["version"] if len(versions) > 1 else "",
            "lines": found.lines,
            "is_short": found.is_short,
            "older": f"?{urlencode({**here, 'after': str(found.next)})}" if found.next is not None else "",
        }
        return await self._console.page(request, "journeys/backtest_lines.html", **values)

    async def _gone(self, request: Request, name: str, why: str) -> Response:
        return await self._console.page(request, "journeys/backtest_gone.html", 404, name=name, why=why)


def sentence(fields: Mapping[str, str]) -> str:
    """Which of them, in words."""
    said = (_SAID.get(f"{name}:{text}") or _SAID.get(name, "{}") for name, text in fields.items())
    words = (HELD_OUT.get(text, text) if name == "arm" else in_words(text) for name, text in fields.items())
    return ", ".join(each.format(text) for each, text in zip(said, words, strict=True))


def _rows(lines: Iterable[Any], what: str) -> Iterable[tuple[object, ...]]:
    for one in lines:
        at = format_time(one.at)
        if what == "message":
            about = one.message, one.step, one.channel, one.variant, one.entry_key, one.event
            yield at, one.person, *about, format_time(one.due), one.before, one.after
        else:
            yield at, one.person, one.text, one.message, one.step, one.entry_key
