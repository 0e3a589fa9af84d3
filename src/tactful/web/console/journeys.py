"""Journeys: how each stands and what it does (a flow with who is where), what it brought, and what is said of it.

The page of a journey has two speeds. How it stands comes at once, from what the partitions count; what it brought is a
report over the trail, which is shown as it was computed last (reports.py).
"""

import asyncio
from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import TransientError, UsageError
from tactful.events.records import Launch, Steer, encode
from tactful.journeys.rules import JourneyRule
from tactful.operations.journeys import campaigns, flow_words, steering
from tactful.operations.journeys.steering import JourneyState
from tactful.operations.reading.reader import Reader
from tactful.runtime.intake import Busy
from tactful.values import HOUR_US
from tactful.web.console import charts
from tactful.web.console.flowchart import flowchart
from tactful.web.console.journey_filters import bounds_of, filters_of
from tactful.web.console.reports import Question, Shown, age, passing, written_to
from tactful.web.console.room import Console, visitor, wants_csv

WEEK_HOURS = 7 * 24
TONES = {"running": "good", "paused": "warn", "draining": "busy", "stopped": "still"}
SAID = {"pause": "paused", "resume": "resumed", "drain": "drained", "stop": "stopped"}


def routes(console: Console) -> list[BaseRoute]:
    rooms = Journeys(console)
    return [
        console.route("/journeys", rooms.all),
        console.route("/journeys/{name}", rooms.journey),
        console.route("/journeys/{name}/steer", rooms.steer, may="steer", methods=("POST",)),
        console.route("/sending", rooms.switch, may="steer", methods=("POST",)),
    ]


class Week(Struct):
    """What a journey did in the last seven days."""

    started: int = 0
    sent: int = 0
    goals: int = 0
    days: list[int] = msgspec.field(default_factory=lambda: [0] * 7)
    """Starts by day, oldest first."""


class Looked(Struct, frozen=True):
    """What the page of a journey asks of the desk."""

    state: JourneyState
    rule: JourneyRule | None
    words: Mapping[str, flow_words.Words]
    start: flow_words.Words | None
    written: tuple[int, ...]
    version: int
    """Of the plan."""
    campaign: campaigns.Status | None


class Journeys:
    def __init__(self, console: Console) -> None:
        self._console = console

    # ---- all of them

    async def all(self, request: Request) -> Response:
        now_us = self._console.house.clock.now_us()
        found, stands = await self._console.desk.ask(lambda reader: (reader.journeys(), passing(reader, now_us)))
        shown = await self._console.reports.answer("journeys", stands, lambda reader: weeks(reader, now_us))
        did = shown.kept.report if shown.kept is not None else {}
        rows = [(one, did.get(one.journey, Week())) for one in found.journeys]
        if wants_csv(request):
            columns = ("journey", "state", "starts with", "inside", "waiting", "started 7d", "sent 7d", "goals 7d")
            lines = [
                (one.journey, one.state, one.kind, inside(one), one.waiting, week.started, week.sent, week.goals)
                for one, week in rows
            ]
            return self._console.csv(request, "journeys", columns, lines)
        sparks = {one.journey: charts.spark(week.days, "Starts by day") if week.started else "" for one, week in rows}
        return await self._console.page(
            request, "journeys/list.html", found=found, rows=rows, tones=TONES, sparks=sparks, shown=shown
        )

    # ---- one

    async def journey(self, request: Request) -> Response:
        name = request.path_params["name"]
        looked = await self._console.desk.ask(lambda reader: look(reader, name, self._console))
        if looked is None:
            return await self._console.page(request, "journeys/nobody.html", 404, name=name)
        filters, definitions = filters_of(request), await self._console.defined.ask(looked.version)
        written = definitions.journeys.get(name) if definitions is not None else None
        values = await self._report(request, name, filters, looked)
        picture = ""
        if looked.rule is not None and looked.start is not None:
            picture = flowchart(looked.rule, looked.words, looked.start, values.pop("marks"))
        elif "marks" in values:
            del values["marks"]
        conditions = flow_words.conditions(looked.rule) if looked.rule is not None else []
        return await self._console.page(
            request,
            "journeys/journey.html",
            name=name,
            looked=looked,
            description=written.description if written is not None else "",
            state=looked.state,
            tone=TONES.get(looked.state.state, "still"),
            picture=picture,
            conditions=conditions,
            filters=filters,
            **values,
        )

    async def _report(self, request: Request, name: str, filters: Mapping[str, str], looked: Looked) -> dict[str, Any]:
        """The parts of the page that come from the report."""
        numbers = await asyncio.to_thread(_numbers)
        link = numbers.Link(name, filters, is_allowed="people" in visitor(request).may)
        inside = looked.state.inside or {}
        values: dict[str, Any] = {"marks": numbers.marks(inside, (), link), "link": link, "problem": ""}
        bounds = bounds_of(filters, self._console.zone)
        if bounds is None:
            text = filters["from"] or filters["to"]
            return {**values, "shown": Shown(None, is_coming=False), "problem": f"{text} is no date: 2025-03-12"}
        shown = await self._console.reports.ask(Question(name, *bounds), looked.written)
        values |= {"shown": shown, "problem": shown.problem}
        if shown.kept is None:
            return values
        report, wanted = shown.kept.report, filters["version"]
        one = next((each for each in report.versions if wanted and each.version == wanted), report.total)
        stopped, without = numbers.reasons(one, link)
        return values | {
            "marks": numbers.marks(inside, report.steps, link),
            "report": report,
            "one": one,
            "age": age(self._console.house.clock.now_us() - shown.kept.at),
            "funnel": numbers.funnel(one, link),
            "lifts": numbers.lifts(one),
            "groups": numbers.groups(one, link),
            "messages": numbers.messages(report, link),
            "delays": [
                each
                for each in (
                    numbers.delays(one.from_due, "From due to sent"),
                    numbers.delays(one.from_start, "From the event to sent, waits and all"),
                )
                if each
            ],
            "days": numbers.by_day(report),
            "stopped": stopped,
            "without": without,
        }

    # ---- what is said of them

    async def steer(self, request: Request) -> Response:
        name, form = request.path_params["name"], await self._console.form(request)
        wanted, reason = str(form.get("order", "")), str(form.get("reason", "")).strip()
        answer = await self._order(request, name, wanted, reason, (wanted, f"journeys/{name}"))
        if answer is not None:
            return answer
        return self._console.back(f"/journeys/{quote(name)}")

    async def switch(self, request: Request) -> Response:
        """All sending, off and on."""
        form = await self._console.form(request)
        switch, reason = str(form.get("switch", "")), str(form.get("reason", "")).strip()
        order = steering.SWITCH.get(switch, "nothing")
        answer = await self._order(request, steering.ALL, order, reason, (f"switch_{switch}", "sending"))
        if answer is not None:
            return answer
        return self._console.back("/journeys")

    async def _order(
        self, request: Request, name: str, wanted: str, reason: str, noted: tuple[str, str]
    ) -> Response | None:
        """Note what is said (act, about what), and append it; a page where it cannot be."""
        author = visitor(request).name

        def ask(reader: Reader) -> Steer:
            return steering.order(name, wanted, reader.compiled(), reader.partition_state(), author, reason)

        try:
            record = await self._console.desk.ask(ask)
            self._console.note(request, *noted, reason)
            return await append(self._console, request, record)
        except UsageError as error:
            return await self._console.page(request, "journeys/refused.html", 409, name=name, error=str(error))


def _numbers() -> ModuleType:
    """What stands on statistics is slow to import, and wanted for reports only."""
    from tactful.web.console import journey_numbers

    return journey_numbers


async def append(console: Console, request: Request, record: Steer | Launch) -> Response | None:
    """Put what is said into the log of partition 0, which tells the others; None when it is durable."""
    stamped = msgspec.structs.replace(record, received_at=console.arrive().received_at)
    try:
        await console.submit([(0, encode(stamped))])
    except (Busy, TransientError) as error:
        return await console.page(request, "journeys/refused.html", 503, name=record.journey, error=str(error))
    return None


def inside(state: JourneyState) -> int:
    return sum((state.inside or {}).values())


def look(reader: Reader, name: str, console: Console) -> Looked | None:
    """None where nobody has ever heard of the journey."""
    found = reader.journeys(name=name).journeys
    if not found:
        return None
    plan = reader.compiled()
    rule = plan.journeys.get(name)
    campaign = None
    if rule is not None and rule.is_campaign:
        campaign = campaigns.status(name, plan, reader.plan_state(), reader.partitions(), console.hands.approvals)
    return Looked(
        state=found[0],
        rule=rule,
        words=flow_words.steps(rule) if rule is not None else {},
        start=flow_words.start(rule, plan) if rule is not None else None,
        written=written_to(reader),
        version=plan.version,
        campaign=campaign,
    )


def weeks(reader: Reader, now_us: int) -> dict[str, Week]:
    """What every journey did in the last seven days, by its name."""
    found: dict[str, Week] = {}
    first = now_us // HOUR_US - WEEK_HOURS + 1
    edges = [(first + 24 * day) * HOUR_US for day in range(8)]
    for tally in reader.sums(edges, "journey/", ("started", "outcome", "goal")):
        week = found.setdefault(tally.definition.partition("/")[2], Week())
        if tally.what == "started":
            week.started += tally.number
            week.days[(tally.hour - first) // 24] += tally.number
        elif tally.what == "outcome" and tally.name == "sent":
            week.sent += tally.number
        elif tally.what == "goal" and tally.detail != "again":
            week.goals += tally.number
    return found
