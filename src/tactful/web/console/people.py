"""People: who did something last, one person's story, and the way to anybody by an exact identifier."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.operations.people import explain
from tactful.operations.stories import StoryLine
from tactful.values import format_time
from tactful.web import wording
from tactful.web.console.recalled import Recalled
from tactful.web.console.room import Console, wants_csv

ROWS = 50
EXPORTED = 1_000
STEPS, MOST_STEPS = 100, 6_400
STEPS_OF_RUNS = ("wait", "came", "over", "branch", "split", "set", "withheld")
KINDS = {
    "events": frozenset(("event", "barred")),
    "decisions": frozenset(
        ("entered", "left", "started", "ended", "consent", "goal", "tied", "went", "apart", *STEPS_OF_RUNS)
    ),
    "messages": frozenset(("intent", "claim", "outcome", "response", "withheld")),
}
"""Kinds of lines of a story (operations/stories.py), by what somebody may want to see alone."""


def routes(console: Console) -> list[BaseRoute]:
    people = People(console)
    return [
        console.route("/people", people.index, may="people"),
        console.route("/people/{key:path}", people.person, may="people"),
    ]


class People:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._recalled = Recalled(console)

    async def index(self, request: Request) -> Response:
        console = self._console
        wanted = request.query_params.get("q", "").strip()
        if wanted:
            found = await console.desk.ask(lambda reader: reader.find(wanted))
            if found is not None:
                return console.back("/people/" + wording.path(found.key))
        limit = EXPORTED if wants_csv(request) else ROWS
        people = await console.desk.ask(lambda reader: reader.people(limit))
        if wants_csv(request):
            cells = ((one.key, one.name, format_time(one.at), one.last, " ".join(one.segments)) for one in people)
            return console.csv(request, "people", ("person", "name", "seen", "last", "segments"), cells)
        taught = await console.taught(is_empty=bool(wanted) or not people)
        return await console.page(
            request, "people/list.html", 404 if wanted else 200, people=people, wanted=wanted, **taught
        )

    async def person(self, request: Request) -> Response:
        console, key, asked = self._console, request.path_params["key"], request.query_params
        if "at" in asked:  # Also with nothing in it: the picker is on that page.
            return await self._recalled.person(request, key)
        steps = int(wanted) if (wanted := asked.get("steps", "")[:9]).isdecimal() else STEPS
        steps = max(STEPS, min(steps, MOST_STEPS))
        # The longest stories take a while to tell; nobody else waits for them.
        desk = console.desk if steps == STEPS else console.slow
        story = await desk.ask(lambda reader: reader.story(key, steps))
        if story is None:
            taught = await console.taught(is_empty=True)
            return await console.page(request, "people/nobody.html", 404, key=key, **taught)
        show = asked.get("show", "") if asked.get("show", "") in KINDS else ""
        lines = [line for line in story.lines if not show or line.kind in KINDS[show]]
        if wants_csv(request):
            cells = ((format_time(one.at), one.kind, one.text, _because(one), one.through, one.intent) for one in lines)
            return console.csv(request, story.user, ("at", "kind", "what", "because", "through", "intent"), cells)
        return await console.page(
            request,
            "people/person.html",
            story=story,
            days=wording.by_day(reversed(lines), console.zone),
            show=show,
            steps=steps,
            more=2 * steps if steps < MOST_STEPS else 0,
        )


def _because(line: StoryLine) -> str:
    """All reasons in one cell."""
    event = [f"by {line.event.name}"] if line.event is not None and line.kind != "event" else []
    why = [f"{one.text} was {explain.value(one.value)}" for one in line.why]
    return "; ".join([text for text in (line.because, *event, *why) if text])
