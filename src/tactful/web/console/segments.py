"""Segments: who is in each, how that changed, in which others they are as well, and how they differ from everybody.

Numbers come at once: from what the partitions count, and from the trail's tallies. Comparing looks at people one by
one, so it is worked out beside the page and shown with what it looked at.
"""

import asyncio
import difflib
import shlex
from collections import Counter, OrderedDict
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.kernel.plan import NEVER
from tactful.operations.reading import segmenting
from tactful.operations.reading.reader import Reader
from tactful.operations.reading.segmenting import Sample, SegmentSeen, Share
from tactful.operations.segments.comparing import Comparison
from tactful.operations.segments.flows import SPANS, Bucket, Flow
from tactful.runtime.office import Revision
from tactful.values import DAY_US, format_time
from tactful.web.console import charts
from tactful.web.console.charts import Bar, Series
from tactful.web.console.kept import Kept
from tactful.web.console.reports import passing
from tactful.web.console.room import Console, visitor, wants_csv
from tactful.web.console.workshop import Workshop
from tactful.web.wording import local

CAUSES = {
    "event": "by what they did",
    "time": "by time alone",
    "publish": "by a new definition",
    "merge": "by becoming one with somebody",
    "score": "by a score",
    "consent": "by a decision about consent",
    "threshold": "by a threshold",
    "import": "by an import of what happened before",
}
SPAN_NAMES = (("day", "24 hours"), ("week", "7 days"), ("month", "30 days"), ("half", "26 weeks"), ("year", "52 weeks"))
LONG = ("half", "year")
"""Spans with so many hours that adding them up takes more than a moment."""
SAMPLE_S, COMPARED_S = 120.0, 60.0
"""How old a sample, and what was made of it, may be."""
Weeks = dict[str, Counter[tuple[int, str]]]
REMEMBERED = 200
"""Segments of which what was compared is kept."""
REVISIONS = 20


def routes(console: Console, workshop: Workshop) -> list[BaseRoute]:
    rooms = Segments(console, workshop)
    return [
        console.route("/segments", rooms.list),
        console.route("/segments/{name}", rooms.segment),
        console.route("/segments/{name}/compare", rooms.compare),
        console.route("/segments/{name}/versions", rooms.versions),
    ]


class Segments:
    def __init__(self, console: Console, workshop: Workshop) -> None:
        self._console = console
        self._workshop = workshop
        self._sample: Kept[Sample] = Kept(self._looked_at, console.house.clock, SAMPLE_S)
        self._compared: OrderedDict[tuple[str, str], Kept[Comparison]] = OrderedDict()

    # ---- all of them

    async def list(self, request: Request) -> Response:
        console, now_us = self._console, self._now_us()

        (found, share), stands = await console.desk.ask(
            lambda reader: (segmenting.seen(reader), passing(reader, now_us))
        )
        shown = await console.reports.answer(
            "segments", stands, lambda reader: segmenting.week(reader, now_us), 5.0 if wants_csv(request) else None
        )
        weeks: Weeks = shown.kept.report if shown.kept is not None else {}
        rows = [_row(one, share, weeks.get(one.name, Counter()), now_us) for one in found]
        if wants_csv(request):
            columns = ("segment", "description", "people", "share", "entered 24h", "left 24h", "entered 7d", "left 7d")
            names = ("name", "description", "people", "share", "came", "went", "came_week", "went_week")
            return console.csv(request, "segments", columns, [[row[name] for name in names] for row in rows])
        return await console.page(request, "segments/list.html", rows=rows, share=share, people=people, shown=shown)

    # ---- one

    async def segment(self, request: Request) -> Response:
        console, now_us, name = self._console, self._now_us(), request.path_params["name"]
        one, share = await self._find(name)
        if one is None:
            return await console.page(request, "segments/nobody.html", 404, name=name)
        span = request.query_params.get("span", "")
        if span not in SPANS:
            span = "day" if now_us - one.since < 2 * DAY_US else "week" if now_us - one.since < 14 * DAY_US else "month"

        def ask(reader: Reader) -> tuple[Flow, list[tuple[str, str]]]:
            files = reader.plan_state().plan.publish.files
            return segmenting.flow_of(reader, one, span, now_us), segmenting.named_by(name, reader.compiled(), files)

        flow, named = await (console.slow if span in LONG else console.desk).ask(ask)
        if wants_csv(request):
            lines = [
                (format_time(each.from_us), format_time(each.until_us), each.entered, each.left, each.size)
                for each in flow.buckets
            ]
            return console.csv(request, f"{name}-{span}", ("from", "until", "entered", "left", "people"), lines)
        return await console.page(
            request,
            "segments/segment.html",
            one=one,
            share=share,
            flow=flow,
            named=named,
            causes=CAUSES,
            people=people,
            span=span,
            spans=SPAN_NAMES,
            is_warming=one.ready_at > now_us,
            ready_at=_begins(one),
            shell=shlex.quote(one.when),
            now=format_time(now_us),
            **self._charts(one, flow, span, "people" in visitor(request).may),
        )

    def _charts(self, one: SegmentSeen, flow: Flow, span: str, may_meet: bool) -> dict[str, Any]:
        buckets = flow.buckets
        if not buckets:
            return {}
        first = buckets[0]
        before = first.size - first.entered + first.left
        points = [(first.from_us, float(max(0, before))), *((each.until_us, float(each.size)) for each in buckets)]
        labels = [self._label(each, span) for each in buckets]
        came, went = (
            [
                Bar(label, count, people(one.name, who, each.from_us, each.until_us) if count and may_meet else "")
                for each, label, count in zip(buckets, labels, counts, strict=True)
            ]
            for who, counts in (
                ("entered", [each.entered for each in buckets]),
                ("left", [each.left for each in buckets]),
            )
        )
        return {
            "size": charts.lines([Series("People", points)], "People in it", "", self._console.zone),
            "came": charts.columns(came, "Came", "people"),
            "went": charts.columns(went, "Left", "people"),
            "period": (buckets[0].from_us, buckets[-1].until_us),
        }

    def _label(self, each: Bucket, span: str) -> str:
        at = local(each.from_us, self._console.zone)
        return f"{at:%H}:00" if span == "day" else f"{at.day} {at:%b}"

    async def _find(self, name: str) -> tuple[SegmentSeen | None, Share]:
        found, share = await self._console.desk.ask(segmenting.seen)
        return next((one for one in found if one.name == name), None), share

    def _now_us(self) -> int:
        return self._console.house.clock.now_us()

    # ---- compared

    async def compare(self, request: Request) -> Response:
        """Which other segments they are in, and how they differ."""
        console, name = self._console, request.path_params["name"]
        one, share = await self._find(name)
        if one is None:
            return await console.page(request, "segments/nobody.html", 404, name=name)
        found = await self._kept(one).get(5.0 if wants_csv(request) else 0.05)
        if wants_csv(request):
            if found is None:
                return await console.page(request, "segments/nobody.html", 503, name=name)
            return self._as_file(request, name, found)
        return await console.page(request, "segments/compare.html", one=one, share=share, found=found, people=people)

    def _as_file(self, request: Request, name: str, found: Comparison) -> Response:
        lines: list[tuple[object, ...]] = [
            ("segment", each.segment, "", each.share.value, each.share.low, each.share.high, each.of_all, each.both)
            for each in found.overlaps
        ]
        lines += [
            (
                "difference",
                f"{each.kind} {each.name}".strip(),
                each.said,
                each.members.value,
                each.low,
                each.high,
                each.others.value,
                "",
            )
            for each in found.differences
        ]
        columns = ("what", "name", "value", "share of members", "low", "high", "share of others", "people in both")
        return self._console.csv(request, f"{name}-compared", columns, lines)

    def _kept(self, one: SegmentSeen) -> Kept[Comparison]:
        """What was compared last; another condition is another segment."""
        key = (one.name, one.version)
        if key not in self._compared:
            self._compared[key] = Kept(lambda: self._compare(one), self._console.house.clock, COMPARED_S)
            while len(self._compared) > REMEMBERED:
                self._compared.popitem(last=False)
        self._compared.move_to_end(key)
        return self._compared[key]

    async def _compare(self, one: SegmentSeen) -> Comparison:
        looked = await self._sample.get(60.0)
        assert looked is not None, "the sample could not be drawn"
        now_us = self._now_us()
        return await self._console.slow.ask(lambda reader: segmenting.compared(reader, one, looked, now_us))

    async def _looked_at(self) -> Sample:
        now_us = self._now_us()
        return await self._console.slow.ask(lambda reader: segmenting.sample(reader, now_us))

    # ---- what it said before

    async def versions(self, request: Request) -> Response:
        console, name = self._console, request.path_params["name"]
        one, _ = await self._find(name)
        path = segmenting.FILE.format(name)

        def ask(reader: Reader) -> list[Revision]:
            self._workshop.plan(reader)  # What it says and no revision does is noted.
            return console.office.revisions.of(path, limit=REVISIONS)

        rows = await console.slow.ask(ask) if one is not None else console.office.revisions.of(path, limit=REVISIONS)
        if one is None and not rows:
            return await console.page(request, "segments/nobody.html", 404, name=name)
        if wants_csv(request):
            columns = ("at", "author", "plan", "before", "after")
            lines = [(format_time(row.at), row.author, row.version, row.before, row.after) for row in rows]
            return console.csv(request, f"{name}-versions", columns, lines)
        shown = [(row, await asyncio.to_thread(_diff, row)) for row in rows]
        return await console.page(request, "segments/versions.html", name=name, one=one, rows=shown)


def _diff(row: Revision) -> list[str]:
    before, after = (row.before or "").splitlines(), (row.after or "").splitlines()
    return list(difflib.unified_diff(before, after, lineterm=""))[2:]  # Without the names of the files.


def people(name: str, who: str = "members", from_us: int = 0, until_us: int = 0, **more: str) -> str:
    """The address of the people behind a number."""
    asked = {"who": who, **({"from": from_us, "until": until_us} if until_us else {}), **more}
    return f"/segments/{quote(name)}/people?{urlencode(asked)}"


def _begins(one: SegmentSeen) -> int | None:
    """When it says something at the latest, whether its seed comes or not; None where only a seed makes it."""
    return one.ready_at if one.ready_at < NEVER else None


def _row(one: SegmentSeen, share: Share, week: Counter[tuple[int, str]], now_us: int) -> dict[str, Any]:
    days = [(week[day, "entered"], week[day, "left"]) for day in range(7)]
    sizes, size = [one.people], one.people
    for came, went in reversed(days):
        size += went - came
        sizes.append(max(0, size))
    return {
        "name": one.name,
        "description": one.description,
        "people": one.people,
        "share": one.people / share.everybody if share.everybody else 0.0,
        "came": days[-1][0],
        "went": days[-1][1],
        "came_week": sum(came for came, _ in days),
        "went_week": sum(went for _, went in days),
        "spark": charts.spark(list(reversed(sizes)), "People, seven days") if any(sizes) else "",
        "is_warming": one.ready_at > now_us,
        "ready_at": _begins(one),
        "day": (now_us - DAY_US, now_us),
    }
