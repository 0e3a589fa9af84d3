"""People: who did something last, one person's story, and the way to anybody by an exact identifier."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.web import wording
from tactful.web.console.room import Console

ROWS = 100
STEPS = 200


def routes(console: Console) -> list[BaseRoute]:
    people = People(console)
    return [
        console.route("/people", people.index, may="people"),
        console.route("/people/{key:path}", people.person, may="people"),
    ]


class People:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def index(self, request: Request) -> Response:
        console = self._console
        wanted = request.query_params.get("q", "").strip()
        if wanted:
            found = await console.desk.ask(lambda reader: reader.find(wanted))
            if found is not None:
                return console.back("/people/" + wording.path(found.key))
        people = await console.desk.ask(lambda reader: reader.people(ROWS))
        return await console.page(request, "people.html", 404 if wanted else 200, people=people, wanted=wanted)

    async def person(self, request: Request) -> Response:
        console, key = self._console, request.path_params["key"]
        story = await console.desk.ask(lambda reader: reader.story(key, STEPS))
        if story is None:
            return await console.page(request, "nobody.html", 404, key=key)
        days = wording.by_day(reversed(story.lines), console.zone)
        return await console.page(request, "person.html", story=story, days=days)
