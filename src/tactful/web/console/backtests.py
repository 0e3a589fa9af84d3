"""Backtests of a journey: asked for by a form, looked at while they are played, and shown with charts when they are
done (operations/backtesting)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.operations.backtesting.bench import Job
from tactful.operations.definitions.folder import Edits, tidy
from tactful.operations.people.telling_runs import in_words
from tactful.values import parse_time
from tactful.web.backtests import LONGEST_NAME, asked_of
from tactful.web.console import charts
from tactful.web.console.backtest_lines import BacktestLines, address
from tactful.web.console.charts import Bar, Series, Stage
from tactful.web.console.journey_filters import days_of, times_of
from tactful.web.console.moments import moment_of
from tactful.web.console.room import Console, visitor

WHERE = {"start": "No run began", "run": "The run ended", "gate": "The gate refused"}
SHOWN = 25
"""Of reasons, segments and samples."""
AGAINST = {
    "": "nothing",
    "published": "what is published",
    "without": "the project without it",
    "other": "the text below",
}
FIELDS = ("from", "to", "against", "other", "orders")
EDIT = "edit "


def routes(console: Console) -> list[BaseRoute]:
    room = Backtests(console)
    return [
        console.route("/journeys/{name}/backtest", room.page),
        console.route("/journeys/{name}/backtest", room.begin, may="people", methods=("POST",)),
        console.route("/journeys/{name}/backtest/stop", room.stop, may="people", methods=("POST",)),
        console.route("/journeys/{name}/backtest/lines", BacktestLines(console).page, may="people"),
    ]


Cell = tuple[str | int, str]
"""What one version says, and the address of the lines that it counts; "" where there are none, or none may be seen."""
Row = tuple[str, str, tuple[Cell, ...]]
"""What it is about, a hint or "", and what each version says."""
Behind = Callable[..., str]
"""The address of so many lines: of a version by its number, of a kind, with fields."""


def _edits(form: FormData) -> Edits:
    """Of the page of a change, which is not saved yet: "edit PATH" with a text, "gone" with a path."""
    texts = {name.removeprefix(EDIT): tidy(str(text)) for name, text in form.items() if name.startswith(EDIT)}
    return {**texts, **{str(path): None for path in form.getlist("gone")}}


def _chosen(job: Job | None, zone: ZoneInfo) -> dict[str, str]:
    """What the form said of a backtest, so that the next one differs by what is changed in it."""
    if job is None:
        return dict.fromkeys(FIELDS, "")
    asked = job.asked
    is_named = not asked.against_label
    against, other = (asked.against, "") if is_named else ("other", asked.against)
    first, last = days_of(asked.first, asked.last, zone)
    return dict(zip(FIELDS, (first, last, against, other, "yes" if asked.orders else ""), strict=True))


class Seen(Struct, frozen=True):
    """One version of what was found, drawn."""

    title: str
    values: Mapping[str, Any]
    funnel: Markup
    hours: Markup
    persons: Markup
    samples: tuple[tuple[int, Mapping[str, Any]], ...]
    """Messages, each with its instant."""
    behind: Mapping[str, str]
    """By kind of lines, where all of them are."""


class Found(Struct, frozen=True):
    """All versions, row by row beside each other."""

    spans: tuple[int, int, int]
    """From, to, and since when there is history."""
    numbers: tuple[Row, ...]
    reasons: tuple[Row, ...]
    held: tuple[Row, ...]
    anyway: tuple[Row, ...]
    segments: tuple[Row, ...]
    others: tuple[Row, ...]
    difference: tuple[Row, ...]
    """Of two versions, what each has alone."""


class Backtests:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._bench = console.hands.bench

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        known = await self._console.desk.ask(lambda reader: name in reader.compiled().journeys)
        jobs = self._bench.of(name)
        if not (known or jobs or self._is_written(name)):
            return await self._console.page(request, "journeys/nobody.html", 404, name=name)
        wanted = request.query_params.get("job", "")
        job = next((one for one in jobs if str(one.number) == wanted), jobs[0] if jobs and not wanted else None)
        return await self._shown(request, name, job=job, jobs=jobs)

    def _is_written(self, name: str) -> bool:
        if not name.isidentifier() or len(name) > LONGEST_NAME:
            return False
        return (self._console.project / "journeys" / f"{name}.yaml").exists()

    async def _shown(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        job = values.get("job")
        seen, picture, beside = [], Markup(""), None
        if job is not None and job.found is not None:
            behind = _behind(job, has_people="people" in visitor(request).may)
            beside = _beside(job.found, behind)
            seen = [_seen(each, number, behind) for number, each in enumerate(job.found["versions"])]
            picture = _days(job.found, self._console, behind)
        around: dict[str, Any] = {"fields": _chosen(job, self._console.zone), "problem": "", "against": AGAINST}
        around["edits"] = job.asked.edits if job is not None else {}
        around |= {"seen": seen, "picture": picture, "beside": beside, "job": None, "jobs": self._bench.of(name)}
        about = {"name": name, "has_people": "people" in visitor(request).may, "most": SHOWN}
        return await self._console.page(request, "journeys/backtest.html", status, **about, **(around | values))

    async def begin(self, request: Request) -> Response:
        name, form = request.path_params["name"], await self._console.form(request)
        fields = {field: str(form.get(field, "")).strip() for field in FIELDS}
        edits, orders, times = _edits(form), bool(fields["orders"]), times_of(fields, self._console.zone)
        if times is None:
            problem = f"{fields['from']} to {fields['to']} are no dates: 2025-03-12"
            return await self._shown(request, name, 400, fields=fields, edits=edits, problem=problem)
        said = {**fields, "journey": name, "from": times[0], "to": times[1]}
        if fields["against"] == "other":
            said["against"] = ""
            if not fields["other"]:
                problem = "Paste the other version first."
                return await self._shown(request, name, 400, fields=fields, edits=edits, problem=problem)
        else:
            said["other"] = ""
        try:
            asked = await asyncio.to_thread(asked_of, said, self._console.project, edits, orders=orders)
            job = self._bench.begin(asked, self._console.house.clock.now_us(), self._console.who(request))
        except UsageError as error:
            return await self._shown(request, name, 400, fields=fields, edits=edits, problem=str(error))
        return self._console.back(f"/journeys/{quote(name)}/backtest?job={job.number}")

    async def stop(self, request: Request) -> Response:
        name, form = request.path_params["name"], await self._console.form(request)
        number = str(form.get("job", ""))
        if number.isdecimal():
            self._bench.stop(int(number))
        return self._console.back(f"/journeys/{quote(name)}/backtest")


def _behind(job: Job, *, has_people: bool) -> Behind:
    def found(number: int, version: int, what: str, **fields: str) -> str:
        return address(job, version, what, **fields) if number and has_people and job.behind is not None else ""

    return found


# ---- pictures --------------------------------------------------------------------------------------------------------


def _days(found: Mapping[str, Any], console: Console, behind: Behind) -> Markup:
    """Messages by day: of one version as columns, of two as lines on one axis."""
    versions = found["versions"]
    days = sorted({day["day"] for version in versions for day in version["byDay"]})
    by_day = [{day["day"]: day["messages"] for day in version["byDay"]} for version in versions]
    if not any(number for each in by_day for number in each.values()):
        return Markup("")
    if len(versions) == 1:
        bars = [
            Bar(day[5:], by_day[0].get(day, 0), behind(by_day[0].get(day, 0), 0, "message", day=day)) for day in days
        ]
        return charts.columns(bars, "Messages by day", "messages")
    series = [
        Series(version["version"], [(moment_of(day, console.zone) or 0, each.get(day, 0)) for day in days], tone)
        for version, each, tone in zip(versions, by_day, ("", "warn"), strict=True)
    ]
    return charts.lines(series, "Messages by day", "messages", console.zone)


def _seen(version: Mapping[str, Any], number: int, behind: Behind) -> Seen:
    free = version["arms"].get("sent to", 0)
    all_of = {what: behind(version[key], number, what) for key, _, _, what in NUMBERS}
    stages = [
        Stage("runs began", version["runs"], all_of["began"]),
        Stage("could send", free, behind(free, number, "began", arm="sent to"), f"{version['runs'] - free:,} held out"),
        Stage("messages", version["messages"], all_of["message"], f"to {version['people']:,} people"),
    ]
    hours = [
        Bar(f"{int(hour):02}", many, behind(many, number, "message", hour=hour))
        for hour, many in version["byHour"].items()
    ]
    persons = [
        Bar(many, people, behind(people, number, "message", many=many))
        for many, people in version["messagesPerPerson"].items()
    ]
    of = version["messages"]
    return Seen(
        version["version"],
        version,
        charts.funnel(stages, "From the start to the message") if version["runs"] else Markup(""),
        charts.histogram(hours, "Messages by hour of the workspace's day", "messages") if of else Markup(""),
        charts.histogram(persons, "People by how many messages they get", "people") if of else Markup(""),
        tuple((parse_time(one["at"]) or 0, one) for one in version["samples"][:SHOWN]),
        all_of,
    )


# ---- row by row ------------------------------------------------------------------------------------------------------

NUMBERS = (
    ("messages", "Messages", "", "message"),
    ("people", "People", "who get one", "message"),
    ("runs", "Runs", "that began", "began"),
    ("runsInside", "Still inside", "at the end", "inside"),
    ("sentInFact", "Sent in fact", "by this journey, in these days", "fact"),
)
ANYWAY = (
    ("before", "messages after it had come already, within the window before", "before"),
    ("after", "messages after which it came, within the window", "after"),
    ("windowStillOpen", "messages whose window is not over at the end of the period", "open"),
)


def _beside(found: Mapping[str, Any], behind: Behind) -> Found:
    each = found["versions"]

    def cells(values: Sequence[int], what: str, **fields: str) -> tuple[Cell, ...]:
        return tuple((one, behind(one, nth, what, **fields)) for nth, one in enumerate(values))

    def anyway(key: str, name: str) -> Iterator[Cell]:
        for nth, one in enumerate(each):
            part, whole = one["cameAnyway"][key], one["messages"]
            yield f"{part:,} ({part / whole:.0%})" if whole else "0", behind(part, nth, "message", anyway=name)

    reasons = _sums([{(row["where"], row["reason"]): row["times"] for row in one["reasons"]} for one in each])
    held = _sums([{(reason, ""): times for reason, times in one["heldBack"].items()} for one in each])
    segments = _sums([{(name, ""): number for name, number in one["bySegment"].items()} for one in each])
    return Found(
        (parse_time(found["from"]) or 0, parse_time(found["to"]) or 0, parse_time(found["historyFrom"]) or 0),
        tuple((text, hint, cells([one[key] for one in each], what)) for key, text, hint, what in NUMBERS),
        tuple((WHERE[where], in_words(why), cells(times, where, reason=why)) for (where, why), times in reasons),
        tuple((in_words(why), "", cells(times, "held", reason=why)) for (why, _), times in held),
        tuple((text, "", tuple(anyway(key, name))) for key, text, name in ANYWAY),
        tuple((name, "", cells(numbers, "message", segment=name)) for (name, _), numbers in segments),
        tuple(_others(each, behind)),
        tuple(_difference(found, behind)),
    )


def _sums(each: Sequence[Mapping[tuple[str, str], int]]) -> Iterator[tuple[tuple[str, str], tuple[int, ...]]]:
    """The most frequent first, of all versions together, with the number of each."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in each:
        sums.update(one)
    for about, _ in sums.most_common():
        yield about, tuple(one.get(about, 0) for one in each)


def _others(each: Sequence[Mapping[str, Any]], behind: Behind) -> Iterator[Row]:
    """By journey: its messages, people who get both, messages within a day of one of its, of each version."""
    known = [{row["journey"]: row for row in one["otherJourneys"]} for one in each]
    for name in sorted({name for one in known for name in one}):
        parts = (
            ("messages", "other", {"journey": name}),
            ("peopleOfBoth", "message", {"beside": name}),
            ("withinADay", "message", {"near": name}),
        )
        numbers = [(one[name][part] if name in one else 0 for one in known) for part, _, _ in parts]
        yield (
            name,
            "",
            tuple(
                (number, behind(number, nth, what, **fields))
                for some, (_, what, fields) in zip(numbers, parts, strict=True)
                for nth, number in enumerate(some)
            ),
        )


def _difference(found: Mapping[str, Any], behind: Behind) -> Iterator[Row]:
    """What is the same in both, and what is in one alone."""
    for what, same, alone in (("people", "both", "person"), ("messages", "same", "message")):
        told = found.get("difference", {}).get(what)
        if told is not None:
            cells = [
                (told[one["version"]], behind(told[one["version"]], nth, "message", alone=alone))
                for nth, one in enumerate(found["versions"])
            ]
            yield what, f"{told[same]:,}", tuple(cells)
