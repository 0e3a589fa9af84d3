"""Recalled: who was in a segment, and what was known of a person, at a moment that somebody picks.

The history is asked in a thread of its own (`past`), so that no other page waits for it.
"""

from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.operations.reading import segmenting
from tactful.operations.reading.reader import Reader
from tactful.values import format_time
from tactful.web.console.moments import moment_of, written
from tactful.web.console.room import Console, wants_csv

if TYPE_CHECKING:
    from tactful.language.sql.seeing import Sees
    from tactful.operations.history.asof import Members
    from tactful.operations.history.asof_profile import ProfileThen

PAGE, EXPORTED = 100, 100_000
SEES = (("known", "as it was known then"), ("happened", "what had happened by then, also if heard of later"))


def routes(console: Console) -> list[BaseRoute]:
    return [console.route("/segments/{name}/then", Recalled(console).segment, may="people")]


class _Asked(Struct, frozen=True):
    at_us: int
    sees: "Sees"
    text: str
    """The moment as the field has it."""
    problem: str = ""


class Recalled:
    def __init__(self, console: Console) -> None:
        self._console = console

    def _asked(self, request: Request) -> _Asked:
        """`?at=` a moment of the workspace's zone, `?sees=`; now where nobody has picked one yet."""
        zone, now_us = self._console.zone, self._console.house.clock.now_us()
        text = request.query_params.get("at", "")
        at_us = moment_of(text, zone) if text else now_us
        sees: Sees = "happened" if request.query_params.get("sees") == "happened" else "known"
        if at_us is None:
            return _Asked(now_us, sees, text, "this is no moment; write for instance 2026-03-01T14:03")
        late = f"this is still to come; it is {format_time(now_us)}" if at_us > now_us else ""
        return _Asked(at_us, sees, written(at_us, zone), late)

    async def segment(self, request: Request) -> Response:
        console, name, asked = self._console, request.path_params["name"], self._asked(request)
        after, limit = request.query_params.get("after", ""), EXPORTED if wants_csv(request) else PAGE
        found, lacks, problem = None, list[str](), asked.problem

        def ask(reader: Reader) -> "tuple[Members, list[str]]":
            from tactful.operations.history import asof  # Slow to import.
            from tactful.operations.history.archived import said_of

            with reader.history().open() as opened:
                members = asof.segment(opened, name, asked.at_us, asked.sees, after=after, limit=limit)
                return members, said_of(opened.losses)

        if not problem:
            try:
                found, lacks = await console.past.ask(ask)
            except UsageError as error:
                problem = str(error)
        if wants_csv(request) and found is not None:
            lines = [(one.person, format_time(one.since) if one.since else "") for one in found.members]
            return console.csv(request, f"{name}-then", ("person", "since"), lines)
        more = found.members[-1].person if found is not None and len(found.members) == limit else ""
        seen, _ = await console.desk.ask(segmenting.seen)
        one = next((each for each in seen if each.name == name), None)
        shown = {
            "name": name,
            "one": one,
            "found": found,
            "lacks": lacks,
            "asked": asked,
            "problem": problem,
            "more": more,
            "sees": SEES,
        }
        return await console.page(request, "segments/then.html", 404 if problem else 200, **shown)

    async def person(self, request: Request, key: str) -> Response:
        """The page of a person with `?at=`."""
        console, asked = self._console, self._asked(request)
        found: ProfileThen | None = None
        lacks, problem = list[str](), asked.problem

        def ask(reader: Reader) -> "tuple[ProfileThen | None, list[str]]":
            from tactful.operations.history import asof_profile  # Slow to import.
            from tactful.operations.history.archived import said_of

            with reader.history().open() as opened:
                return asof_profile.profile(opened, key, asked.at_us, asked.sees), said_of(opened.losses)

        if not problem:
            try:
                found, lacks = await console.past.ask(ask)
            except UsageError as error:
                problem = str(error)
        status = 200 if found is not None else 404
        shown = {"key": key, "found": found, "lacks": lacks, "asked": asked, "problem": problem, "sees": SEES}
        return await console.page(request, "people/then.html", status, **shown)
