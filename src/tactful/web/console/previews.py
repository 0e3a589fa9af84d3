"""Previews: what an expression says of everybody, on a page of its own and beside the condition that is being written:
how many, over time, some of them, and how the values that it compares lie over people, with a threshold to be moved.
What is asked at will singles out persons (by an address, say), so it is for who may see them.

The history is asked in a thread of its own (`counting`), so that no other page waits for it.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.language.check import check
from tactful.language.document import PURPOSE
from tactful.language.mistakes import Mistake, Remark, place_at
from tactful.operations.definitions.folder import tidy
from tactful.operations.reading.reader import Reader
from tactful.values import DAY_US, format_time
from tactful.web.console import charts
from tactful.web.console.axes import figure
from tactful.web.console.charts import Bar, Series
from tactful.web.console.moments import moment_of, written
from tactful.web.console.recalled import SEES
from tactful.web.console.room import Console, html, turn_of, visitor
from tactful.web.console.workshop import Workshop

if TYPE_CHECKING:
    from tactful.language.sql.seeing import Sees
    from tactful.operations.previews.previewing_history import Preview

DAYS = (7, 30, 90, 365)
LONGEST = 4_000
TYPING = 'sum("Order Completed", total, last="90d") > 100'
_SAID = {">": "more than", "<": "below", "<=": "at most", "==": "exactly", "!=": "other than"}
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class Threshold(Struct, frozen=True):
    """What the script moves, from step to step: it begins where the condition has it, and else at the first bar."""

    at: int
    steps: str
    """JSON: [{"said", "people", "text", "bars"}]: the comparison in words, for how many people it would hold, the text
    as it would be written, and in which bars they lie."""
    last: int
    place: tuple[int, int] | None


class Drawn(Struct, frozen=True):
    text: str
    picture: Markup
    missing: int
    percentiles: Sequence[tuple[int, str]]
    threshold: Threshold


def routes(console: Console, workshop: Workshop) -> list[BaseRoute]:
    previews = Previews(console, workshop)
    return [console.route("/segments/preview", previews.preview, may="people")]


class Previews:
    def __init__(self, console: Console, workshop: Workshop) -> None:
        self._console = console
        self._workshop = workshop

    async def preview(self, request: Request) -> Response:
        """`?expression=`, `?purpose=` only of those who permit it, `?days=` back, `?at=` a moment of the workspace's
        zone, `?sees=happened` by what had happened. With the header X-Part the answer is the pictures
        alone, for the script."""
        given = request.query_params
        text = tidy(given.get("expression", ""))[:LONGEST].strip()
        purpose = given.get("purpose", "")
        days = int(given["days"]) if given.get("days", "") in map(str, DAYS) else 30
        at = given.get("at", "")
        sees: Sees = "happened" if given.get("sees") == "happened" else "known"
        at_us, problem = moment_of(at, self._console.zone), None
        now_us = self._console.house.clock.now_us()
        found: dict[str, Any] = {}
        if at and at_us is None:
            problem = Remark(0, "this is no moment", "write for instance 2026-03-01T14:03")
        elif at_us is not None and at_us > now_us:
            now = written(now_us, self._console.zone).replace("T", " ")
            problem = Remark(0, "this is still to come", f"it is {now}")
        elif text:
            asked_us = at_us if at_us is not None else now_us
            found = await self._asked(text, purpose, days, asked_us, sees, turn_of(request))
        picked = written(at_us, self._console.zone) if at else ""
        values: dict[str, Any] = {"expression": text, "purpose": purpose, "days": days, "at": picked, "sees": sees}
        shown: dict[str, Any] = {"problem": problem, "place": None, "found": None, **found}
        if request.headers.get("x-part") == "preview":
            shown["problem"] = None  # The field in which it is written has told it already, with its place.
            page = self._console.templates.get_template("segments/previewed.html")
            return html(page.render({"visitor": visitor(request), "may": visitor(request).may, "query": {}, **shown}))
        return await self._console.page(request, "segments/preview.html", typing=TYPING, seen=SEES, **values, **shown)

    async def _asked(self, text: str, purpose: str, days: int, at_us: int, sees: "Sees", turn: str) -> dict[str, Any]:
        from tactful.operations.history.archived import said_of  # Slow to import.
        from tactful.operations.history.terms import terms_of
        from tactful.operations.previews.previewing_history import Preview, preview

        asked = f'({text}\n) and consents("{purpose}")' if PURPOSE.fullmatch(purpose) else text

        def ask(reader: Reader) -> tuple[Preview, Sequence[str]]:
            checked = check(asked, "value", vocabulary=self._workshop.vocabulary(reader))
            plan = reader.published()
            with reader.history().open() as history:
                terms = terms_of(plan.plan.publish, history.terms.delays_us) if plan is not None else None
                return preview(history, checked, at_us, days, sees=sees, terms=terms), said_of(history.losses)

        try:
            found, lacks = await self._console.counting.ask(ask, turn)
        except Mistake as mistake:
            place = place_at("", text, mistake.remark.offset - (asked != text))
            return {"problem": mistake.remark, "place": place}
        points = [(one.at_us, float(one.people)) for one in found.points]
        series = [Series("People", points)]
        if found.step > 1:
            series += [
                Series("at least", [(one.at_us, float(one.low)) for one in found.points], "still"),
                Series("at most", [(one.at_us, float(one.high)) for one in found.points], "still"),
            ]
        shift = 1 if asked != text else 0
        said = "For how many it holds" if found.kind == "condition" else "Who have a value"
        return {
            "found": found,
            "lacks": lacks,
            "over_time": charts.lines(series, said, "people", self._console.zone) if len(points) > 1 else "",
            "lay": self._lay(found),
            "drawn": [self._drawn(one, shift) for one in found.spreads],
            "values": charts.columns(
                [Bar(str(value), people) for value, people in found.values], "Most frequent", "people"
            )
            if found.values
            else "",
        }

    def _lay(self, found: "Preview") -> Markup:
        """Of a value, half and nine of ten people day by day."""
        by_percent: dict[int, list[tuple[int, float]]] = {}
        for point in found.points:
            for percent, value in point.percentiles:
                by_percent.setdefault(percent, []).append((point.at_us, value))
        if not any(len(points) > 1 for points in by_percent.values()):
            return Markup("")
        if any(value < 0 for points in by_percent.values() for _, value in points):
            return Markup("")  # The axis begins at 0.
        series = [
            Series(f"{percent} % have at most", points, tone)
            for (percent, points), tone in zip(by_percent.items(), ("", "still"), strict=True)
        ]
        unit = _UNITS.get(found.spreads[0].unit, "")
        return charts.lines(series, "How the value lay over people", unit, self._console.zone)

    def _drawn(self, one: Any, shift: int) -> Drawn:
        from tactful.operations.previews.spread import Spread

        assert isinstance(one, Spread)
        labels = [self._label(edge, one.unit, one.width) for edge in one.edges]
        if one.is_open and labels:
            labels[-1] += "+"
        unit = _UNITS.get(one.unit, "")
        picture = charts.histogram(
            [Bar(label, count) for label, count in zip(labels, one.bars, strict=True)], "People by value", unit
        )
        said = _SAID.get(one.op, "at least")
        steps = [
            {
                "said": f"{said} {self._label(step.value, one.unit, one.width)} {unit}".strip(),
                "people": step.people,
                "text": _written(step.value, one.unit),
                "bars": step.bars,
            }
            for step in one.steps
        ]
        at = next((n for n, step in enumerate(one.steps) if step.value == one.threshold), 0)
        place = (one.place[0] - shift, one.place[1] - shift) if one.place is not None else None
        return Drawn(
            one.text,
            picture,
            one.missing,
            [(percent, self._label(value, one.unit, 0)) for percent, value in one.percentiles],
            Threshold(at, json.dumps(steps), max(0, len(steps) - 1), place),
        )

    def _label(self, value: float, unit: str, width: float) -> str:
        if unit == "time":
            return format_time(int(value))[: 10 if width == 0 or width >= DAY_US else 16]
        return figure(round(value, 6))


def _written(value: float, unit: str) -> str:
    """As it stands in an expression; "" of what cannot be written so."""
    if unit == "time":
        return ""
    number = f"{value:.6f}".rstrip("0").rstrip(".")
    if not unit:
        return number
    return f'"{number}{unit}"' if number.isdecimal() and number != "0" else ""
