"""Conditions: the editor of a segment: its condition as text, with completion and a look at every pause, or as rows of
drop-downs; the same condition either way, and the number of people beside it.

Only the fields that the editor shows are changed in the file; comments, order and everything else stay.
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.language.check import check
from tactful.language.document import PURPOSE
from tactful.language.mistakes import Mistake, Remark, place_at
from tactful.language.vocabulary import Vocabulary
from tactful.operations.definitions import completion, folder, yaml_fields
from tactful.operations.definitions.building import Group, Row
from tactful.operations.definitions.building_reading import read
from tactful.operations.definitions.building_text import shown, write
from tactful.operations.reading.matching import Matched, matched
from tactful.operations.reading.reader import Reader
from tactful.web.console import builder_form
from tactful.web.console.builder_form import Choices, Fields
from tactful.web.console.room import HEADERS, Console, html, turn_of, visitor
from tactful.web.console.workshop import Workshop, address
from tactful.web.wording import path as quoted

NEW = 'any("Order Completed", last="30d")'
FIELDS = ("when", "description", "purpose")
"""Of a segment's file; the purpose is shown and not edited here."""
UNNAMED = "segments/"
"""The draft of a segment that has no name yet."""
_MEANT = re.compile(r'did you mean "([^"]+)"\?')
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[\w.]+|.')


def routes(console: Console, workshop: Workshop) -> list[BaseRoute]:
    conditions = Conditions(console, workshop)
    both = ("GET", "POST")
    return [
        console.route("/definitions/condition", conditions.look, may="edit", methods=("POST",)),
        console.route("/definitions/matching", conditions.matching, may="edit", methods=("POST",)),
        console.route("/segments/new", conditions.new, may="edit", methods=both),
        console.route("/segments/{name}/edit", conditions.edit, may="edit", methods=both),
    ]


class Conditions:
    def __init__(self, console: Console, workshop: Workshop) -> None:
        self._console = console
        self._workshop = workshop
        console.templates.globals.update(
            {
                "quantities": builder_form.QUANTITIES,
                "comparisons": builder_form.comparisons,
                "takes": builder_form.takes,
                "without_value": builder_form.WITHOUT_VALUE,
                "another": builder_form.ANOTHER,
                "shown_values": lambda row: shown(row.values, is_list=row.comparison in ("in", "not in")),
                "is_row": lambda part: isinstance(part, Row),
                "is_group": lambda part: isinstance(part, Group),
            }
        )

    # ---- for scripts

    async def look(self, request: Request) -> Response:
        """{"problem": {offset, end, line, column, message, hint, instead}} or {"remarks": [...]} of a condition."""
        text = folder.tidy(str((await self._console.form(request)).get("text", "")))
        vocabulary = await self._workshop.ask(self._workshop.vocabulary)
        return JSONResponse(looked_at(text, vocabulary), headers=HEADERS)

    async def matching(self, request: Request) -> Response:
        form = await self._console.form(request)
        words = await self._people(_field(form, "text"), _field(form, "purpose"), turn=turn_of(request))
        return JSONResponse({"people": words}, headers=HEADERS)

    async def _people(self, text: str, purpose: str = "", *, is_quick: bool = False, turn: str = "") -> str:
        """How many people there are who permit the purpose, in words; "" of what cannot be asked, or not quickly."""
        asked = f'({text.strip()}\n) and consents("{purpose}")' if PURPOSE.fullmatch(purpose) else text
        now_us = self._console.house.clock.now_us()

        def count(reader: Reader) -> Matched | None:
            try:
                checked = check(asked, vocabulary=self._workshop.vocabulary(reader))
            except Mistake:
                return None
            return reader.matching().known(checked, now_us) if is_quick else matched(reader, checked, now_us)

        found = await (self._workshop.ask(count) if is_quick else self._console.counting.ask(count, turn))
        allowed = f" Only those who permit {purpose} count." if asked != text else ""
        return in_words(found) + allowed if found is not None else ""

    # ---- pages

    async def new(self, request: Request) -> Response:
        name, error = str(request.query_params.get("name", "")), ""
        if request.method == "POST":
            form = await self._console.form(request)
            if form.get("do") == "drop":
                self._workshop.drop(request, UNNAMED)
                return self._console.back(request.url.path)
            name = str(form.get("name", "")).strip()
            if form.get("do") == "review":
                error = await self._taken(name)
            return await self._posted(request, form, name, error, is_new=True)
        draft = self._workshop.draft(request, UNNAMED)
        values = _values(draft.text if draft is not None else f"when: {NEW}\n")
        if wanted := folder.tidy(request.query_params.get("expression", "")).strip():  # As a preview showed it.
            draft, values = None, {**values, "when": wanted}
        return await self._shown(request, name, values, draft=draft, shown="", is_new=True)

    async def _taken(self, name: str) -> str:
        """Why a new segment cannot be called so; "" where it can."""
        try:
            path = folder.path_of("segments", name)
        except UsageError as refused:
            return str(refused)
        file = await self._workshop.ask(lambda reader: folder.read(self._console.project, path))
        return f"{path} is there already" if file.text is not None else ""

    async def edit(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            path = folder.path_of("segments", name)
        except UsageError:
            return await self._console.page(request, "nothing.html", 404)
        if request.method == "POST":
            form = await self._console.form(request)
            if form.get("do") == "drop":
                self._workshop.drop(request, path)
                return self._console.back(request.url.path)
            return await self._posted(request, form, name, "", is_new=False)
        file = await self._workshop.ask(lambda reader: folder.read(self._console.project, path))
        draft = self._workshop.draft(request, path)
        text = draft.text if draft is not None else file.text
        if text is None:
            return await self._console.page(request, "nothing.html", 404)
        if yaml_fields.value(text, "when") is None:  # Only the file as a whole can be mended.
            return self._console.back(f"{address(path)}/edit")
        digest = draft.shown if draft is not None else file.digest
        return await self._shown(
            request, name, _values(text), draft=draft, shown=digest, is_stale=digest != file.digest
        )

    async def _shown(self, request: Request, name: str, values: Mapping[str, str], **more: Any) -> Response:
        """Rows where the condition can be read, unless the text is asked for."""
        rows = await self._rows(values["when"]) if request.query_params.get("as", "") != "text" else None
        return await self._page(request, name, values, rows, **more)

    async def _posted(self, request: Request, form: FormData, name: str, error: str, *, is_new: bool) -> Response:
        """Another row, the other way to write, or a look at the change."""
        do, values = str(form.get("do", "")), {one: _field(form, one) for one in FIELDS}
        rows, unfinished = None, list[str]()
        if form.get("as") == "builder":
            rows = builder_form.group(builder_form.act(_fields(form), do))
            unfinished = builder_form.unfinished(rows) or ([] if rows.parts else ["Add a line."])
            values["when"] = write(rows) if not unfinished else ""
        part = request.headers.get("x-part")
        if part in ("rows", "told") and rows is not None:
            is_quick, turn = part == "rows", turn_of(request)
            told = await self._told(values["when"], unfinished, values["purpose"], is_quick=is_quick, turn=turn)
            return await self._fragment(request, rows, values["when"], told)
        mistake = ""
        if do in ("builder", "text", "review"):
            problem = looked_at(values["when"], await self._workshop.ask(self._workshop.vocabulary)).get("problem")
            mistake = next(iter(unfinished), _sentence(problem) if problem is not None and do != "text" else "")
            if not mistake and not error:
                return await self._kept(request, name, values, str(form.get("shown", "")), do, is_new=is_new)
        return await self._page(
            request,
            name,
            values,
            rows,
            shown=str(form.get("shown", "")),
            status=422 if mistake or error else 200,
            unfinished=unfinished,
            is_new=is_new,
            mistake=mistake,
            error=error,
        )

    async def _fragment(self, request: Request, rows: Group, when: str, told: Mapping[str, Any]) -> Response:
        """The rows alone, for the script that keeps the page where it is."""
        page = self._console.templates.get_template("segments/builder.html")
        around = {"visitor": visitor(request), "query": {}}
        return html(page.render({**around, "rows": rows, "choices": await self._choices(), "when": when, "told": told}))

    async def _kept(
        self, request: Request, name: str, values: Mapping[str, str], digest: str, do: str, *, is_new: bool
    ) -> Response:
        """As a draft, which is looked at next, or gone on with in the other way to write."""
        is_unnamed = is_new and do != "review"
        path = UNNAMED if is_unnamed else folder.path_of("segments", name)
        draft = self._workshop.draft(request, UNNAMED if is_new else path)
        text: str | None = draft.text if draft is not None else None
        if text is None and not is_new:
            text = (await self._workshop.ask(lambda reader: folder.read(self._console.project, path))).text
        text = text or ""
        for field in ("description", "when"):
            text = yaml_fields.with_value(text, field, values[field]) if text is not None else None
        if text is None:
            return self._console.back(f"{address(path)}/edit")
        self._workshop.keep(request, path, text, "" if is_new else digest)
        if do == "review":
            self._workshop.drop(request, UNNAMED)
            return self._console.back(f"{address(path)}/review")
        named = f"&name={quoted(name)}" if is_new and name else ""
        return self._console.back(f"{request.url.path}?as={do}{named}")

    async def _page(
        self,
        request: Request,
        name: str,
        values: Mapping[str, str],
        rows: Group | None,
        *,
        shown: str,
        status: int = 200,
        unfinished: list[str] | None = None,
        is_new: bool = False,
        **more: Any,
    ) -> Response:
        # A page does not wait for who has to be looked at: its script asks, or a button does.
        is_quick = request.method == "GET"
        told = await self._told(values["when"], unfinished or [], values["purpose"], is_quick=is_quick)
        return await self._console.page(
            request,
            "segments/edit.html",
            status,
            name=name,
            is_new=is_new,
            values=values,
            when=values["when"],
            shown=shown,
            rows=rows,
            choices=await self._choices() if rows is not None else None,
            told=told,
            file=f"/definitions/segments/{quoted(name)}/edit" if name else "",
            **{"draft": None, "is_stale": False, "mistake": "", "error": "", **more},
        )

    async def _told(
        self, when: str, unfinished: list[str], purpose: str, *, is_quick: bool = False, turn: str = ""
    ) -> dict[str, Any]:
        """What is said below the condition."""
        if unfinished:
            return {"unfinished": unfinished}
        found = looked_at(when, await self._workshop.ask(self._workshop.vocabulary))
        if "problem" in found:
            return found
        return {**found, "people": await self._people(when, purpose, is_quick=is_quick, turn=turn)}

    async def _rows(self, when: str) -> Group | None:
        """None of a text that is no condition."""
        vocabulary = await self._workshop.ask(self._workshop.vocabulary)
        try:
            return read(when, vocabulary)
        except Mistake:
            return None

    async def _choices(self) -> Choices:
        def look(reader: Reader) -> Choices:
            lately = completion.Lately(self._workshop.seen(reader), completion.sample(self._console.house.log))
            found = completion.vocabulary(self._workshop.definitions(), lately)
            parts = [f"{one['name']}.{part['name']}" for one in found["collections"] for part in one["parts"]]
            return Choices(
                [one["name"] for one in found["events"]],
                {one["name"]: [part["name"] for part in one["properties"]] for one in found["events"]},
                [*(one["name"] for one in found["traits"]), *parts],
                *([one["name"] for one in found[kind]] for kind in ("segments", "purposes", "models", "metrics")),
            )

        return await self._workshop.ask(look)


def _values(text: str) -> dict[str, str]:
    """Of a file, what the editor shows."""
    return {one: (yaml_fields.value(text, one) or "").strip() for one in FIELDS}


def _field(form: FormData, name: str) -> str:
    return folder.tidy(str(form.get(name, ""))).strip()


def _fields(form: FormData) -> Fields:
    found: Fields = {}
    for key, value in form.multi_items():
        found.setdefault(key, []).append(str(value))
    return found


def looked_at(text: str, vocabulary: Vocabulary) -> dict[str, Any]:
    """What is wrong with a condition, with its place and what to write instead; else what is worth a remark."""
    try:
        checked = check(text, vocabulary=vocabulary, allows_clock=False)
    except Mistake as mistake:
        return {"problem": _placed(mistake.remark, text)}
    return {"remarks": [_placed(remark, text) for remark in checked.warnings]}


def _placed(remark: Remark, text: str) -> dict[str, Any]:
    place = place_at("", text, remark.offset)
    offset = max(0, min(remark.offset, len(text)))
    found = _WORD.match(text, offset)
    word = found.group() if found is not None else ""
    meant = _MEANT.search(remark.hint)
    instead = meant.group(1) if meant is not None else ""
    if instead and word[:1] in ('"', "'"):
        instead = f"{word[0]}{instead}{word[0]}"
    return {
        "offset": offset,
        "end": offset + max(1, len(word)),
        "line": place.line,
        "column": place.column,
        "message": remark.message,
        "hint": remark.hint,
        "instead": instead,
    }


def _sentence(problem: Mapping[str, Any]) -> str:
    where = (
        f"line {problem['line']}, column {problem['column']}" if problem["line"] > 1 else f"column {problem['column']}"
    )
    hint = f"; {problem['hint']}" if problem["hint"] else ""
    return f"{problem['message']} ({where}){hint}"


def in_words(found: Matched) -> str:
    """About 4,300 of 86,000 people (3,700 to 5,000): 1 person in 20 was looked at."""
    if not found.everybody:
        return "Nobody is known yet."
    if found.step == 1:
        said = f"{found.people:,} of {found.everybody:,} people" if found.looked_at else f"{found.people:,} people"
        return f"{said} now."
    people, everybody = _rounded(found.people), _rounded(found.everybody)
    low, high = found.between
    within = f" ({_rounded(low):,} to {_rounded(high):,})" if high else ""
    return f"About {people:,} of {everybody:,} people{within}: 1 person in {found.step:,} was looked at."


def _rounded(number: int) -> int:
    """To two figures; a sample says no more."""
    size = int("1" + "0" * max(0, len(str(number)) - 2))
    return round(number / size) * size
